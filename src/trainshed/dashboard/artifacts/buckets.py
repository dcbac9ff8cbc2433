"""Buckets: the list, their folders, and one object with what it contains."""

from collections.abc import Callable, Sequence
from urllib.parse import quote

from starlette.routing import BaseRoute

from trainshed import buckets
from trainshed.blobs import CHANNEL, Bucket, Object
from trainshed.dashboard import links
from trainshed.dashboard.artifacts import content, notifications
from trainshed.dashboard.asked import Asked
from trainshed.dashboard.cells import Badge, Cell, Code, Link, size, time
from trainshed.dashboard.page import (
    Action,
    Actions,
    Empty,
    Facts,
    Field,
    Filter,
    Filters,
    Form,
    Page,
    Part,
    Table,
)
from trainshed.dashboard.serve import Address
from trainshed.errors import NotFound

SECTION = "/buckets"
_PAGE = 100
_GENERATIONS = 50
_MOST, _MOST_EACH = 100_000, 1000  # objects that are counted: of one bucket, of each in the list


class Buckets:
    """Pages over the buckets feature."""

    def __init__(self, service: buckets.Service, project: str) -> None:
        self._service = service
        self._project = project

    def addresses(self) -> list[Address]:
        """Answer the pages of this section."""
        return [
            Address(path=SECTION, make=self.listing, words=("prefix", "after")),
            Address(path=SECTION + "/{name}", make=self.inside, words=("prefix", "start", "object", "generation")),
        ]

    def routes(self) -> list[BaseRoute]:
        """Answer images and downloads."""
        return content.routes(self._service)

    def listing(self, asked: Asked) -> Page:
        """All buckets, by name. Raises InvalidArgument."""
        prefix = asked.word("prefix")
        found = self._service.list_buckets(prefix=prefix, after=asked.word("after"), limit=_PAGE + 1)
        shown = found[:_PAGE]
        counts = self._service.counts([bucket.name for bucket in shown], most=_MOST_EACH)
        rows = [
            (
                Link(text=bucket.name, href=links.href(SECTION, bucket.name)),
                _so_many(count, _MOST_EACH),
                _old(bucket),
                str(bucket.properties.get("location", "")),
                time(bucket.create_time),
            )
            for bucket, count in zip(shown, counts, strict=True)
        ]
        nothing = Empty(
            text="No bucket yet. A bucket is a folder of objects.", command="trainshed storage buckets create gs://NAME"
        )
        return Page(
            title="Buckets",
            section=SECTION,
            parts=(
                Filters(
                    id="filters",
                    filters=(Filter(name="prefix", label="Name begins with", value=prefix),),
                    action=SECTION,
                ),
                Table(
                    id="buckets",
                    columns=("Bucket", "Objects", "Replaced and deleted objects", "Location", "Created"),
                    rows=rows,
                    nothing=nothing,
                    more=asked.href(after=shown[-1].name) if len(found) > _PAGE else "",
                    more_text="More buckets",
                ),
                _creation(self._project),
            ),
            follows=(CHANNEL,),
        )

    def inside(self, asked: Asked) -> Page:
        """One folder of a bucket, or one object. Raises NotFound, InvalidArgument."""
        bucket, name = self._service.get_bucket(asked.name).name, asked.word("object")
        if not name:
            return self._folder(asked, bucket, asked.word("prefix"))
        try:
            return self._object(asked, bucket, name)
        except NotFound:
            below, _ = self._service.level(bucket, f"{name.rstrip('/')}/", limit=1)
            if not below.items and not below.prefixes:
                raise
        return self._folder(asked, bucket, f"{name.rstrip('/')}/")

    def _folder(self, asked: Asked, bucket: str, prefix: str) -> Page:
        found, more = self._service.level(bucket, prefix, start=asked.word("start"), limit=_PAGE)
        parts: list[Part] = [
            Filters(
                id="filters",
                filters=(Filter(name="prefix", label="Name begins with", value=prefix),),
                action=links.href(SECTION, bucket),
            ),
            Table(
                id="objects",
                columns=("Name", "Size", "Type", "Updated"),
                rows=[
                    *(_row_of_folder(bucket, prefix, each) for each in found.prefixes),
                    *map(_row(prefix), found.items),
                ],
                nothing=_nothing(bucket, prefix),
                more=asked.href(start=more, prefix=prefix, object=None) if more else "",
                more_text="More objects",
            ),
            content.Upload(
                id="upload",
                heading="Upload files here",
                bucket=bucket,
                prefix=prefix.rpartition("/")[0] + "/" if "/" in prefix else "",
            ),
        ]
        if not prefix:
            parts += self._of_bucket(bucket)
        return Page(
            title=f"gs://{bucket}/{prefix}".rstrip("/"),
            section=SECTION,
            trail=_trail(bucket, prefix.rstrip("/")),
            parts=parts,
            follows=(CHANNEL, buckets.NOTIFICATIONS),
        )

    def _of_bucket(self, bucket: str) -> list[Part]:
        found = self._service.get_bucket(bucket)
        about: list[tuple[str, Cell]] = [
            ("Address", Code(text=f"gs://{bucket}", may_copy=True)),
            ("Objects", _so_many(self._service.counts([bucket], most=_MOST)[0], _MOST)),
            ("Folder on this machine", Code(text=str(self._service.blobs.root / bucket), may_copy=True)),
            ("Created", time(found.create_time)),
            ("Replaced and deleted objects", _old(found)),
        ]
        return [
            *notifications.parts(bucket, self._project, self._service.list_notifications(bucket)),
            Facts(id="about", heading="Bucket", pairs=about),
            Actions(
                id="actions",
                actions=(
                    Action(
                        label="Delete bucket",
                        path=f"/storage/v1/b/{bucket}",
                        method="DELETE",
                        confirm=f"Delete bucket {bucket}? It has to be empty; what is gone cannot be had back.",
                        then=SECTION,
                    ),
                ),
            ),
        ]

    def _object(self, asked: Asked, bucket: str, name: str) -> Page:
        which = asked.number("generation", 0, most=10**18) or None
        obj = self._service.get(bucket, name, which, soft_deleted=True)
        kept = self._service.generations(bucket, name, limit=_GENERATIONS + 1)
        above = name.rpartition("/")[0]
        return Page(
            title=name.rsplit("/", 1)[-1] or name,
            section=SECTION,
            state=None if obj.delete_time is None else Badge(state="REPLACED" if which else "GONE"),
            about=(
                Code(text=obj.uri, may_copy=True),
                size(obj.size),
                obj.content_type,
                time(obj.create_time),
                Link(text="Download", href=content.download(obj)),
                Link(text="Lineage", href=links.lineage(f"{obj.uri}#{obj.generation}")),
            ),
            trail=_trail(bucket, name),
            parts=(
                Actions(id="actions", actions=(_change(obj, above),), copies_address=True),
                *content.parts(self._service, obj),
                Table(
                    id="generations",
                    heading="Generations",
                    columns=("Generation", "State", "Size", "Written", "Ended"),
                    rows=[_generation(each, current=obj) for each in kept[:_GENERATIONS]],
                    nothing=Empty(text="None is kept."),
                    count=None if len(kept) > _GENERATIONS else len(kept),
                ),
                Facts(id="about", heading="Object", pairs=_about(obj)),
            ),
            follows=(CHANNEL,),
        )


