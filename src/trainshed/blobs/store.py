"""Tables and SQL of buckets and objects. Every function works inside the caller's transaction."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    Select,
    Table,
    Text,
    bindparam,
    case,
    delete,
    false,
    func,
    or_,
    select,
    tuple_,
    update,
)

from trainshed.blobs.model import Bucket, Object
from trainshed.sql import Json, Prepared, Timestamp, insert_new, metadata

buckets = Table(
    "buckets",
    metadata,
    Column("name", Text, primary_key=True),
    Column("metageneration", Integer, nullable=False, server_default="1"),
    Column("properties", Json, nullable=False),
    Column("create_time", Timestamp, nullable=False),
    Column("update_time", Timestamp, nullable=False),
)

objects = Table(
    "objects",
    metadata,
    Column("bucket", Text, ForeignKey("buckets.name"), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("generation", Integer, primary_key=True),
    Column("metageneration", Integer, nullable=False, server_default="1"),
    Column("size", Integer, nullable=False),
    Column("crc32c", Text, nullable=False),
    Column("md5", Text, nullable=False),
    Column("content_type", Text, nullable=False),
    Column("metadata", Json, nullable=False),
    Column("properties", Json, nullable=False),
    Column("component_count", Integer, nullable=False, server_default="0"),
    Column("create_time", Timestamp, nullable=False),
    Column("update_time", Timestamp, nullable=False),
    Column("delete_time", Timestamp),
    Column("archived", Boolean(create_constraint=False), nullable=False, server_default=false()),
    Column("path", Text, nullable=False),
    Column("staged", Text),
    Column("stamp", Text, nullable=False),
    Column("changed", Text, nullable=False, server_default=""),
)
_live = objects.c.delete_time.is_(None)
_soft_deleted = objects.c.delete_time.is_not(None) & ~objects.c.archived
Index("uq_objects_live", objects.c.bucket, objects.c.name, unique=True, sqlite_where=_live)
Index("ix_objects_path", objects.c.path, sqlite_where=_live)
Index("ix_objects_staged", objects.c.staged, sqlite_where=objects.c.staged.is_not(None))
Index("ix_objects_generation", objects.c.generation)
Index("ix_objects_delete_time", objects.c.delete_time, sqlite_where=objects.c.delete_time.is_not(None))

_HIGHEST = "\U0010ffff"


def insert_bucket(conn: Connection, name: str, properties: Mapping[str, Any], *, now: datetime) -> bool:
    """Insert a bucket; False when there is one of that name."""
    values = {"name": name, "properties": dict(properties), "create_time": now, "update_time": now}
    return insert_new(conn, buckets, values)


def find_bucket(conn: Connection, name: str) -> Bucket | None:
    """Read a bucket."""
    rows = _BUCKET.rows(conn, name=name)
    return Bucket(**dict(zip(_OF_BUCKETS, rows[0], strict=True))) if rows else None


def list_buckets(conn: Connection, *, prefix: str = "", after: str = "", limit: int = 1000) -> list[Bucket]:
    """Read buckets by name."""
    query = select(buckets).where(buckets.c.name > after, buckets.c.name.startswith(prefix, autoescape=True))
    rows = conn.execute(query.order_by(buckets.c.name).limit(limit))
    return [Bucket(**row._mapping) for row in rows]  # noqa: SLF001


def update_bucket(conn: Connection, name: str, properties: Mapping[str, Any], *, now: datetime) -> None:
    """Replace a bucket's properties."""
    b = buckets.c
    change = {"properties": dict(properties), "update_time": now, "metageneration": b.metageneration + 1}
    conn.execute(update(buckets).where(b.name == name).values(**change))


def delete_bucket(conn: Connection, name: str) -> None:
    """Forget a bucket and every generation in it."""
    conn.execute(delete(objects).where(objects.c.bucket == name))
    conn.execute(delete(buckets).where(buckets.c.name == name))


def next_generation(conn: Connection, now: datetime) -> int:
    """Answer microseconds since 1970, or one more than the highest generation when that is no less."""
    highest: int = conn.execute(select(func.max(objects.c.generation))).scalar() or 0
    return max(int(now.timestamp() * 1_000_000), highest + 1)


def insert(conn: Connection, obj: Object) -> None:
    """Write one generation."""
    values = {column.name: getattr(obj, column.name) for column in objects.columns}
    values["staged"] = obj.staged or None
    values["metadata"], values["properties"] = dict(obj.metadata), dict(obj.properties)
    conn.execute(objects.insert().values(**values))


def find(conn: Connection, bucket: str, name: str, generation: int | None = None) -> Object | None:
    """Read the live generation, or a given one."""
    o = objects.c
    if generation is None:
        rows = _FOUND.rows(conn, bucket=bucket, name=name)
        return Object.from_values(dict(zip(_COLUMNS, rows[0], strict=True))) if rows else None
    row = conn.execute(
        select(objects).where(o.bucket == bucket, o.name == name, o.generation == generation)
    ).one_or_none()
    return None if row is None else Object.from_row(row)


def set_values(conn: Connection, obj: Object, **values: Any) -> None:
    """Change columns of one generation."""
    o = objects.c
    key = (o.bucket == obj.bucket, o.name == obj.name, o.generation == obj.generation)
    conn.execute(update(objects).where(*key).values(**values))


