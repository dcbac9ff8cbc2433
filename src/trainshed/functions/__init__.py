"""Functions: the user's code on an event or a request, under the official functions-framework.

- `model`, `lifecycle`: what a function, a version and an invocation are.
- `document`, `runtimes`, `signature`, `envelope`, `metrics`: pure; Google's documents, names and shapes.
- `source`: snapshots of source folders. `logs`: what functions print.
- `store`, `service`: the rows, and one transaction a verb.
- `contract`: what an instance is; `instance` with `output`, `wire`, `tree` and `launcher` is the real one, `scripted` the fake.
- `pool`: instances of a version. `serving`: whose event an instance's requests belong to. `host`: all of it, running.
- `loop`: the duty that ends idle instances.
"""

from trainshed.functions.deployment import Deployment
from trainshed.functions.document import configuration, document, merge
from trainshed.functions.host import Environments, Host
from trainshed.functions.logs import SEVERITIES
from trainshed.functions.loop import duties
from trainshed.functions.model import Configuration, Ended, Event, Function, Invocation, Version
from trainshed.functions.service import Service, Subscriptions, event_of

__all__ = [
    "SEVERITIES",
    "Configuration",
    "Deployment",
    "Ended",
    "Environments",
    "Event",
    "Function",
    "Host",
    "Invocation",
    "Service",
    "Subscriptions",
    "Version",
    "configuration",
    "document",
    "duties",
    "event_of",
    "merge",
]
