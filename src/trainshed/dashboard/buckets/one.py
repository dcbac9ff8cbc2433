"""One object of a bucket: what it contains, its generations, and what can be done with them."""

from collections.abc import Sequence
from urllib.parse import quote, urlencode

from trainshed import buckets
from trainshed.blobs import CHANGED, Object
from trainshed.dashboard import links
from trainshed.dashboard.asked import Asked
from trainshed.dashboard.buckets import content, gone, words
from trainshed.dashboard.cells import Badge, Cell, Code, Link, Several, Time, size, time
from trainshed.dashboard.page import Action, Actions, Empty, Facts, Page, Table
from trainshed.errors import NotFound

_GENERATIONS = 50  # that are listed


def page(service: buckets.Service, asked: Asked, *, bucket: str, name: str) -> Page:
    """Show an object, in one of its generations (`?generation=`). Raises NotFound, InvalidArgument."""
    which = asked.number("generation", 0, most=10**18) or None
    kept = service.generations(bucket, name, limit=_GENERATIONS + 1)
    try:
        obj = service.get(bucket, name, which, soft_deleted=True)
    except NotFound:
        if which is None:
            raise
        return _forgotten(service, bucket, name, which, kept)
    is_gone = gone.is_gone(service, obj)
    return Page(
        title=_title(name),
        section=words.SECTION,
        state=None if obj.delete_time is None else Badge(state="REPLACED" if which else "GONE"),
        about=(
            Code(text=obj.uri, may_copy=True),
            size(obj.size),
            obj.content_type,
            Several(cells=("created", Time(when=obj.create_time))),
            *(() if is_gone else (Link(text="Download", href=content.download(obj)),)),
            Link(text="Lineage", href=links.lineage(f"{obj.uri}#{obj.generation}")),
            *(() if is_gone else _run_of(service, obj)),
        ),
        trail=words.trail(bucket, name),
        parts=(
            Actions(id="actions", actions=_changes(obj, is_gone=is_gone), copies_address=True),
            *([gone.said(obj, service.get_bucket(bucket))] if is_gone else content.parts(service, obj)),
            _generations(service, kept, current=obj.generation),
            Facts(id="about", heading="Object", pairs=_about(obj)),
        ),
        follows=(CHANGED,),
    )


def _forgotten(service: buckets.Service, bucket: str, name: str, which: int, kept: Sequence[Object]) -> Page:
    """Say of a generation that is not kept why it is not, and which ones are; links to it stand in accounts and lineage.

    Raises NotFound where there is nothing of the object at all.
    """
    uri = f"gs://{bucket}/{name}"
    if not kept:
        raise gone.nothing(uri, which, service.get_bucket(bucket))
    return Page(
        title=_title(name),
        section=words.SECTION,
        state=Badge(state="GONE"),
        about=(Code(text=uri, may_copy=True), Link(text="Lineage", href=links.lineage(f"{uri}#{which}"))),
        trail=words.trail(bucket, name),
        parts=(
            gone.unknown(which, kept, service.get_bucket(bucket)),
            _generations(service, kept, current=which),
        ),
        follows=(CHANGED,),
    )


def _title(name: str) -> str:
    return name.rsplit("/", 1)[-1] or name


def _generations(service: buckets.Service, kept: Sequence[Object], *, current: int) -> Table:
    return Table(
        id="generations",
        heading="Generations",
        columns=("Generation", "State", "Size", "Created", "Ended"),
        rows=[_generation(each, current=current, is_gone=gone.is_gone(service, each)) for each in kept[:_GENERATIONS]],
        nothing=Empty(text="None is kept."),
        count=None if len(kept) > _GENERATIONS else len(kept),
    )


def _run_of(service: buckets.Service, obj: Object) -> tuple[Link, ...]:
    """Link the form that starts a run, where an object that is there looks like a compiled pipeline."""
    if obj.delete_time is not None or not content.is_pipeline(service, obj):
        return ()
    return (Link(text="Start a run of it", href=f"/runs/new?{urlencode({'template': obj.uri})}"),)


def _about(obj: Object) -> list[tuple[str, Cell]]:
    return [
        ("Generation", Code(text=str(obj.generation), may_copy=True)),
        ("Size", f"{obj.size:,} bytes"),
        ("Type", obj.content_type),
        ("CRC32C", Code(text=obj.crc32c)),
        ("MD5", Code(text=obj.md5) if obj.md5 else None),
        *((key, value) for key, value in obj.metadata.items()),
    ]


def _changes(obj: Object, *, is_gone: bool) -> tuple[Action, ...]:
    """Answer what can be done with a generation: one that is gone is restored if it still has bytes, or ends by itself."""
    return () if is_gone and obj.is_soft_deleted else (_change(obj),)


def _change(obj: Object) -> Action:
    above = obj.name.rpartition("/")[0]
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


def _generation(obj: Object, *, current: int, is_gone: bool) -> tuple[Cell, ...]:
    state = "live" if obj.delete_time is None else "kept" if obj.archived else "replaced or deleted"
    notes = ["shown above"] if obj.generation == current else []
    return (
        Link(text=str(obj.generation), href=links.stored(obj.uri, obj.generation)),
        Badge(state=state.upper(), note=", ".join([*notes, *(["its content is gone"] if is_gone else [])])),
        size(obj.size),
        time(obj.create_time),
        time(obj.delete_time),
    )
