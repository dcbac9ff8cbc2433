"""The graph of a run as a part: what is folded is in the address, the layout is kept, how tasks stand is new each time."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, TypeVar

from trainshed import ir, runs
from trainshed.dashboard import graph, layered
from trainshed.dashboard.asked import Asked
from trainshed.dashboard.cells import called
from trainshed.dashboard.runs import folding
from trainshed.dashboard.runs.folding import Item, Seen, Whole
from trainshed.dashboard.runs.kept import Kept, has_ended
from trainshed.dashboard.runs.words import part_took
from trainshed.quantities import counted

T = TypeVar("T")
OPEN, FOLD, TASK, ARTIFACTS = "open", "fold", "task", "artifacts"  # words of the query
LAYOUT_WORDS = (OPEN, FOLD, TASK, ARTIFACTS, "shape")
_KEPT, _KEPT_STANDINGS = 64, 16
_HEAVIEST = 60_000  # nodes and edges of all pipelines that are kept together, and of layouts; 250 bytes each
LAYOUT = "graph-layout"  # path of a layout below the run's page
_SIZES = {"artifact": graph.ARTIFACT_SIZE}
_WORST_FIRST = ("FAILED", "CANCELLED", "CANCELLING", "RUNNING", "QUEUED", "PENDING", "SUCCEEDED", "SKIPPED")


@dataclass(frozen=True, kw_only=True)
class _Laid:
    """A layout: nodes and edges in their places, the nodes without how they stand."""

    shape: str
    nodes: Sequence[graph.Node]
    edges: Sequence[graph.Edge]
    width: int
    height: int
    hidden: Sequence[tuple[str, str]]
    is_open: Collection[str]  # groups
    legend: str

    @cached_property
    def packed(self) -> bytes:
        """Write it as the page's script reads it."""
        return graph.packed_layout(self.nodes, self.edges, self.hidden, self.width, self.height).encode()


class Pictures:
    """Draws graphs of runs.

    Pipelines and layouts that were drawn before are kept: they depend on the spec and on what is folded alone. So is how
    the tasks of an ended run stand.
    """

    def __init__(self) -> None:
        self._wholes: Kept[str, Whole] = Kept(_KEPT, _weight, _HEAVIEST)
        self._laid: Kept[tuple[Any, ...], _Laid] = Kept(_KEPT, _weight, _HEAVIEST)
        self._by_shape: Kept[str, _Laid] = Kept(_KEPT, _weight, _HEAVIEST)
        self._stood: Kept[tuple[Any, ...], Sequence[Sequence[Any]]] = Kept(_KEPT_STANDINGS, len, _HEAVIEST)

    def whole(self, found: runs.Marks) -> Whole:
        """Answer the whole graph of a run's pipeline."""
        return self._wholes.get(found.run.spec_digest, lambda: folding.whole(ir.drawn(found.plan)))

    def part(self, found: runs.Marks, asked: Asked) -> graph.Graph:
        """Make the part that shows what the address asks for."""
        whole = self.whole(found)
        selected = selected_item(whole, asked.word(TASK))
        laid = self._see(found, whole, asked)
        has_artifacts = _has_artifacts(whole, asked)
        return graph.Graph(
            id="graph",
            heading="Graph",
            nodes=[_dressed(node, whole, asked, laid) for node in laid.nodes],
            edges=laid.edges,
            standings=self._standings(found, whole, laid),
            width=laid.width,
            height=laid.height,
            shape=laid.shape,
            selected=selected,
            base=_base(asked),
            hidden=laid.hidden,
            switches=_switches(whole, asked, has_artifacts=has_artifacts),
            legend=laid.legend,
            layout=_layout_address(asked, laid.shape),
        )

    def known(self, shape: str) -> bytes | None:
        """Answer a layout that was drawn lately."""
        laid = self._by_shape.peek(shape)
        return laid.packed if laid else None

    def layout(self, found: runs.Marks, asked: Asked) -> bytes:
        """Answer the layout that an address asks for."""
        return self._see(found, self.whole(found), asked).packed

    def _see(self, found: runs.Marks, whole: Whole, asked: Asked) -> _Laid:
        selected = selected_item(whole, asked.word(TASK))
        opened = frozenset({*asked.words(OPEN), *folding.around(whole, selected)})
        folded = frozenset(asked.words(FOLD)) - opened
        has_artifacts = _has_artifacts(whole, asked)

        def lay() -> _Laid:
            seen = folding.see(whole, opened=opened, folded=folded, has_artifacts=has_artifacts)
            shape = ir.digest([found.run.spec_digest, sorted(seen.is_open), has_artifacts])[:16]
            return self._by_shape.get(shape, lambda: _lay(shape, whole, seen))

        return self._laid.get((found.run.spec_digest, opened, folded, has_artifacts), lay)

    def _standings(self, found: runs.Marks, whole: Whole, laid: _Laid) -> Sequence[Sequence[Any]]:
        def stand() -> Sequence[Sequence[Any]]:
            known = _standings(found, whole)
            return [_standing(found.run, whole.items[node.id], whole, known) for node in laid.nodes]

        run = found.run
        return self._stood.get((run.name, run.end_time, laid.shape), stand) if has_ended(found) else stand()