def _creation(project: str) -> Form:
    return Form(
        id="create",
        heading="Create a bucket",
        fields=(Field(name="name", label="Name", is_required=True, help="Lower-case letters, digits and hyphens."),),
        action=Action(label="Create", path=f"/storage/v1/b?project={project}", then=f"{SECTION}/{{name}}"),
        is_folded=True,
    )


def _about(obj: Object) -> list[tuple[str, Cell]]:
    return [
        ("Generation", Code(text=str(obj.generation), may_copy=True)),
        ("Size", f"{obj.size:,} bytes"),
        ("Type", obj.content_type),
        ("CRC32C", Code(text=obj.crc32c)),
        ("MD5", Code(text=obj.md5) if obj.md5 else None),
        *((key, value) for key, value in obj.metadata.items()),
    ]


def _change(obj: Object, above: str) -> Action:
    """Answer what can be done with a generation: one that is gone is restored, or ends by itself."""
    path = f"/storage/v1/b/{obj.bucket}/o/{quote(obj.name, safe='')}"
    where = links.stored(f"gs://{obj.bucket}/{above}/" if above else f"gs://{obj.bucket}")
    if obj.delete_time is None:
        question = f"Delete {obj.uri}? It can be had back for a week unless its bucket says otherwise."
        return Action(label="Delete", path=path, method="DELETE", confirm=question, then=where)
    which = f"generation={obj.generation}"
    if obj.is_soft_deleted:
        return Action(label="Restore this generation", path=f"{path}/restore?{which}", then=links.stored(obj.uri))
    question = f"Delete generation {obj.generation} of {obj.uri}? It can be had back for a week unless its bucket says otherwise."
    return Action(label="Delete this generation", path=f"{path}?{which}", method="DELETE", confirm=question, then=where)


def _generation(obj: Object, *, current: Object) -> tuple[Cell, ...]:
    state = "live" if obj.delete_time is None else "kept" if obj.archived else "replaced or deleted"
    is_shown = obj.generation == current.generation
    return (
        Link(text=str(obj.generation), href=links.stored(obj.uri, obj.generation)),
        Badge(state=state.upper(), note="shown above" if is_shown else ""),
        size(obj.size),
        time(obj.create_time),
        time(obj.delete_time),
    )


def _row_of_folder(bucket: str, prefix: str, folder: str) -> tuple[Cell, ...]:
    return (
        Link(text=folder[len(prefix) :] or folder, href=links.stored(f"gs://{bucket}/{folder}")),
        None,
        "folder",
        None,
    )


def _row(prefix: str) -> Callable[[Object], tuple[Cell, ...]]:
    folder = prefix.rpartition("/")[0]
    start = len(folder) + 1 if folder else 0

    def row(obj: Object) -> tuple[Cell, ...]:
        return (
            Link(text=obj.name[start:] or obj.name, href=links.stored(obj.uri)),
            size(obj.size),
            obj.content_type,
            time(obj.update_time),
        )

    return row


def _nothing(bucket: str, prefix: str) -> Empty:
    if prefix:
        return Empty(text=f"No object has a name that begins with {prefix}.")
    return Empty(text="This bucket is empty.", command=f"trainshed storage cp FILE gs://{bucket}/")


def _trail(bucket: str, name: str) -> Sequence[Link]:
    """Answer the folders above a folder or an object."""
    above = [Link(text="Buckets", href=SECTION)]
    *folders, _ = f"{bucket}/{name}".split("/") if name else [bucket]
    for place in range(len(folders)):
        inner = "/".join(folders[1 : place + 1])
        above.append(
            Link(text=folders[place], href=links.stored(f"gs://{bucket}/{inner}/" if inner else f"gs://{bucket}"))
        )
    return above


def _old(bucket: Bucket) -> str:
    if bucket.has_versioning:
        return "kept for ever"
    days = bucket.soft_delete_seconds / 86400
    return f"kept for {days:g} days" if days else "not kept"


def _so_many(count: int, bound: int) -> Cell:
    """Answer a count that stops at a bound."""
    return f"{count:,} or more" if count >= bound else count
