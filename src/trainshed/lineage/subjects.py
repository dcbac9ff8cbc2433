"""What a question is about: an artifact, an execution, stored data, a run or a task of one."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, Table, and_, bindparam, select

from trainshed import names
from trainshed.errors import NotFound
from trainshed.lineage import store_addressed
from trainshed.lineage.addresses import split_generation
from trainshed.lineage.graph import has_read
from trainshed.lineage.model import RUN, Artifact, Context
from trainshed.lineage.store import artifacts, as_artifact, as_context, contexts, events, executions, read_executions
from trainshed.sql import chunks

_NUMBER = re.compile(r"[0-9]{1,18}")
_BY_NUMBER = select(artifacts.c.id).where(artifacts.c.id == bindparam("number"))
_MOST = 20_000  # nodes of a subject
_READERS = 1_000  # executions that are looked through for the generation that they read
_NEVER = 1 << 56  # microseconds since 1970 that no date knows
_HELP = (
    "give an artifact's number, a gs:// address, a run's id or RUN/tasks/TASK; "
    "`trainshed lineage list` and `trainshed pipelines list` show what there is"
)


@dataclass(frozen=True, kw_only=True)
class Subject:
    """Where the two questions start from: upwards from `results`, downwards from `sources`."""

    kind: str  # artifact, execution, data, run
    name: str
    results: tuple[int, ...] = ()
    result_executions: tuple[int, ...] = ()
    sources: tuple[int, ...] = ()
    source_executions: tuple[int, ...] = ()
    own: tuple[int, ...] = ()  # executions of the subject itself, which derive nothing from it
    is_cut: bool = False  # there is more of it than was asked for


def find(conn: Connection, of: str, *, most: int = _MOST) -> Subject:
    """Find what somebody names, as far as `most` nodes of it. Raises NotFound, which says what can be named."""
    if "://" in of:
        return _data(conn, of, most)
    kind, _, rest = of.rpartition("/")
    noun = names.short(kind)
    if noun == "executions":
        doing = find_id(conn, executions, rest)
        return Subject(kind="execution", name=of, result_executions=(doing,), source_executions=(doing,))
    if noun in {"artifacts", ""} and (key := _find_id(conn, artifacts, rest)):
        return Subject(kind="artifact", name=f"artifacts/{rest}", results=(key,), sources=(key,))
    if noun == "artifacts":
        raise _unknown(of)
    return _run(conn, of, most)


def find_id(conn: Connection, table: Table, public_id: str) -> int:
    """Answer the key of a record by the last part of its resource name. Raises NotFound."""
    found = _find_id(conn, table, public_id)
    if found is None:
        noun = table.name.removesuffix("s")
        raise NotFound(f"There is no {noun} {public_id!r}.", reason=f"{noun.upper()}_NOT_FOUND")
    return found


def find_artifact(conn: Connection, public_id: str) -> Artifact:
    """Read an artifact by the last part of its resource name, or by its number. Raises NotFound."""
    is_known = _NUMBER.fullmatch(public_id) and conn.execute(_BY_NUMBER, {"number": int(public_id)}).first()
    key = int(public_id) if is_known else find_id(conn, artifacts, public_id)
    return as_artifact(conn.execute(select(artifacts).where(artifacts.c.id == key)).one())


def find_context(conn: Connection, public_id: str) -> Context:
    """Read a context by the last part of its resource name; a pipeline before a run of the same name. Raises NotFound."""
    query = select(contexts).where(contexts.c.resource_id == public_id)
    found = sorted(map(as_context, conn.execute(query)), key=lambda c: (c.type != "system.Pipeline", -c.context_id))
    if not found:
        raise NotFound(f"There is no context {public_id!r}.", reason="CONTEXT_NOT_FOUND")
    return found[0]


def _find_id(conn: Connection, table: Table, public_id: str) -> int | None:
    chosen = conn.execute(select(table.c.id).where(table.c.resource_id == public_id)).scalars().first()
    if chosen is not None or not _NUMBER.fullmatch(public_id):
        return chosen
    is_it = and_(table.c.id == int(public_id), table.c.resource_id == "")
    return conn.execute(select(table.c.id).where(is_it)).scalar_one_or_none()


def _data(conn: Connection, of: str, most: int) -> Subject:
    uri, generation = split_generation(of)
    at = store_addressed.at_address(conn, uri, most=max(most, _READERS), since=_written(generation))
    things, doings, is_cut = at.things[-most:], at.doings[-most:], at.is_cut or len(at.things) > most
    if generation is not None:  # artifacts do not say which generation they are: their importers do
        found = read_executions(conn, at.doings)
        things, doings = [], [i for i in at.doings if has_read(found[i], uri, generation)][:most]
    if not things and not doings:
        raise _unknown(of, "No task has read or made anything at")
    start = tuple(things)
    return Subject(kind="data", name=of, results=start, sources=start, source_executions=tuple(doings), is_cut=is_cut)


def _written(generation: int | None) -> datetime | None:
    """Answer when a generation came to be: nobody read it before."""
    if generation is None or generation >= _NEVER:
        return None
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=generation)


def _run(conn: Connection, of: str, most: int) -> Subject:
    run, _, task = of.partition("/tasks/")
    query = select(contexts.c.id, contexts.c.name).where(
        contexts.c.type == "system.PipelineRun", contexts.c.resource_id == names.short(run)
    )
    known = conn.execute(query.order_by(contexts.c.id.desc())).first()
    if known is None:
        raise _unknown(of)
    inside = select(executions.c.id).where(executions.c.context_id == known.id, executions.c.schema_title != RUN)
    if task:
        inside = inside.where(executions.c.name == f"{known.name}/tasks/{task}")
    doings = tuple(conn.execute(inside.order_by(executions.c.id)).scalars())
    if task and not doings:
        raise _unknown(of, "No execution is recorded of")
    if task:
        return Subject(kind="execution", name=of, result_executions=doings, source_executions=doings)
    return _of_tasks(conn, known.name, doings, most)


def _of_tasks(conn: Connection, name: str, doings: tuple[int, ...], most: int) -> Subject:
    """Take what a run made and did not use itself as its results; without any artifacts, its tasks."""
    query = select(events.c.artifact_id, events.c.type)
    found = [row for part in chunks(doings) for row in conn.execute(query.where(events.c.execution_id.in_(part)))]
    made = {row[0] for row in found if row[1] == "OUTPUT"}
    read = {row[0] for row in found if row[1] == "INPUT"}
    ends = sorted(made - read)
    return Subject(
        kind="run",
        name=name,
        results=tuple(ends[-most:]),
        result_executions=() if ends else doings[-most:],
        sources=tuple(sorted(made)[-most:]),
        source_executions=() if made else doings[-most:],
        own=doings if made else (),
        is_cut=max(len(made), 0 if made else len(doings)) > most,
    )


def _unknown(of: str, what: str = "There is no artifact, run or stored data") -> NotFound:
    return NotFound(f"{what} {of!r}; {_HELP}.", reason="SUBJECT_NOT_FOUND")
