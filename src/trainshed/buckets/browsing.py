"""One level of a bucket's folders, and an object's generations: each found by the index, however much lies below."""

from collections.abc import Iterator, Sequence

from sqlalchemy import Connection, bindparam, func, literal, select

from trainshed.blobs import Blobs, Object, store
from trainshed.blobs.store import objects
from trainshed.buckets.listing import Page

_o = objects.c


def level(conn: Connection, blobs: Blobs, bucket: str, *, prefix: str, start: str = "", limit: int) -> tuple[Page, str]:
    """Read what lies in a folder, folders below it as prefixes, and the name at which the next page begins.

    What is in a folder below is passed over, not read.
    """
    blobs.get_bucket(conn, bucket)
    found = store.steps(conn, bucket, prefix, start=start, limit=limit + 1)
    made, inside = Page(), []
    for name in found[:limit]:
        folder, slash, _ = name[len(prefix) :].partition("/")
        if slash:
            made.prefixes.append(f"{prefix}{folder}/")
        else:
            inside.append(name)
    if inside:
        made.items.extend(store.find_all(conn, bucket, inside))
    return made, found[limit] if len(found) > limit else ""


def counts(conn: Connection, buckets: Sequence[str], *, most: int) -> list[int]:
    """Count the live objects of each bucket, none further than `most`."""
    few = select(literal(1)).where(_o.bucket == bindparam("name"), _o.delete_time.is_(None)).limit(most)
    query = select(func.count()).select_from(few.subquery())
    return [conn.execute(query, {"name": name}).scalar_one() for name in buckets]


def generations(conn: Connection, blobs: Blobs, bucket: str, name: str, *, limit: int) -> list[Object]:
    """Read what is kept of an object: the live generation and earlier ones, newest first."""
    end = f"{name}\x00"
    kept = _first(blobs.list(conn, bucket, name, end=end, versions=True), limit)
    gone = _first(blobs.list(conn, bucket, name, end=end, soft_deleted=True), limit)
    return sorted([*kept, *gone], key=lambda obj: -obj.generation)[:limit]


def _first(objects: Iterator[Object], limit: int) -> list[Object]:
    return [obj for obj, _ in zip(objects, range(limit), strict=False)]
