"""One object of a bucket: what it contains, its generations, and what can be done with them."""

from urllib.parse import quote, urlencode

from trainshed import buckets
from trainshed.blobs import CHANNEL, Object
from trainshed.dashboard import links
from trainshed.dashboard.asked import Asked
from trainshed.dashboard.buckets import content, words
from trainshed.dashboard.cells import Badge, Cell, Code, Link, size, time
from trainshed.dashboard.page import Action, Actions, Empty, Facts, Page, Table

_GENERATIONS = 50  # that are listed


def page(service: buckets.Service, asked: Asked, *, bucket: str, name: str) -> Page:
    """Show an object, in one of its generations (`?generation=`). Raises NotFound, InvalidArgument."""
    which = asked.number("generation", 0, most=10**18) or None
    obj = service.get(bucket, name, which, soft_deleted=True)
    kept = service.generations(bucket, name, limit=_GENERATIONS + 1)
    above = name.rpartition("/")[0]
    return Page(
        title=name.rsplit("/", 1)[-1] or name,
        section=words.SECTION,
        state=None if obj.delete_time is None else Badge(state="REPLACED" if which else "GONE"),
        about=(
            Code(text=obj.uri, may_copy=True),
            size(obj.size),
            obj.content_type,
            time(obj.create_time),
            Link(text="Download", href=content.download(obj)),
            Link(text="Lineage", href=links.lineage(f"{obj.uri}#{obj.generation}")),
            *_run_of(service, obj),
        ),
        trail=words.trail(bucket, name),
        parts=(
            Actions(id="actions", actions=(_change(obj, above),), copies_address=True),
            *content.parts(service, obj),
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
