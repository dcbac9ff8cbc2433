"""A part of lineage as boxes and lines, and as a list: what one looks at, in the direction in which data flowed. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from trainshed import lineage
from trainshed.dashboard import layered, links
from trainshed.dashboard.cells import Ranked, called
from trainshed.dashboard.graph import ARTIFACT_SIZE, TASK_SIZE, Edge, Graph, Node, standing
from trainshed.lineage import Artifact, Execution, Subgraph, Trace
from trainshed.quantities import counted


@dataclass(frozen=True, kw_only=True)
class Way:
    """One node, with how far it is from what the question is about: negative for what that was made from."""

    key: str  # artifacts/1, executions/2 or data/gs://…
    distance: int
    thing: Artifact | None = None
    doing: Execution | None = None
    uri: str = ""  # of stored data that no artifact stands for
    made_from: Sequence[str] = ()  # keys of the nodes right above it


def ways(trace: Trace) -> list[Way]:
    """Answer every node that was found, what is far above first."""
    found: dict[str, Way] = {}
    edges = _edges(trace)
    above: dict[str, list[str]] = {}
    for edge in edges:
        above.setdefault(edge.target, []).append(edge.source)
    for part, sign in ((trace.upstream, -1), (trace.downstream, 1)):
        if part is not None:
            for way in _of_part(part, sign, above):
                found.setdefault(way.key, way)
    for edge in edges:
        if edge.source not in found:  # data by its address
            distance = found[edge.target].distance - 1 if edge.target in found else 0
            found[edge.source] = Way(key=edge.source, distance=distance, uri=edge.source.removeprefix("data/"))
    return sorted(found.values(), key=lambda way: (way.distance, way.key.partition("/")[0], _number(way.key)))


def graph(trace: Trace, found: Sequence[Way], *, id: str, heading: str) -> Graph:  # noqa: A002  (a part's)
    """Lay the nodes out, what things were made from above them."""
    edges = list(dict.fromkeys((edge.source, edge.target) for edge in _edges(trace)))
    sizes = {way.key: TASK_SIZE if way.doing else ARTIFACT_SIZE for way in found}
    boxes = [layered.Node(key=key, width=size[0], height=size[1]) for key, size in sizes.items()]
    drawing = layered.draw(boxes, edges)
    subjects = {f"artifacts/{i}" for i in (*trace.subject.results, *trace.subject.sources)}
    subjects |= {f"executions/{i}" for i in (*trace.subject.result_executions, *trace.subject.source_executions)}
    lines = [
        Edge(start=line.start, end=line.end, kind="data", points=[number for point in line.points for number in point])
        for line in drawing.lines
    ]
    shape = sha256("\0".join([*sizes, *(f"{a}>{b}" for a, b in edges)]).encode()).hexdigest()[:16]
    return Graph(
        id=id,
        heading=heading,
        nodes=[_node(way, drawing.places) for way in found],
        standings=[_standing(way, is_subject=way.key in subjects) for way in found],
        edges=lines,
        width=drawing.width,
        height=drawing.height,
        shape=shape,
        selected=next(iter(subjects)) if len(subjects) == 1 else "",
        legend=legend(found),
    )


def href(way: Way) -> str:
    """Answer the page of a node."""
    if way.thing is not None:
        return links.href("/artifacts", lineage.public_id(way.thing))
    if way.doing is None:
        return links.stored(way.uri) if way.uri.startswith("gs://") else ""
    if not way.doing.run:
        return links.lineage(f"executions/{lineage.public_id(way.doing)}")
    run = links.href("/runs", way.doing.run)
    return f"{run}?task={way.doing.task}" if way.doing.task else run


def label(way: Way) -> str:
    """Answer what a node is called."""
    if way.thing is not None:
        return way.thing.name or way.thing.uri.rstrip("/").rsplit("/", 1)[-1] or lineage.public_id(way.thing)
    return lineage.shown_name(way.doing) if way.doing is not None else way.uri.rstrip("/").rsplit("/", 1)[-1]


def kind(way: Way) -> str:
    """Answer what a node is."""
    if way.thing is not None:
        return called(way.thing.schema_title) or "artifact"
    return "task" if way.doing is not None and way.doing.run else "by hand" if way.doing is not None else "data"


def away(way: Way) -> Ranked:
    """Say how far a node is from what the question is about."""
    side = "before" if way.distance < 0 else "after"
    return Ranked(text=f"{abs(way.distance)} {side}" if way.distance else "here", rank=way.distance)


def legend(found: Sequence[Way]) -> str:
    """Say what is drawn, in a sentence."""
    tasks, things = sum(way.doing is not None for way in found), sum(way.thing is not None for way in found)
    data = len(found) - tasks - things
    words = [
        (tasks, counted(tasks, "task")),
        (things, counted(things, "artifact")),
        (data, "stored data read by address"),
    ]
    said = ", ".join(text for count, text in words if count)
    return f"{said}; what things were made from stands above them"


def _edges(trace: Trace) -> list[lineage.Edge]:
    parts = [part for part in (trace.upstream, trace.downstream) if part is not None]
    return list(dict.fromkeys(edge for part in parts for edge in lineage.edges(part)))


def _of_part(part: Subgraph, sign: int, above: Mapping[str, Sequence[str]]) -> list[Way]:
    things = [
        Way(
            key=f"artifacts/{i}",
            distance=sign * part.artifact_depths.get(i, 0),
            thing=thing,
            made_from=above.get(f"artifacts/{i}", ()),
        )
        for i, thing in part.artifacts.items()
    ]
    doings = [
        Way(
            key=f"executions/{i}",
            distance=sign * part.execution_depths.get(i, 0),
            doing=doing,
            made_from=above.get(f"executions/{i}", ()),
        )
        for i, doing in part.executions.items()
    ]
    return [*things, *doings]


def _node(way: Way, places: Mapping[str, tuple[int, int, int, int]]) -> Node:
    run = way.doing.run.rsplit("/", 1)[-1] if way.doing is not None else ""
    return Node(
        id=way.key,
        kind="task" if way.doing is not None else "artifact",
        label=label(way),
        detail=run or kind(way),
        href=href(way),
        place=places[way.key],
    )


def _standing(way: Way, *, is_subject: bool) -> tuple[Any, ...]:
    state = way.doing.last_known_state if way.doing is not None else ""
    return standing(state, note="asked about" if is_subject else "")


def _number(key: str) -> int:
    number = key.rpartition("/")[2]
    return int(number) if number.isdigit() else 0
