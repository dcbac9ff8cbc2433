"""The address of a log: pieces of it as JSON, what is new as server-sent events, the whole as a download.

Words of the query: none (the end of the log), `before`, `after` and `around` (bytes from its beginning), `line`,
`find` (with `before`), `locate` (the number of the line at a place), `follow` (from a place), `download`.
"""

import json
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from trainshed.dashboard import asked
from trainshed.dashboard.asked import Asked
from trainshed.dashboard.document import plain
from trainshed.dashboard.logs.following import Following
from trainshed.dashboard.logs.index import Indexes
from trainshed.dashboard.logs.part import wanted_line
from trainshed.dashboard.logs.reading import Piece, Reader, Source
from trainshed.dashboard.logs.text import Text
from trainshed.dashboard.serve import HEADERS
from trainshed.dashboard.watching import Listen
from trainshed.duty import off_loop
from trainshed.errors import InvalidArgument

_WORDS = ("before", "after", "around", "line", "find", "locate", "follow", "download", "count")
_LINES = 300  # of one answer
_COUNT_SECONDS = 0.25  # of counting between two looks at whether somebody still waits
_BEHIND_BYTES = 128 * 1024  # that a follower may be behind before it is shown the end instead
_LARGEST = 1 << 60


@dataclass(frozen=True, kw_only=True)
class Address:
    """Where a log is asked for, and what finds it. Called on a thread; raises TrainshedError."""

    path: str
    find: Callable[[Asked], Source]
    words: Sequence[str] = ()  # of the query that `find` reads


class Logs:
    """Serves logs."""

    def __init__(self, listen: Listen) -> None:
        self._indexes = Indexes()
        self._following = Following(listen)

    def routes(self, addresses: Sequence[Address]) -> list[Route]:
        """Serve them. To be asked before the pages."""
        return [Route(address.path, _Endpoint(address, self._indexes, self._following).answer) for address in addresses]

    def close(self) -> None:
        """End every stream."""
        self._following.close()


class _Endpoint:
    def __init__(self, address: Address, indexes: Indexes, following: Following) -> None:
        self._find = address.find
        self._known = (*address.words, *_WORDS)
        self._indexes = indexes
        self._following = following

    async def answer(self, request: Request) -> Response:
        """Answer one request. Raises TrainshedError."""
        found = asked.read(request.url.path, dict(request.path_params), request.url.query, self._known)
        source = await off_loop(self._find, found)
        if "download" in request.query_params:
            return _download(source)
        if "follow" in request.query_params:
            begin = _offset(Asked(path="", query=[("follow", request.headers.get("last-event-id", ""))]), "follow")
            events = self._events(source, begin or _offset(found, "follow") or 0)
            return StreamingResponse(events, media_type="text/event-stream", headers=HEADERS)
        if (offset := _offset(found, "locate")) is not None:
            return JSONResponse({"number": await self._number(source, offset)}, headers=HEADERS)
        if number := wanted_line(found):
            return JSONResponse(await self._line(source, number, found), headers=HEADERS)
        return JSONResponse(await off_loop(self._piece, source, found), headers=HEADERS)

    @contextmanager
    def _reader(self, source: Source, *, is_over: bool) -> Iterator[Reader]:
        with Text(source.paths) as text:
            yield Reader(source, text, self._indexes.of(source.paths, text), is_over=is_over)

    def _piece(self, source: Source, found: Asked) -> dict[str, Any]:
        count = found.number("count", _LINES, least=1, most=2_000)
        before, after, around = (_offset(found, word) for word in ("before", "after", "around"))
        is_over = source.is_over()
        with self._reader(source, is_over=is_over) as reader:
            if wanted := found.word("find"):
                return dict(plain(reader.search(wanted, before)))
            if around is not None:
                piece = reader.around(around, count)
            elif after is not None:
                piece = reader.later(after, count)
            else:
                piece = reader.tail(count) if before is None else reader.earlier(before, count)
        return _document(piece, is_over=is_over)

    async def _number(self, source: Source, offset: int) -> int | None:
        while not await off_loop(self._count, source):
            pass
        return await off_loop(self._at, source, offset)

    async def _line(self, source: Source, number: int, found: Asked) -> dict[str, Any]:
        while not await off_loop(self._count, source):
            pass
        return await off_loop(self._around_line, source, number, found)

    def _count(self, source: Source) -> bool:
        with Text(source.paths) as text:
            return self._indexes.of(source.paths, text).grow(text, _COUNT_SECONDS)

    def _at(self, source: Source, offset: int) -> int | None:
        with Text(source.paths) as text:
            return self._indexes.of(source.paths, text).number_of(text, text.line_start(offset))

    def _around_line(self, source: Source, number: int, found: Asked) -> dict[str, Any]:
        with Text(source.paths) as text:
            offset = self._indexes.of(source.paths, text).offset_of(text, number)
        return self._piece(source, Asked(path=found.path, query=[*found.query, ("around", str(offset))]))

    async def _events(self, source: Source, begin: int) -> AsyncIterator[str]:
        """Yield a piece for each growth; where too much has come at once, the end alone, which joins nothing."""
        yield "retry: 2000\n\n"
        place = begin
        async for state in self._following.states(source):
            if state is None:
                yield ":\n\n"
                continue
            _, is_over = state
            is_last = False
            while not is_last:
                piece = await off_loop(self._news, source, place, is_over)
                place, is_last = piece.end, piece.is_last
                content = json.dumps(_document(piece, is_over=is_over), ensure_ascii=False, separators=(",", ":"))
                yield f"id: {place}\ndata: {content}\n\n"
            if is_over:
                yield "event: end\ndata:\n\n"
                return

    def _news(self, source: Source, place: int, is_over: bool) -> Piece:
        with Text(source.paths) as text:
            is_far = text.size - place > _BEHIND_BYTES or text.size < place
        with self._reader(source, is_over=is_over) as reader:
            return reader.tail(_LINES) if is_far else reader.later(place, 2_000)


def _download(source: Source) -> Response:
    def content() -> Iterator[bytes]:
        with Text(source.paths) as text:
            yield from Reader(source, text, Indexes().of(source.paths, text), is_over=True).everything()

    disposition = f"attachment; filename*=UTF-8''{quote(source.name, safe='')}"
    headers = {**HEADERS, "content-disposition": disposition}
    return StreamingResponse(content(), media_type="text/plain; charset=utf-8", headers=headers)


def _offset(found: Asked, word: str) -> int | None:
    given = found.word(word)
    if not given:
        return None
    if not (given.isascii() and given.isdigit() and len(given) < len(str(_LARGEST))):
        raise InvalidArgument.field(word, f"{given!r} is no number of bytes from the beginning of the log")
    return int(given)


def _document(piece: Piece, *, is_over: bool) -> dict[str, Any]:
    """Write a piece; a line is its place, its number and its text, because there are many."""
    lines = [(line.offset, line.number, line.text) for line in piece.lines]
    return {
        "start": piece.start, "end": piece.end, "size": piece.size, "lines": lines, "partial": piece.partial,
        "target": piece.target, "is_last": piece.is_last, "is_over": is_over,
    }  # fmt: skip