def list_objects(
    conn: Connection,
    bucket: str,
    *,
    prefix: str = "",
    start: str = "",
    end: str = "",
    after: tuple[str, int] | None = None,
    versions: bool = False,
    soft_deleted: bool = False,
    limit: int | None = None,
) -> Iterator[Object]:
    """Read objects by name (in code point order) and generation: live ones, with archived ones, or what is gone."""
    o = objects.c
    query: Select[Any] = select(objects).where(o.bucket == bucket)
    listed = _live | o.archived if versions else _live
    query = query.where(_soft_deleted if soft_deleted else listed)
    if prefix:
        query = query.where(o.name >= prefix, o.name < prefix + _HIGHEST)
    if start:
        query = query.where(o.name >= start)
    if end:
        query = query.where(o.name < end)
    if after is not None:
        query = query.where(tuple_(o.name, o.generation) > tuple_(*after))
    for row in conn.execute(query.order_by(o.name, o.generation).limit(limit)):
        if row.name.startswith(prefix):
            yield Object.from_row(row)


def folders(conn: Connection, bucket: str, prefix: str) -> list[str]:
    """Answer the folders below a prefix that is a folder's, each found by one look into an index."""
    names = steps(conn, bucket, prefix)
    return [name[len(prefix) :].partition("/")[0] for name in names if "/" in name[len(prefix) :]]


def steps(conn: Connection, bucket: str, prefix: str, *, start: str = "", limit: int = -1) -> list[str]:
    """Answer the first name of each folder below a prefix, and every name right in it; `start`: none before it."""
    values = {"prefix": prefix, "start": max(start, prefix), "end": prefix + _HIGHEST, "highest": _HIGHEST}
    return [name for (name,) in _STEPS.rows(conn, bucket=bucket, most=limit, **values)]


def find_all(conn: Connection, bucket: str, names: Sequence[str]) -> list[Object]:
    """Read the live objects of these names, in their order."""
    o = objects.c
    query = select(objects).where(o.bucket == bucket, o.name.in_(names), _live).order_by(o.name)
    return [Object.from_row(row) for row in conn.execute(query)]


def _steps_between_folders() -> Select[Any]:
    """Read the first name of each folder below a prefix, and every name right in it: a look into an index for each."""
    name = objects.c.name
    inside = (objects.c.bucket == bindparam("bucket"), _live, name < bindparam("end"))
    found = select(func.min(name).label("name")).where(*inside, name >= bindparam("start")).cte(recursive=True)
    depth = func.length(bindparam("prefix", type_=Text))
    slash = func.instr(func.substr(found.c.name, depth + 1), "/")
    last = case(
        (slash > 0, func.substr(found.c.name, 1, depth + slash).concat(bindparam("highest", type_=Text))),
        else_=found.c.name,
    )
    following = select(func.min(name)).where(*inside, name > last).scalar_subquery()
    walked = found.union_all(select(following).where(found.c.name.is_not(None)))
    return select(walked.c.name).where(walked.c.name.is_not(None)).limit(bindparam("most", type_=Integer))


_STEPS = Prepared(_steps_between_folders())
_FOUND = Prepared(
    select(objects).where(objects.c.bucket == bindparam("bucket"), objects.c.name == bindparam("name"), _live)
)
_COLUMNS = [column.name for column in objects.columns]
_BUCKET = Prepared(select(buckets).where(buckets.c.name == bindparam("name")))
_OF_BUCKETS = [column.name for column in buckets.columns]


def path_is_taken(conn: Connection, path: str, parents: list[str], name: str) -> bool:
    """Whether a live object lies at this path, at a folder of it, or below it."""
    o = objects.c
    below = (o.path > f"{path}/") & (o.path < f"{path}0")
    query = select(o.name).where(_live, or_(o.path.in_([path, *parents]), below), o.name != name).limit(1)
    return conn.execute(query).first() is not None


def has_objects(conn: Connection, bucket: str) -> bool:
    """Whether there is a live object in a bucket."""
    return conn.execute(select(objects.c.name).where(objects.c.bucket == bucket, _live).limit(1)).first() is not None


def known_among(conn: Connection, bucket: str, generations: Sequence[int]) -> set[int]:
    """Answer those generations of a bucket that have a row."""
    o = objects.c
    query = select(o.generation).where(o.generation.in_(generations), o.bucket == bucket)
    return set(conn.execute(query).scalars())


def ended(conn: Connection, bucket: str, name: str, *, path: str, stamp: str) -> Object | None:
    """Read the ended generation of an object whose file was last seen at a path with a stamp."""
    o = objects.c
    which = (o.bucket == bucket, o.name == name, o.delete_time.is_not(None), o.path == path, o.stamp == stamp)
    row = conn.execute(select(objects).where(*which)).first()
    return None if row is None else Object.from_row(row)


def unplaced(conn: Connection, limit: int) -> list[Object]:
    """Read the generations whose files may not be at their path yet, oldest first."""
    o = objects.c
    rows = conn.execute(select(objects).where(o.staged.is_not(None)).order_by(o.generation).limit(limit))
    return [Object.from_row(row) for row in rows]


def is_staged(conn: Connection, staged: str) -> bool:
    """Whether a generation has a row whose file is the staged one of this name."""
    return conn.execute(select(objects.c.name).where(objects.c.staged == staged)).first() is not None


def ended_before(conn: Connection, bucket: str, time: datetime, *, limit: int) -> list[Object]:
    """Read generations of a bucket that were replaced or deleted up to a time, oldest first; archived ones stay."""
    o = objects.c
    which = (o.bucket == bucket, o.delete_time <= time, ~o.archived)
    return [
        Object.from_row(row) for row in conn.execute(select(objects).where(*which).order_by(o.delete_time).limit(limit))
    ]


def remove(conn: Connection, obj: Object) -> None:
    """Forget one generation."""
    o = objects.c
    conn.execute(delete(objects).where(o.bucket == obj.bucket, o.name == obj.name, o.generation == obj.generation))