def _weight(found: Whole | _Laid) -> int:
    return len(found.items if isinstance(found, Whole) else found.nodes) + len(found.edges)


def selected_item(whole: Whole, path: str) -> str:
    """Answer the node that a task's path, or an artifact's, means; empty where there is none."""
    node = runs.static(path)
    return node if node in whole.items else ""


def address(asked: Asked, key: str | None) -> str:
    """Answer the page's address with another node selected, or none."""
    return asked.href(task=key, attempt=None, page=None, tab=None)


def _base(asked: Asked) -> str:
    bare = address(asked, None)
    return f"{bare}{'&' if '?' in bare else '?'}{TASK}="


def _may_show_all(whole: Whole) -> bool:
    return len(whole.items) <= folding.MANY or sum(not item.parent for item in whole.items.values()) <= folding.MANY


def _has_artifacts(whole: Whole, asked: Asked) -> bool:
    return asked.choice(ARTIFACTS, ("show", "hide"), "show" if _may_show_all(whole) else "hide") == "show"


def _layout_address(asked: Asked, shape: str) -> str:
    words = tuple((key, value) for key, value in asked.query if key in {OPEN, FOLD, TASK, ARTIFACTS})
    return Asked(path=f"{asked.path}/{LAYOUT}", query=words).href(shape=shape)


def _lay(shape: str, whole: Whole, seen: Seen) -> _Laid:
    sized = [_sized(item, is_open=item.id in seen.is_open) for item in seen.items]
    kinds = {(start, end): kind for start, end, kind in seen.edges}
    drawing = layered.draw(sized, list(kinds))
    known: dict[Any, Any] = {}  # thousands of nodes stand in few rows, and say few different words

    def once(value: T) -> T:
        found: T = known.setdefault(value, value)
        return found

    nodes = [
        graph.Node(
            id=item.id,
            kind="group" if item.is_group else item.kind,
            label=item.label,
            detail=once(_detail(item, whole)),
            parent=item.parent,
            is_open=item.id in seen.is_open,
            place=tuple(map(once, drawing.places[item.id])),
        )
        for item in seen.items
    ]
    edges = [
        graph.Edge(
            start=line.start,
            end=line.end,
            kind=kinds.get((line.start, line.end), "data"),
            points=tuple(once(number) for point in line.points for number in point),
        )
        for line in drawing.lines
    ]
    return _Laid(
        shape=shape,
        nodes=nodes,
        edges=edges,
        width=drawing.width,
        height=drawing.height,
        hidden=[(item.id, item.label) for item in seen.hidden if item.kind != "alike"],
        is_open=seen.is_open,
        legend=_legend(whole, seen),
    )


def _sized(item: Item, *, is_open: bool) -> layered.Node:
    width, height = _SIZES.get(item.kind, graph.TASK_SIZE)
    return layered.Node(key=item.id, width=width + 40 * is_open, height=height, parent=item.parent)


def _detail(item: Item, whole: Whole) -> str:
    if item.kind == "artifact":
        return called(item.type)
    if item.is_group:
        count = sum(whole.items[key].kind != "artifact" for key in whole.inside.get(item.id, ()))
        words = {"dag": "pipeline", "loop": "loop", "condition": "condition", "alike": "equal tasks"}[item.kind]
        return f"{count} {words}" if item.kind == "alike" else f"{words} of {counted(count, 'task')}"
    return item.image.rpartition("/")[2]


def _standings(found: runs.Marks, whole: Whole) -> Mapping[str, runs.Standing]:
    nodes = (
        {"id": i.id, "kind": i.kind, "parent": _real_parent(i, whole)}
        for i in whole.items.values()
        if i.kind != "alike"
    )
    return runs.standings(nodes, found.tasks)


