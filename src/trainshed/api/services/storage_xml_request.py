"""One request of the Cloud Storage XML API: its conditions and what an upload is to become are headers."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.responses import Response

from trainshed.api.services.storage_request import Call, promised_hashes
from trainshed.buckets import Wanted, resource
from trainshed.buckets.parts import meta_headers
from trainshed.errors import InvalidArgument


@dataclass(frozen=True)
class XmlCall(Call):
    """A request of the XML API: bucket and object, which may be empty."""

    @property
    def bucket(self) -> str:
        """The bucket that is named."""
        return self.names[0]

    @property
    def name(self) -> str:
        """The object that is named."""
        return self.names[1]

    def conditions(self, prefix: str = "x-goog-if") -> dict[str, int | None]:
        """Read the preconditions of the headers; prefix `x-goog-copy-source-if` for those of a copy's source."""
        found: dict[str, int | None] = {}
        for condition in ("generation-match", "generation-not-match", "metageneration-match"):
            text = self.request.headers.get(f"{prefix}-{condition}", "")
            if text and not re.fullmatch(r"\d{1,18}", text, re.ASCII):
                raise InvalidArgument.field(f"{prefix}-{condition}", f"{text!r} is not a number.")
            if text:
                found["if_" + condition.replace("-", "_")] = int(text)
        return found

    def wanted(self, *, content_type: str = "") -> Wanted:
        """Read from the headers what an upload is to become."""
        headers = self.request.headers
        hashes = promised_hashes(headers.get("x-goog-hash", ""))
        given = {
            "contentType": content_type or headers.get("content-type", ""),
            "cacheControl": headers.get("cache-control"),
            "contentDisposition": headers.get("content-disposition"),
            "contentEncoding": headers.get("content-encoding"),
            "contentLanguage": headers.get("content-language"),
            "customTime": headers.get("x-goog-custom-time"),
            "storageClass": headers.get("x-goog-storage-class"),
            "crc32c": hashes.get("crc32c"),
            "md5Hash": hashes.get("md5") or headers.get("content-md5"),
            "metadata": meta_headers(headers),
        }
        document = {name: value for name, value in given.items() if value}
        return resource.wanted(self.bucket, document, self.conditions(), name=self.name)


Handler = Callable[[XmlCall], Awaitable[Response]]


def xml(content: bytes, status: int = 200) -> Response:
    """Answer a document."""
    return Response(content, status, media_type="application/xml; charset=UTF-8")
