"""Lineage: artifacts, executions, contexts and events, as ML Metadata names them.

- `model`: Artifact, Execution, Context, Event; Subgraph.
- `store`: tables, and records by what names them. `store_recorded`: what runs and their tasks write as they go on.
- `store_context`: what there is of one run. `store_products`: what its tasks made.
- `store_graph`: everything above or below some nodes, level by level. `store_links`: what leads further beside events.
- `store_addressed`: what has to do with an address. `newest`: of a kind.
- `store_search`, `filters`, `pages`: lists, and the filters of Google's clients; `listed`: lists of others, by the same.
- `store_pushed`: artifacts that say where a model was pushed to.
- `store_authored`, `authoring`: what somebody records by hand through the API.
- `subjects`: what a question is about. `addresses`, `graph`, `code`, `facts`: pure questions.
- `service`: the verbs that read.
"""

from trainshed.lineage.authoring import Author
from trainshed.lineage.code import code_of, source_text
from trainshed.lineage.facts import metadata_of, public_id, shown_name
from trainshed.lineage.graph import Edge, edges
from trainshed.lineage.model import (
    CONTAINER,
    DAG,
    IMPORTER,
    RESOLVER,
    RUN,
    Artifact,
    Coded,
    Context,
    Draft,
    Event,
    Execution,
    NewExecution,
    Reading,
    Subgraph,
)
from trainshed.lineage.pages import Wanted
from trainshed.lineage.purging import Purged, Purger
from trainshed.lineage.schemas import Schema, Schemas
from trainshed.lineage.service import Service, Trace, Uses
from trainshed.lineage.store import (
    CHANGED,
    events_of_execution,
    find_context,
    get_artifact,
    get_execution,
    read_artifacts,
)
from trainshed.lineage.store_context import (
    artifacts_of_context,
    coded_in_context,
    events_of_context,
    executions_of_context,
    readers_of_context,
)
from trainshed.lineage.store_products import (
    Output,
    Outputs,
    Product,
    Work,
    count_outside_loops,
    measures_of_run,
    outputs_of_run,
    products_of_context,
    products_of_contexts,
    works_of_context,
)
from trainshed.lineage.store_pushed import events_of, makers, next_destination, pushed_below, pushed_to
from trainshed.lineage.store_recorded import add_artifact, ensure_context, find_same, record_execution, record_run
from trainshed.lineage.store_search import contexts_above
from trainshed.lineage.subjects import Subject, find_artifact

__all__ = [
    "CHANGED",
    "CONTAINER",
    "DAG",
    "IMPORTER",
    "RESOLVER",
    "RUN",
    "Artifact",
    "Author",
    "Coded",
    "Context",
    "Draft",
    "Edge",
    "Event",
    "Execution",
    "NewExecution",
    "Output",
    "Outputs",
    "Product",
    "Purged",
    "Purger",
    "Reading",
    "Schema",
    "Schemas",
    "Service",
    "Subgraph",
    "Subject",
    "Trace",
    "Uses",
    "Wanted",
    "Work",
    "add_artifact",
    "artifacts_of_context",
    "code_of",
    "coded_in_context",
    "contexts_above",
    "count_outside_loops",
    "edges",
    "ensure_context",
    "events_of",
    "events_of_context",
    "events_of_execution",
    "executions_of_context",
    "find_artifact",
    "find_context",
    "find_same",
    "get_artifact",
    "get_execution",
    "makers",
    "measures_of_run",
    "metadata_of",
    "next_destination",
    "outputs_of_run",
    "products_of_context",
    "products_of_contexts",
    "public_id",
    "pushed_below",
    "pushed_to",
    "read_artifacts",
    "readers_of_context",
    "record_execution",
    "record_run",
    "shown_name",
    "source_text",
    "works_of_context",
]
