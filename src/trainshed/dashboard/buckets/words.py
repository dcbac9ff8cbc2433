"""What all pages of buckets have in common: the folders above, and how what a bucket keeps is put in words."""

from collections.abc import Sequence

from trainshed.blobs import Bucket
from trainshed.dashboard import links
from trainshed.dashboard.cells import Cell, Link

SECTION = "/buckets"


def trail(bucket: str, name: str) -> Sequence[Link]:
    """Answer the folders above a folder or an object."""
    above = [Link(text="Buckets", href=SECTION)]
    *folders, _ = f"{bucket}/{name}".split("/") if name else [bucket]
    for place in range(len(folders)):
        inner = "/".join(folders[1 : place + 1])
        above.append(
            Link(text=folders[place], href=links.stored(f"gs://{bucket}/{inner}/" if inner else f"gs://{bucket}"))
        )
    return above


def old(bucket: Bucket) -> str:
    """Say how long replaced and deleted objects are kept."""
    if bucket.has_versioning:
        return "kept for ever"
    days = bucket.soft_delete_seconds / 86400
    return f"kept for {days:g} days" if days else "not kept"


def so_many(count: int, bound: int) -> Cell:
    """Answer a count that stops at a bound."""
    return f"{count:,} or more" if count >= bound else count
