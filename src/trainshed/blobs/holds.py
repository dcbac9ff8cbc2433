"""What keeps an object from being replaced or removed: holds of its own, and its bucket's retention. Pure."""

from datetime import datetime, timedelta

from trainshed.blobs.model import Bucket, Object
from trainshed.clock import rfc3339
from trainshed.errors import PermissionDenied

_HOLDS = {"temporaryHold": "Temporary", "eventBasedHold": "Event-Based"}


def check(obj: Object | None, bucket: Bucket, *, now: datetime) -> None:
    """Raise PermissionDenied when the object has to stay as it is."""
    if obj is None or obj.is_soft_deleted:
        return
    for field, kind in _HOLDS.items():
        if obj.properties.get(field):
            raise PermissionDenied(
                f"Object '{obj.bucket}/{obj.name}' is under active {kind} hold and cannot be deleted, overwritten or "
                f"archived until the hold is removed: set {field} to false.",
                reason="OBJECT_HELD",
            )
    until = retained_until(obj, bucket)
    if until is not None and until > now:
        raise PermissionDenied(
            f"Object '{obj.bucket}/{obj.name}' is subject to its bucket's retention policy and cannot be deleted, "
            f"overwritten or archived until {rfc3339(until)}.",
            reason="OBJECT_RETAINED",
        )


def retained_until(obj: Object, bucket: Bucket) -> datetime | None:
    """Answer until when the bucket's retention policy keeps an object; None where there is none."""
    seconds = bucket.retention_seconds
    return obj.create_time + timedelta(seconds=seconds) if seconds else None
