"""Uploads in numbered parts (the XML API's multipart upload). Nothing here was acknowledged as an object."""

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from trainshed import names
from trainshed.blobs import CHUNK, Staged
from trainshed.buckets.begun import Begun, Unfinished
from trainshed.buckets.model import Wanted
from trainshed.clock import Clock
from trainshed.errors import InvalidArgument, NotFound

MOST_PARTS = 10_000
MOST_PARTED = 1_000  # no open files, but room on the disk and in memory


@dataclass(frozen=True, kw_only=True)
class Part:
    """What arrived under one number."""

    number: int
    staged: Staged
    update_time: datetime

    @property
    def size(self) -> int:
        """Its bytes."""
        return self.staged.checksums.size

    @property
    def etag(self) -> str:
        """The MD5 of its bytes in hexadecimal, as the XML API tags parts."""
        return base64.b64decode(self.staged.checksums.md5).hex()


@dataclass(kw_only=True)
class PartedUpload(Unfinished):
    """One upload: what it is to become and the parts that are there."""

    upload_id: str
    parts: dict[int, Part] = field(default_factory=dict)
    is_over: bool = False

    def take(self, number: int, staged: Staged, now: datetime) -> Part:
        """Keep a part; the one that was there under its number is replaced."""
        staged.close()
        part = Part(number=number, staged=staged, update_time=now)
        with self.lock:
            is_over = self.is_over
            before = part if is_over else self.parts.get(number)
            self.parts |= {} if is_over else {number: part}
        if before is not None:
            before.staged.discard()
        if is_over:
            raise _ended()
        return part

    def chosen(self, listed: Sequence[tuple[int, str]]) -> list[Part]:
        """Answer the parts that a completion lists, in its order. Raises InvalidArgument."""
        if not listed:
            raise InvalidArgument.field("Part", "is missing: list the parts that make the object.")
        if [number for number, _ in listed] != sorted({number for number, _ in listed}):
            raise InvalidArgument.field("PartNumber", "list the parts in ascending order.", reason="InvalidPartOrder")
        with self.lock:
            found = [self.parts.get(number) for number, _ in listed]
        for (number, etag), part in zip(listed, found, strict=True):
            if part is None or part.etag != etag.strip('"'):
                raise InvalidArgument.field(
                    "Part", f"number {number} did not arrive, or with another tag than {etag!r}.", reason="InvalidPart"
                )
        return [part for part in found if part is not None]

    def give_up(self) -> None:
        """Remove everything that arrived, and take nothing more."""
        with self.lock:
            self.is_over = True
            for part in self.parts.values():
                part.staged.discard()
            self.parts.clear()


class PartedUploads:
    """The uploads in parts of this server."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._uploads = Begun[PartedUpload](clock, most=MOST_PARTED)

    def begin(self, wanted: Wanted) -> PartedUpload:
        """Open one. Raises ResourceExhausted."""
        made = PartedUpload(upload_id=names.short_id(40), wanted=wanted, start_time=self._clock.now())
        self._uploads.add(made.upload_id, made)
        return made

    def get(self, upload_id: str, *, bucket: str, name: str) -> PartedUpload:
        """Find one. Raises NotFound."""
        found = self._uploads.get(upload_id)
        if found is None or (found.wanted.bucket, found.wanted.name) != (bucket, name):
            raise _ended()
        return found

    def of(self, bucket: str) -> list[PartedUpload]:
        """Answer those of a bucket by name."""
        found = [u for u in self._uploads.all() if u.wanted.bucket == bucket]
        return sorted(found, key=lambda u: (u.wanted.name, u.start_time))

    def end(self, upload: PartedUpload) -> None:
        """Forget one and everything that arrived for it."""
        self._uploads.forget(upload.upload_id)
        upload.give_up()

    def expire(self) -> None:
        """Give up what was begun a week ago."""
        self._uploads.expire()


def part_number(text: str) -> int:
    """Read a part's number. Raises InvalidArgument."""
    if not re.fullmatch(r"\d{1,5}", text, re.ASCII) or not 1 <= int(text) <= MOST_PARTS:
        raise InvalidArgument.field("partNumber", f"{text!r} is not a number from 1 to {MOST_PARTS}.")
    return int(text)


def join(parts: Sequence[Part], into: Staged) -> str:
    """Write the parts end to end; answer the tag of the whole as the XML API makes it."""
    tags = hashlib.md5(usedforsecurity=False)
    for part in parts:
        tags.update(bytes.fromhex(part.etag))
        try:
            file = part.staged.path.open("rb")
        except FileNotFoundError as error:
            raise _ended() from error
        with file:
            while data := file.read(CHUNK):
                into.write(data)
    return f"{tags.hexdigest()}-{len(parts)}"


def _ended() -> NotFound:
    return NotFound(
        "There is no such multipart upload; it ended or the server was restarted. Begin it anew.", reason="NoSuchUpload"
    )


def meta_headers(headers: Mapping[str, str], prefix: str = "x-goog-meta-") -> dict[str, str]:
    """Read the user's own metadata of the XML API's headers."""
    return {name.lower().removeprefix(prefix): v for name, v in headers.items() if name.lower().startswith(prefix)}
