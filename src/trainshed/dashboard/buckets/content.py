"""What an object contains, as parts of its page; and the routes by which a browser gets bytes that are somebody else's.

No route answers with a type that a browser would run: images are told by their first bytes, everything else is a
download; and what is opened all the same is in a sandbox without an origin.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar
from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Route

from trainshed import buckets
from trainshed.blobs import Object
from trainshed.dashboard.buckets import preview
from trainshed.dashboard.buckets.preview import Node
from trainshed.dashboard.page import Empty, Notice, Part, Table, Text
from trainshed.dashboard.serve import HEADERS
from trainshed.dashboard.wording import size
from trainshed.duty import off_loop
from trainshed.errors import FailedPrecondition, InvalidArgument, TrainshedError

LARGEST_IMAGE = 16 << 20
LARGEST_DRAWING = 1 << 20
_DIGITS = 18  # of a generation
_IMAGE, _DOWNLOAD = "/stored/image", "/stored/download"
_ALONE = {
    **HEADERS,
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'",
    "cross-origin-resource-policy": "same-origin",
}
_COMPILED = (".json", ".yaml", ".yml")
_ID, _HEADING = "content", "Content"


@dataclass(frozen=True, kw_only=True)
class Picture(Part):
    """An image, as large as there is room for."""

    address: str
    says: str  # in the place of the image
    kind: ClassVar[str] = "picture"


@dataclass(frozen=True, kw_only=True)
class Upload(Part):
    """A form for files of one's own."""

    bucket: str
    prefix: str  # folder that they come to lie in
    kind: ClassVar[str] = "upload"
    module: ClassVar[str] = "upload.js"


@dataclass(frozen=True, kw_only=True)
class Tree(Part):
    """A document, folded."""

    root: Node
    kind: ClassVar[str] = "tree"


def parts(service: buckets.Service, obj: Object) -> Sequence[Part]:
    """Show what the first bytes of an object say; nothing more is read. Raises NotFound."""
    head = _read(service, obj, preview.HEAD)
    kind = preview.kind_of(obj.name, obj.content_type, head)
    if kind == "empty":
        return [Notice(id=_ID, text="This object has no content.")]
    if kind == "image":
        return [_image(obj)]
    if kind == "bytes":
        shown = preview.hexadecimal(head)
        return [Text(id=_ID, heading=f"{_HEADING}: the first bytes", text=shown, wraps=False)]
    text = preview.as_text(head) or ""
    is_whole = obj.size <= len(head)
    if kind == "table":
        return _sheet(obj, text, is_whole=is_whole)
    if kind == "json" and (tree := _tree(service, obj)) is not None:
        return [tree]
    source = Text(id=_ID, heading=_heading(obj, is_whole=is_whole), text=text)
    return [_drawing(obj), source] if kind == "drawing" and obj.size <= LARGEST_DRAWING else [source]


def is_pipeline(service: buckets.Service, obj: Object) -> bool:
    """Tell whether an object is a compiled pipeline, by its name and by what every one of them says."""
    return obj.name.endswith(_COMPILED) and b"pipelineInfo" in _read(service, obj, preview.HEAD)


def download(obj: Object) -> str:
    """Answer the address of an object's bytes, as a download."""
    return _address(_DOWNLOAD, obj)


def routes(service: buckets.Service) -> list[BaseRoute]:
    """Serve images and downloads of stored objects."""

    async def image(request: Request) -> Response:
        return await off_loop(_failing, lambda: _as_image(service, _asked(service, request)))

    async def downloaded(request: Request) -> Response:
        return await off_loop(_failing, lambda: _as_file(service, _asked(service, request)))

    return [Route(_IMAGE, image), Route(_DOWNLOAD, downloaded)]


def _failing(answer: Callable[[], Response]) -> Response:
    try:
        return answer()
    except TrainshedError as error:
        document = {"error": {"code": error.http_status, "status": error.code, "message": error.message}}
        return JSONResponse(document, error.http_status, headers=HEADERS)


def _asked(service: buckets.Service, request: Request) -> Object:
    wanted = request.query_params
    generation = wanted.get("generation", "")
    if generation and not (generation.isascii() and generation.isdigit() and len(generation) <= _DIGITS):
        raise InvalidArgument.field("generation", f"{generation!r} is no number")
    which = int(generation) if generation else None
    return service.get(wanted.get("bucket", ""), wanted.get("object", ""), which, soft_deleted=True)


def _as_image(service: buckets.Service, obj: Object) -> Response:
    head = _read(service, obj, preview.HEAD)
    is_drawing = preview.kind_of(obj.name, obj.content_type, head) == "drawing"
    kind = "image/svg+xml" if is_drawing else preview.image_type(head)
    most = LARGEST_DRAWING if is_drawing else LARGEST_IMAGE
    if not kind:
        raise FailedPrecondition(f"{obj.uri} is no image that is shown here.", reason="NO_IMAGE")
    if obj.size > most:
        raise FailedPrecondition(f"{obj.uri} has {size(obj.size)}; images up to {size(most)} are shown.")
    return Response(_read(service, obj, most), media_type=kind, headers=_ALONE)


def _as_file(service: buckets.Service, obj: Object) -> Response:
    name = quote(obj.name.rsplit("/", 1)[-1], safe="")
    headers = {**_ALONE, "content-disposition": f"attachment; filename*=utf-8''{name}"}
    return FileResponse(service.blobs.local_path(obj), media_type="application/octet-stream", headers=headers)


def _read(service: buckets.Service, obj: Object, most: int) -> bytes:
    with service.open(obj) as file:
        return file.read(most)


def _image(obj: Object) -> Part:
    if obj.size > LARGEST_IMAGE:
        return Notice(
            id=_ID,
            text=f"This image has {size(obj.size)}; up to {size(LARGEST_IMAGE)} is shown. Download it to see it.",
        )
    return Picture(id=_ID, heading=_HEADING, address=_address(_IMAGE, obj), says=obj.name.rsplit("/", 1)[-1])


def _drawing(obj: Object) -> Part:
    return Picture(id="drawing", heading="Drawing", address=_address(_IMAGE, obj), says=obj.name.rsplit("/", 1)[-1])


def _sheet(obj: Object, text: str, *, is_whole: bool) -> list[Part]:
    found = preview.sheet(obj.name, text, is_whole=is_whole)
    wider = f", {found.wider_by} more columns" if found.wider_by else ""
    said = "all rows" if found.is_whole else f"the first {len(found.rows)} rows"
    return [
        Table(
            id=_ID,
            heading=f"{_HEADING}: {said}{wider}",
            columns=found.columns,
            rows=found.rows,
            nothing=Empty(text="This table has no rows."),
            can_sort=found.is_whole,
            is_sheet=True,
        )
    ]


def _tree(service: buckets.Service, obj: Object) -> Part | None:
    if obj.size > preview.DOCUMENT:
        return None
    text = preview.as_text(_read(service, obj, preview.DOCUMENT))
    root = preview.document(text) if text is not None else None
    return None if root is None else Tree(id=_ID, heading=_HEADING, root=root)


def _heading(obj: Object, *, is_whole: bool) -> str:
    return _HEADING if is_whole else f"{_HEADING}: the first {size(preview.HEAD)} of {size(obj.size)}"


def _address(route: str, obj: Object) -> str:
    return f"{route}?{urlencode({'bucket': obj.bucket, 'object': obj.name, 'generation': obj.generation})}"
