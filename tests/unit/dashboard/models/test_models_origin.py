"""What a version was made from, where a rollback made it."""

from datetime import UTC, datetime
from types import SimpleNamespace

from trainshed.dashboard.asked import Asked
from trainshed.dashboard.models import Models
from trainshed.errors import NotFound
from trainshed.registry import Model, Version

PLACE = "gs://shop/serving/scorer"


def _version(number, **said):
    return Version(
        directory=PLACE, version=number, artifact_id=int(number), kind="push", create_time=datetime(2026, 1, 1, tzinfo=UTC),
        **said,
    )  # fmt: skip


VERSIONS = {
    v.version: v for v in (_version("9", restores="8"), _version("8", restores="7"), _version("7", run="runs/a"))
}


class _Registry:
    def __init__(self, *there):
        self._there = there

    def get(self, directory, **_):
        return Model(directory=directory, live="9", versions=[VERSIONS["9"]])

    def version(self, _, number):
        if number not in self._there:
            raise NotFound(number)
        return VERSIONS[number]


def _asked_of(registry, query=()):
    asked = []
    origins = SimpleNamespace(of=asked.append)
    pages = {address.path: address.make for address in Models(registry, origins, lambda _: ()).addresses()}
    pages["/models/{name:path}"](Asked(path="/models/x", names={"name": PLACE.removeprefix("gs://")}, query=query))
    return asked


def test_a_rollback_has_the_commit_and_the_data_of_the_run_that_pushed_what_it_restores():
    assert _asked_of(_Registry("9", "8", "7")) == ["runs/a"]
    assert _asked_of(_Registry("9", "8", "7"), (("version", "9"),)) == ["runs/a"]


def test_nothing_is_known_of_a_rollback_to_what_lineage_has_no_more():
    assert _asked_of(_Registry("9", "8")) == [""]