def _real_parent(item: Item, whole: Whole) -> str:
    return whole.items[item.parent].parent if item.parent.startswith(folding.MARK) else item.parent


def _dressed(node: graph.Node, whole: Whole, asked: Asked, laid: _Laid) -> graph.Node:
    if node.kind != "group":
        return node
    item = whole.items[node.id]
    fold = _fold(asked, item, whole, is_open=item.id in laid.is_open)
    return replace(node, fold=fold, href=fold if item.kind == "alike" else "")


def _standing(run: runs.Run, item: Item, whole: Whole, standings: Mapping[str, runs.Standing]) -> tuple[Any, ...]:
    if item.kind == "artifact":
        return ()
    if item.kind == "alike":
        return _of_alike(run, [standings[key] for key in whole.inside[item.id] if key in standings])
    found = standings[item.id]
    counts = found.iterations or (found.states if sum(found.states.values()) > 1 else {})
    note = "reused" if found.is_reused else f"attempt {found.attempt}" if found.attempt > 1 else ""
    start = _begun(run, found.start_time, found.end_time)
    return graph.standing(found.state, start, found.end_time, _counted(counts) if counts else note)


def _begun(run: runs.Run, start: datetime | None, end: datetime | None) -> datetime | None:
    """Answer when something would have begun that took as long as this without the pauses before a retry."""
    took = part_took(run, start, end)
    return took.start + timedelta(seconds=took.paused) if took else None


def _of_alike(run: runs.Run, found: Sequence[runs.Standing]) -> tuple[Any, ...]:
    starts = [standing.start_time for standing in found if standing.start_time]
    ends = [standing.end_time for standing in found if standing.end_time]
    end = max(ends) if ends and len(ends) == len(found) else None
    state = runs.state_of(standing.state for standing in found)
    start = _begun(run, min(starts, default=None), end)
    return graph.standing(state, start, end, _counted(Counter(s.state for s in found)))


def _counted(counts: Mapping[str, int]) -> str:
    """Write how many are in which state, the worst first."""
    order = {state: place for place, state in enumerate(_WORST_FIRST)}
    found = sorted(counts.items(), key=lambda entry: order.get(entry[0], len(order)))
    return ", ".join(f"{count} {state.lower().replace('_', ' ')}" for state, count in found)


def _fold(asked: Asked, item: Item, whole: Whole, *, is_open: bool) -> str:
    """Answer the page's address with a group the other way round; what is selected in it is not any more."""
    opened = [key for key in asked.words(OPEN) if key != item.id]
    folded = [key for key in asked.words(FOLD) if key != item.id]
    (folded if is_open else opened).append(item.id)
    gone = is_open and item.id in folding.around(whole, selected_item(whole, asked.word(TASK)))
    kept = [(k, v) for k, v in asked.query if k not in {OPEN, FOLD} and not (gone and k == TASK)]
    pairs = [*kept, *((OPEN, key) for key in opened), *((FOLD, key) for key in folded)]
    return replace(asked, query=tuple(pairs)).href()


def _switches(whole: Whole, asked: Asked, *, has_artifacts: bool) -> list[tuple[str, str]]:
    found = []
    if any(item.kind == "artifact" for item in whole.items.values()):
        words, value = ("Without artifacts", "hide") if has_artifacts else ("With artifacts", "show")
        found.append((words, asked.href(artifacts=value)))
    groups = [item.id for item in whole.items.values() if item.is_group]
    if groups:
        bare = replace(asked, query=tuple(pair for pair in asked.query if pair[0] not in {OPEN, FOLD}))
        some = [(FOLD, key) for key in groups] if not whole.is_large else []
        found.append(("Fold all", replace(bare, query=(*(p for p in bare.query if p[0] != TASK), *some)).href()))
        more = [(OPEN, key) for key in groups] if whole.is_large else []
        if len(more) <= _KEPT:
            found.append(("Open all", replace(bare, query=(*bare.query, *more)).href()))
    return found


def _legend(whole: Whole, seen: Seen) -> str:
    drawn = sum(item.kind == "task" for item in whole.items.values())
    shown = sum(item.kind == "task" for item in seen.items)
    imports = sum(item.kind == "task" and not item.image for item in whole.items.values())
    words = counted(drawn - imports, "task") + (f" and {counted(imports, 'import')}" if imports else "")
    return words if shown == drawn else f"{words}, {shown:,} of them shown; the others are folded away"
