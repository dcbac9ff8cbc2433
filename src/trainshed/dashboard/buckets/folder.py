"""One folder of a bucket: what lies in it, and of the bucket itself what it is and whom it tells."""

from collections.abc import Callable

from trainshed import buckets
from trainshed.blobs import CHANGED, Object
from trainshed.dashboard import links
from trainshed.dashboard.asked import Asked
from trainshed.dashboard.buckets import content, notifications, words
from trainshed.dashboard.cells import Cell, Code, Link, size, time
from trainshed.dashboard.page import Action, Actions, Empty, Facts, Filter, Filters, Page, Part, Table

_PAGE = 100
_MOST = 100_000  # objects that are counted


def page(service: buckets.Service, project: str, asked: Asked, *, bucket: str, prefix: str) -> Page:
    """Show the objects whose names begin with a prefix, level by level. Raises NotFound, InvalidArgument."""
    found, more = service.level(bucket, prefix, start=asked.word("start"), limit=_PAGE)
    parts: list[Part] = [
        Filters(
            id="filters",
            filters=(Filter(name="prefix", label="Name begins with", value=prefix),),
            action=links.href(words.SECTION, bucket),
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
        parts += _of_bucket(service, project, bucket)
    return Page(
        title=prefix.rstrip("/").rpartition("/")[2] or f"gs://{bucket}",
        section=words.SECTION,
        about=(Code(text=f"gs://{bucket}/{prefix}", may_copy=True),) if prefix else (),
        trail=words.trail(bucket, prefix.rstrip("/")),
        parts=parts,
        follows=(CHANGED, buckets.NOTIFICATIONS),
    )


def _of_bucket(service: buckets.Service, project: str, bucket: str) -> list[Part]:
    found = service.get_bucket(bucket)
    about: list[tuple[str, Cell]] = [
        ("Address", Code(text=f"gs://{bucket}", may_copy=True)),
        ("Objects", words.so_many(service.counts([bucket], most=_MOST)[0], _MOST)),
        ("Folder on this machine", Code(text=str(service.blobs.root / bucket), may_copy=True)),
        ("Created", time(found.create_time)),
        ("Replaced and deleted objects", words.old(found)),
    ]
    return [
        *notifications.parts(bucket, project, service.list_notifications(bucket)),
        Facts(id="about", heading="Bucket", pairs=about),
        Actions(
            id="actions",
            actions=(
                Action(
                    label="Delete bucket",
                    path=f"/storage/v1/b/{bucket}",
                    method="DELETE",
                    confirm=f"Delete bucket {bucket}? It has to be empty; what is gone cannot be had back.",
                    then=words.SECTION,
                ),
            ),
        ),
    ]


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
