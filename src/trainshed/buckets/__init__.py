"""Buckets as a feature: the verbs of Cloud Storage on top of `blobs`, and notifications to topics.

- `model`: Notification, Wanted, Source.
- `resource`: objects and notifications as Cloud Storage's JSON; what may be set by a caller. Pure.
- `properties`: the same of buckets, and who may do what with them. Pure.
- `listing`: pages with delimiter and prefixes. Pure.
- `browsing`: one level of folders, an object's generations, out of the store.
- `store`: notification configs.
- `objects`: objects read and made; `service`: the other verbs, and the handler of `object.changed`.
- `uploads`: resumable uploads under way; `parts`: uploads in numbered parts.
- `copies`: objects made of other objects; `rewrites`: copies over several requests.
- `loop`: settle files, notice files changed by hand, forget old generations.
"""

from trainshed.buckets.loop import duties
from trainshed.buckets.model import Notification, Source, Wanted
from trainshed.buckets.resource import EVENT_TYPES
from trainshed.buckets.service import Service
from trainshed.buckets.store import NOTIFICATIONS
from trainshed.buckets.uploads import Session, Uploads

__all__ = [
    "EVENT_TYPES",
    "NOTIFICATIONS",
    "Notification",
    "Service",
    "Session",
    "Source",
    "Uploads",
    "Wanted",
    "duties",
]
