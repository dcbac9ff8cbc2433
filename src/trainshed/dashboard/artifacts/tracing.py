"""Where something comes from, and what came of it: as a graph and as a table, never more than one can look at."""

from collections.abc import Sequence

from trainshed import lineage
from trainshed.dashboard import links, origin
from trainshed.dashboard.artifacts import standing, ways
from trainshed.dashboard.artifacts.ways import Way
from trainshed.dashboard.asked import Asked
from trainshed.dashboard.cells import Badge, Cell, Code, Link, Several, time
from trainshed.dashboard.origin import Origins
from trainshed.dashboard.page import Empty, Facts, Filter, Filters, Notice, Page, Part, Table
from trainshed.dashboard.serve import Address
from trainshed.errors import NotFound
from trainshed.lineage import Trace

SECTION = "/artifacts"
_DIRECTIONS = (("", "both ways"), ("up", "what it was made from"), ("down", "what was made from it"))
_NODES, _ROWS = 300, 100
_DEPTH, _DEEPEST = 6, 100
_STORED = "://"
_NAMED = 3  # data that an execution read, in a cell


class Lineage:
    """The page of a question to lineage."""

    def __init__(self, service: lineage.Service, origins: Origins) -> None:
        self._service = service
        self._origins = origins

    def addresses(self) -> list[Address]:
        """Answer the pages of this section."""
        words = ("direction", "depth", "from")
        return [Address(path="/lineage/{name:path}", make=self.page, words=words, instead=SECTION)]

    def page(self, asked: Asked) -> Page:
        """Answer what an artifact, a task, a run or stored data was made from, and what came of it. Raises NotFound."""
        direction = asked.choice("direction", ["both", "up", "down"])
        depth = asked.number("depth", _DEPTH, most=_DEEPEST)
        try:
            trace = self._service.trace(
                asked.name,
                upstream=direction != "down",
                downstream=direction != "up",
                depth=depth,
                limit=_NODES,
                is_brief=True,
            )
        except NotFound as error:
            if _STORED not in asked.name:
                raise
            return _untouched(asked.name, error.message)
        found = ways.ways(trace)
        way = Filter(name="direction", label="Direction", value=direction, choices=_DIRECTIONS)
        far = Filter(
            name="depth", label=f"Tasks away, {_DEPTH} unless you say", value=asked.word("depth"), type="number"
        )
        return Page(
            title=f"Lineage of {_called(trace)}",
            section=SECTION,
            about=(Code(text=asked.name, may_copy=True), trace.subject.kind),
            trail=(Link(text="Artifacts", href=SECTION),),
            parts=(
                Filters(id="filters", filters=(way, far), action=asked.path),
                *self._origin(trace),
                *_cut(trace, len(found), depth),
                ways.graph(trace, found, id="graph", heading="Graph"),
                _table(found, asked),
            ),
        )

    def _origin(self, trace: Trace) -> list[Part]:
        """Say the run, the commit and the data that an artifact or a task is of."""
        above = trace.upstream
        near = [e for i, e in above.executions.items() if above.execution_depths.get(i, 0) <= 1] if above else []
        runs_of = list(dict.fromkeys(execution.run for execution in near if execution.run))
        if trace.subject.kind not in {"artifact", "execution"} or len(runs_of) != 1:
            return []
        known = self._origins.of(runs_of[0])
        facts: list[tuple[str, Cell]] = [
            ("Run", links.link(runs_of[0])),
            ("Commit", origin.commit(known)),
            ("Commit known from", origin.how(known)),
            ("Commit message", origin.message(known)),
            ("Data", origin.data(known)),
            ("Code", Code(text=f"trainshed lineage code {trace.subject.name}", may_copy=True)),
            ("Why", links.why(runs_of[0], "Why this run was")),
        ]
        return [Facts(id="origin", heading="Made by", pairs=[fact for fact in facts if fact[1]])]


