"""Generations of objects whose bytes are not there any more: that it is so, and why."""

from collections.abc import Sequence

from trainshed import buckets
from trainshed.blobs import Bucket, Object
from trainshed.dashboard import links
from trainshed.dashboard.cells import Link
from trainshed.dashboard.page import Notice, Part
from trainshed.dashboard.wording import exactly
from trainshed.errors import NotFound
from trainshed.quantities import counted

_DAY = 86_400
_ID, _HEADING = "content", "Its content is gone"


def is_gone(service: buckets.Service, obj: Object) -> bool:
    """Tell whether the bytes of a generation are in no file any more."""
    try:
        service.blobs.local_path(obj)
    except NotFound:
        return True
    return False


def said(obj: Object, bucket: Bucket) -> Part:
    """Say why the bytes of a generation that is known are in no file any more."""
    when = f" when this generation ended, on {exactly(obj.delete_time)}" if obj.delete_time else ""
    text = (
        f"Its file was written over or removed by hand{when}; what is done to a file in the folder of its bucket leaves "
        f"nobody the time to set it aside. What pages, `gsutil` and clients replace is set aside first and {_kept(bucket)}."
    )
    newest = _newest(obj) if obj.delete_time else None
    return Notice(id=_ID, heading=_HEADING, text=text, state="FAILED", next=newest)


def unknown(generation: int, kept: Sequence[Object], bucket: Bucket) -> Part:
    """Say why there is nothing to be told of a generation of an object of which others are there."""
    heading = f"Generation {generation} is not here"
    return Notice(id=_ID, heading=heading, text=_why(bucket), state="FAILED", next=_newest(kept[0]))


def nothing(uri: str, generation: int, bucket: Bucket) -> NotFound:
    """Say why there is nothing at all of an object."""
    return NotFound(f"Nothing is here of {uri}, nor its generation {generation}. {_why(bucket)}")


def _why(bucket: Bucket) -> str:
    return f"Its content is gone, if there ever was any: what was replaced or deleted is {_kept(bucket)}, and forgotten then."


def _newest(obj: Object) -> Link:
    return Link(text="The object as it is now", href=links.stored(obj.uri))


def _kept(bucket: Bucket) -> str:
    if bucket.has_versioning:
        return "kept until somebody deletes it, since its bucket keeps versions"
    seconds = bucket.soft_delete_seconds
    if not seconds:
        return "not kept, since its bucket says so"
    days, rest = divmod(round(seconds), _DAY)
    return f"kept for {counted(round(seconds / 3600), 'hour') if rest or not days else counted(days, 'day')}"
