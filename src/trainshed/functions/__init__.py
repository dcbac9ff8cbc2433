"""Functions: the user's code on an event or a request, under the official functions-framework.

- `model`, `lifecycle`: what a function, a version and an invocation are.
- `addresses`, `checks`, `document`, `document_second`, `runtimes`, `signature`, `envelope`, `metrics`: pure; Google's
  names, rules and documents of both generations.
- `source`: snapshots of source folders. `logs`: what functions print.
- `store`, `store_minutes`, `store_operations`, `service`: the rows, and one transaction a verb. `calls`: what is written of
  a call; `feeding`: what brings a version its events; `stretches`: what was added up of the rows.
- `contract`: what an instance is; `placement` says where it runs; `instance` with `guard`, `ceiling`, `output`,
  `wire`, `tree` and `launcher` is the real one, `scripted` the fake.
- `pool`: instances of a version. `serving`: whose event an instance's requests belong to. `host`: all of it, running.
- `loop`: the duty that ends idle instances.
"""

from trainshed.functions import document_second
from trainshed.functions.addresses import at_place, service_name, uploads, uri, url
from trainshed.functions.addresses import service as service_of
from trainshed.functions.addresses import within as name_within
from trainshed.functions.calls import Call
from trainshed.functions.checks import event_providers
from trainshed.functions.deployment import Deployment
from trainshed.functions.document import configuration, document
from trainshed.functions.envelope import Request, read_call
from trainshed.functions.feeding import Subscriptions, fed_by, topic_of
from trainshed.functions.host import Environments, Host
from trainshed.functions.log_entries import entry as log_entry
from trainshed.functions.log_entries import frame as log_frame
from trainshed.functions.logs import SEVERITIES, Log
from trainshed.functions.loop import duties
from trainshed.functions.model import (
    LARGEST_REQUEST,
    Configuration,
    Ended,
    Function,
    Invocation,
    Operation,
    Version,
)
from trainshed.functions.runtimes import listing as list_runtimes
from trainshed.functions.service import Service
from trainshed.functions.source import LARGEST_ARCHIVE
from trainshed.functions.store import Sought, Wanted, calls_channel

second_configuration, second_document = document_second.configuration, document_second.document

__all__ = [
    "LARGEST_ARCHIVE",
    "LARGEST_REQUEST",
    "SEVERITIES",
    "Call",
    "Configuration",
    "Deployment",
    "Ended",
    "Environments",
    "Function",
    "Host",
    "Invocation",
    "Log",
    "Operation",
    "Request",
    "Service",
    "Sought",
    "Subscriptions",
    "Version",
    "Wanted",
    "at_place",
    "calls_channel",
    "configuration",
    "document",
    "duties",
    "event_providers",
    "fed_by",
    "list_runtimes",
    "log_entry",
    "log_frame",
    "name_within",
    "read_call",
    "second_configuration",
    "second_document",
    "service_name",
    "service_of",
    "topic_of",
    "uploads",
    "uri",
    "url",
]
