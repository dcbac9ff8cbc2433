"""Models: what was pushed to serve, what of it is live, and making an earlier version live again.

Nothing is registered by hand: a version is an artifact of lineage that says where it was pushed to, and what is live is
read from the serving directory itself.

- `model`: Model, Version.
- `directory`: what the names in a serving directory mean. Pure.
- `facts`: what lineage says of a version: its metrics, its verdict. Pure.
- `store`: versions out of lineage; folders out of the buckets.
- `service`: the verbs.
"""

from trainshed.registry.directory import POINTER, address, key_of
from trainshed.registry.model import Model, Version
from trainshed.registry.service import CHANNEL, Service

__all__ = ["CHANNEL", "POINTER", "Model", "Service", "Version", "address", "key_of"]
