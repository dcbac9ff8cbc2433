"""Versions out of lineage, folders out of the buckets. Every function works inside the caller's transaction."""

from collections.abc import Iterator, Sequence
from itertools import islice

from sqlalchemy import Connection

from trainshed import lineage
from trainshed.lineage import Artifact
from trainshed.registry import facts
from trainshed.registry.directory import is_number, split
from trainshed.registry.model import Version

_AFTER_NUMBERS = ":"  # sorts right behind the digits


def directories(conn: Connection, after: str = "") -> Iterator[str]:
    """Answer the serving directories in the order of their addresses, each found by one look into an index."""
    start, last = f"{after}/{_AFTER_NUMBERS}" if after else "\x01", after
    while found := lineage.next_destination(conn, start):
        directory, version = split(found)
        if directory != last:
            yield directory
        start = f"{directory}/{_AFTER_NUMBERS}" if is_number(version) else f"{found}\x00"
        last = directory


def versions(
    conn: Connection, directories: Sequence[str], *, before: int | None = None, limit: int
) -> list[tuple[list[Version], int | None]]:
    """Read the versions of each model, newest first, and where its next page begins; None: there is none."""
    pushed = [lineage.pushed_below(conn, each, before=before, limit=limit + 1) for each in directories]
    told = iter(described(conn, [artifact for found in pushed for artifact in found[:limit]]))
    return [
        (list(islice(told, min(len(found), limit))), found[limit - 1].artifact_id if len(found) > limit else None)
        for found in pushed
    ]


def find_version(conn: Connection, directory: str, number: str) -> Version | None:
    """Read one version."""
    pushed = lineage.pushed_to(conn, f"{directory}/{number}")
    return described(conn, [pushed])[0] if pushed else None


def described(conn: Connection, pushed: Sequence[Artifact]) -> list[Version]:
    """Read what lineage says of pushed models, in a few queries for all of them."""
    makers = lineage.makers(conn, [a.artifact_id for a in pushed])
    given = [e for e in lineage.events_of(conn, [m.execution_id for m in makers.values()]) if e.type == "INPUT"]
    things = lineage.read_artifacts(conn, {e.artifact_id for e in given})
    inputs: dict[int, list[Artifact]] = {}
    for event in given:
        inputs.setdefault(event.execution_id, []).append(things[event.artifact_id])
    return [
        facts.version(a, maker, inputs.get(maker.execution_id, ()) if maker else ())
        for a in pushed
        for maker in [makers.get(a.artifact_id)]
    ]


def inputs_of(conn: Connection, artifact_id: int) -> list[tuple[str, int]]:
    """Answer what the maker of an artifact was given, as (name, artifact)."""
    maker = lineage.makers(conn, [artifact_id]).get(artifact_id)
    found = lineage.events_of(conn, [maker.execution_id]) if maker else []
    return [(e.path, e.artifact_id) for e in found if e.type == "INPUT"]
