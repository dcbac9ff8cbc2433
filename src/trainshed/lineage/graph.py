"""Questions to a part of the graph that has been read. Pure."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from trainshed.lineage.addresses import is_related, object_name, plain
from trainshed.lineage.model import Execution, Subgraph


@dataclass(frozen=True, kw_only=True)
class Edge:
    """What went from one node into another; a node is `artifacts/1`, `executions/2` or `data/gs://…`."""

    source: str
    target: str
    kind: str  # event, data (by its address), same (content and address), at (the address lies there)
    name: str = ""  # of the input, the output or the parameter


def edges(found: Subgraph) -> Iterator[Edge]:
    """Answer the edges in the direction in which data flowed; stored data that no artifact stands for has a node."""
    for event in found.events:
        thing, doing = f"artifacts/{event.artifact_id}", f"executions/{event.execution_id}"
        if event.type == "INPUT":
            yield Edge(source=thing, target=doing, kind="event", name=event.path)
        elif found.executions[event.execution_id].last_known_state != "CACHED":
            yield Edge(source=doing, target=thing, kind="event", name=event.path)
        else:
            yield Edge(source=doing, target=thing, kind="cached", name=event.path)
    for older, newer in found.same:
        yield Edge(source=f"artifacts/{older}", target=f"artifacts/{newer}", kind="same")
    yield from _by_address(found)


def has_read(execution: Execution, uri: str, generation: int) -> bool:
    """Whether an execution read this generation of an object by an address; of a folder too large to be listed, maybe."""
    name = object_name(uri)
    data: dict[str, Any] = execution.properties.get("data") or {}
    if any(entry[0] == name and int(entry[1]) == generation for objects in data.values() for entry in objects):
        return True
    return any(name not in {entry[0] for entry in data[key]} for key in execution.properties.get("data_counts") or ())


def _by_address(found: Subgraph) -> Iterator[Edge]:
    linked: dict[int, list[int]] = defaultdict(list)
    for artifact_id, execution_id in found.by_name:
        linked[execution_id].append(artifact_id)
    for reading in found.readings:
        target = f"executions/{reading.execution_id}"
        known = [i for i in linked[reading.execution_id] if is_related(found.artifacts[i].uri, reading.uri)]
        for artifact_id in known:
            yield Edge(source=f"artifacts/{artifact_id}", target=target, kind="data", name=reading.parameter)
        if not known:
            yield Edge(source=f"data/{plain(reading.uri)}", target=target, kind="data", name=reading.parameter)