def _untouched(of: str, text: str) -> Page:
    """Answer the page of stored data that nobody has read or made."""
    nothing = Empty(text=f"{text.partition(';')[0]}. Tasks that read it by its address, or import it, are recorded.")
    table = Table(id="nodes", columns=(), rows=(), nothing=nothing)
    trail = (Link(text="Artifacts", href=SECTION),)
    return Page(title=f"Lineage of {of.rsplit('/', 1)[-1]}", section=SECTION, trail=trail, parts=(table,))


def _called(trace: Trace) -> str:
    things = [a for part in (trace.upstream, trace.downstream) if part for a in part.artifacts.values()]
    known = {a.artifact_id: a for a in things}
    if trace.subject.kind == "artifact" and (found := known.get(trace.subject.results[0])) is not None:
        return found.name or trace.subject.name
    doings = {i: e for part in (trace.upstream, trace.downstream) if part for i, e in part.executions.items()}
    if trace.subject.kind == "execution" and (doing := doings.get(trace.subject.result_executions[0])) is not None:
        return doing.task or trace.subject.name
    return trace.subject.name.rsplit("/", 1)[-1] or trace.subject.name


def _cut(trace: Trace, count: int, depth: int) -> Sequence[Part]:
    parts = [part for part in (trace.upstream, trace.downstream) if part is not None]
    if all(part.is_whole for part in parts):
        deepest = max((d for part in parts for d in part.execution_depths.values()), default=0)
        if deepest < 2 * depth - 1:
            return ()
        text = f"This shows what is up to {depth} tasks away; a higher number shows more, if there is more."
        return (Notice(id="cut", text=text),)
    text = (
        f"There is more than fits: this shows {count} tasks and artifacts, at each step the newest. Ask for one direction "
        "or for fewer tasks away, or begin at one of those below."
    )
    return (Notice(id="cut", heading="Left out.", text=text),)


def _table(found: Sequence[Way], asked: Asked) -> Table:
    called = {way.key: ways.label(way) for way in found}
    start = asked.number("from", 0, most=10 * _NODES)
    shown = found[start : start + _ROWS]
    return Table(
        id="nodes",
        heading="As a table",
        columns=("What", "Kind", "State", "Steps away", "Made from or read", "Run", "When"),
        rows=[_row(way, called) for way in shown],
        nothing=Empty(text="Nothing is recorded."),
        can_sort=True,
        count=len(found),
        more=asked.href(**{"from": str(start + _ROWS)}) if start + _ROWS < len(found) else "",
        more_text=f"The next {min(_ROWS, len(found) - start - _ROWS)} of {len(found)}",
    )


def _row(way: Way, called: dict[str, str]) -> tuple[Cell, ...]:
    address = ways.href(way)
    name: Cell = Link(text=ways.label(way), href=address) if address else ways.label(way)
    state = Badge(state=way.doing.last_known_state) if way.doing else None
    if way.thing and not way.doing:
        state = standing.of_artifact(way.thing.last_known_state)
    sources = [
        Link(text=called[key], href=links.lineage(key.removeprefix("data/")))
        for key in dict.fromkeys(way.made_from)
        if key in called
    ]
    return (
        name,
        ways.kind(way),
        state,
        ways.away(way),
        Several(cells=[*sources, *_read(way)]) if sources or _read(way) else None,
        links.link(way.doing.run) if way.doing and way.doing.run else None,
        time(way.thing.create_time if way.thing else way.doing.create_time if way.doing else None),
    )


def _read(way: Way) -> list[Cell]:
    """Name the stored data that an execution read, with generations."""
    data = (way.doing.properties.get("data") or {}) if way.doing else {}
    inputs = (way.doing.properties.get("inputs") or {}) if way.doing else {}
    cells: list[Cell] = []
    for key, objects in data.items():
        address = key if key.startswith("gs://") else str(inputs.get(key, ""))
        bucket = address.removeprefix("gs://").partition("/")[0]
        for name, generation, *_ in objects[:_NAMED]:
            href = links.stored(f"gs://{bucket}/{name}", int(generation) if str(generation).isdigit() else None)
            cells.append(Link(text=f"{name.rsplit('/', 1)[-1]}#{generation}".rstrip("#"), href=href))
        if len(objects) > _NAMED:
            cells.append(f"and {len(objects) - _NAMED} more")
    return cells
