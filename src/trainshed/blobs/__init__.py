"""Objects: bytes, rows (generation, checksums), complete or not at all. `gs://b/n` is the plain file `root/b/n`.

- `model`: Bucket, Object, Attributes, Conditions.
- `paths`: names of buckets and objects, and where an object's file lies. Pure.
- `files`: staging with checksums, durable moves that follow no links.
- `shelf`: where the file of each generation is, and how it gets there after COMMIT.
- `store`: tables and SQL.
- `adoption`: files changed by hand.
- `objects`: `Blobs`, the verbs, inside the caller's transaction.
- `upkeep`: `Upkeep`, finishing renames at start-up, refreshing rows from files, forgetting old generations.
"""

from trainshed.blobs.files import CHUNK, Checksums, Staged, copy_into
from trainshed.blobs.model import Attributes, Bucket, BucketNotEmpty, Conditions, Object
from trainshed.blobs.objects import ARCHIVE, CHANGED, CHANNEL, DELETE, FINALIZE, UPDATE, Blobs
from trainshed.blobs.paths import check_bucket, check_object, parse_uri
from trainshed.blobs.upkeep import Upkeep

__all__ = [
    "ARCHIVE",
    "CHANGED",
    "CHANNEL",
    "CHUNK",
    "DELETE",
    "FINALIZE",
    "UPDATE",
    "Attributes",
    "Blobs",
    "Bucket",
    "BucketNotEmpty",
    "Checksums",
    "Conditions",
    "Object",
    "Staged",
    "Upkeep",
    "check_bucket",
    "check_object",
    "copy_into",
    "parse_uri",
]
