"""Buckets: the list, their folders, and one object with what it contains.

- `listing`: all buckets. `folder`: what lies in one, level by level. `one`: an object. `words`: what they share.
- `content`: what an object contains, and its bytes; `preview`: of the first of them. Pure.
- `notifications`: who is told when objects come and go.
"""

from starlette.routing import BaseRoute

from trainshed import buckets
from trainshed.dashboard.asked import Asked
from trainshed.dashboard.buckets import content, folder, listing, one
from trainshed.dashboard.buckets.words import SECTION
from trainshed.dashboard.page import Page
from trainshed.dashboard.serve import Address
from trainshed.errors import NotFound


class Buckets:
    """Pages over the buckets feature."""

    def __init__(self, service: buckets.Service, project: str) -> None:
        self._service = service
        self._project = project

    def addresses(self) -> list[Address]:
        """Answer the pages of this section."""
        return [
            Address(path=SECTION, make=self._listing, words=listing.WORDS),
            Address(path=SECTION + "/{name}", make=self._inside, words=("prefix", "start", "object", "generation")),
        ]

    def routes(self) -> list[BaseRoute]:
        """Answer images and downloads."""
        return content.routes(self._service)

    def _listing(self, asked: Asked) -> Page:
        return listing.page(self._service, self._project, asked)

    def _inside(self, asked: Asked) -> Page:
        """One folder of a bucket, or one object. Raises NotFound, InvalidArgument."""
        bucket, name = self._service.get_bucket(asked.name).name, asked.word("object")
        if not name:
            return self._folder(asked, bucket, asked.word("prefix"))
        try:
            return one.page(self._service, asked, bucket=bucket, name=name)
        except NotFound:
            below, _ = self._service.level(bucket, f"{name.rstrip('/')}/", limit=1)
            if not below.items and not below.prefixes:
                raise
        return self._folder(asked, bucket, f"{name.rstrip('/')}/")

    def _folder(self, asked: Asked, bucket: str, prefix: str) -> Page:
        return folder.page(self._service, self._project, asked, bucket=bucket, prefix=prefix)
