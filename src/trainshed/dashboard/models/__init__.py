"""Models: the list, one model, one version, and rollback.

- `listing`: all models. `one`: a model, its versions over time. `version`: one of them. `words`: what they share.
- `rollback`: the forms that make an earlier version live again.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial

from trainshed import registry
from trainshed.dashboard.asked import Asked
from trainshed.dashboard.models import listing, one, version
from trainshed.dashboard.models.words import SECTION
from trainshed.dashboard.origin import Origins
from trainshed.dashboard.page import Page
from trainshed.dashboard.serve import Address
from trainshed.errors import NotFound
from trainshed.explain import Origin
from trainshed.registry import Version

TriggersOf = Callable[[Sequence[str]], Sequence[str]]  # names of runs -> schedules and triggers that started them


class Models:
    """Pages over the registry."""

    def __init__(self, service: registry.Service, origins: Origins, triggers_of: TriggersOf) -> None:
        self._service = service
        self._triggers_of = triggers_of
        self._origins = origins

    def addresses(self) -> list[Address]:
        """Answer the pages of this section."""
        return [
            Address(path=SECTION, make=self._listing, words=listing.WORDS),
            Address(path=SECTION + "/{name:path}", make=self._detail, words=("version", "before")),
        ]

    def _listing(self, asked: Asked) -> Page:
        return listing.page(self._service, asked)

    def _detail(self, asked: Asked) -> Page:
        """One model, or one of its versions (`?version=`). Raises NotFound, InvalidArgument."""
        directory = registry.address(asked.name)
        pushing = partial(self._pushing, directory)
        if number := asked.word("version"):
            found = self._service.version(directory, number)
            return version.page(found, self._origin(found, {}), pushing)
        before = asked.number("before", 0, most=10**18) or None
        model = self._service.get(directory, before=before, limit=one.PAGE)
        seen = {each.version: each for each in model.versions}
        origins = {number: self._origin(each, seen) for number, each in seen.items()}
        return one.page(model, origins, pushing, asked)

    def _origin(self, version: Version, seen: Mapping[str, Version]) -> Origin | None:
        """Answer what is known of the run that made a version's files: a rollback has those of an earlier version."""
        with suppress(NotFound):
            while version.restores:
                version = seen.get(version.restores) or self._service.version(version.directory, version.restores)
        return self._origins.of(version.run)

    def _pushing(self, directory: str) -> Sequence[str]:
        """Answer the schedules and triggers of the runs that pushed the newest versions."""
        recent = self._service.get(directory, limit=one.PAGE).versions
        return self._triggers_of([each.run for each in recent if each.run])
