"""Does every page find what it shows by an index? Each statement that a page issues is explained by SQLite.

The pages are found by wandering from link to link over a small store without statistics, as real stores have none.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from unittest.mock import patch
from urllib.parse import urlsplit

import pytest
from large_store import SMALL, fill
from large_store.wandering import wander
from sqlalchemy import event
from starlette.routing import compile_path

from trainshed import dashboard
from trainshed.api.reach import Reach
from trainshed.app.features import Features
from trainshed.app.surface import surface
from trainshed.clock import VirtualClock
from trainshed.dashboard import asked
from trainshed.dashboard.document import document
from trainshed.errors import TrainshedError
from trainshed.settings import Settings
from trainshed.sql import Database, dialect, metadata

UNTIL = datetime(2026, 11, 20, 12, tzinfo=UTC)

# Tables that may be read from end to end, and sorted: what people write down, one by one.
FEW = {
    "bucket_notifications": "a few for each bucket, and buckets are few",
    "buckets": "made by hand; the list shows them",
    "build_triggers": "made by hand; the list shows them",
    "function_versions": "one for each deployment",
    "functions": "made by hand; the list shows them",
    "image_bindings": "one for each image",
    "message_ids": "one row",
    "message_schema_revisions": "written by hand; the list shows the newest of each",
    "policies": "made by hand",
    "run_schedules": "made by hand; the list shows them",
    "run_triggers": "made by hand; the list shows them",
    "schedules": "made by hand; the list shows them",
    "service_accounts": "made by hand",
    "snapshots": "made by hand",
    "subscriptions": "made by hand",
    "topics": "made by hand; the list shows them",
}

# What may be sorted, because it belongs to one thing that is shown: a table, and the column by which it is found.
WITHIN = {
    ("artifacts", "id"): "the artifacts of one run",
    ("build_steps", "build_id"): "the steps of one build",
    ("events", "execution_id"): "what one task read and wrote",
    ("executions", "context_id"): "what one run did",
    ("artifacts", "rowid"): "things whose numbers are known already",
    ("pushes", "destination"): "the versions of one model",
    ("receipts", "parent_id"): "what one event led to",
    ("receipts", "trigger"): "only where a short name stands for several triggers; one trigger's lie in order",
    ("tasks", "run"): "the tasks of one run",
}

# What may be walked along as far as a limit, though not everything on the way is shown: a table, and by which index.
WALKED = {
    ("receipts", "ix_receipts_create_time"): "words are looked for among 20,000 receipts at once",
    ("runs", "ix_runs_create_time"): "words are looked for in the names, which the index has",
    ("messages", ""): "a topic's newest messages are looked for among the newest of all",
}
_STEP = re.compile(
    r"^(SCAN|SEARCH) (?:TABLE )?(\w+)(?: USING (?:COVERING )?(?:INDEX (\w+)|INTEGER PRIMARY KEY))?(?: \((\w+))?"
)
_SORT = re.compile(r"^USE TEMP B-TREE FOR .*ORDER BY")


@dataclass(frozen=True)
class Statement:
    """What a page asked the store."""

    text: str
    values: tuple


class Site:
    """The pages over a store, without a server."""

    def __init__(self, home):
        settings = Settings(home=home)
        self.db = Database(settings.database)
        clock, reach = VirtualClock(UNTIL), Reach(settings)
        pages = _pages(settings, clock, Features(settings, clock, self.db, reach), reach)
        self.pages = [(compile_path(page.path), page.words, page.make) for page in pages]
        self.statements = set()

    def ask(self, address):
        """Make a page; None where it is none, or refuses what was made up."""
        parts = urlsplit(address)
        for (pattern, _, converters), known, make in self.pages:
            if match := pattern.match(parts.path):
                names = {key: converters[key].convert(value) for key, value in match.groupdict().items()}
                try:
                    return document(make(asked.read(parts.path, names, parts.query, known)))
                except TrainshedError:
                    return None
        return None

    @property
    def starts(self):
        """The addresses that need no name."""
        return [
            pattern.pattern[1:-1].replace("\\", "") for (pattern, _, converters), *_ in self.pages if not converters
        ]

    @property
    def partial(self):
        """The indexes that hold only rows of one kind."""
        with self.db._readers.connect() as conn:
            rows = conn.exec_driver_sql("SELECT name, sql FROM sqlite_master WHERE type = 'index'").all()
        return {name for name, text in rows if " WHERE " in (text or "")}

    def explained(self, statement):
        """Answer the steps of a statement's plan, each with the query within it that it belongs to."""
        with self.db._readers.connect() as conn:
            rows = dialect.run(conn, f"EXPLAIN QUERY PLAN {statement.text}", statement.values).fetchall()
        return [(row[1], row[3]) for row in rows]


def _pages(settings, clock, features, reach):
    """Answer the pages that the composition root would serve."""
    with patch.object(dashboard, "routes", return_value=([], print)) as served:
        surface(settings, clock, features, reach, is_held=lambda: True)
    sections = served.call_args[0][0]
    return [page for section in sections for page in section.addresses()]


def recorded(site, monkeypatch):
    """Note every statement that readers run, those past SQLAlchemy as well."""
    run = dialect.run

    def noting(conn, text, values=()):
        site.statements.add(Statement(text, tuple(values)))
        return run(conn, text, values)

    def note(_conn, _cursor, text, values, _context, _many):
        site.statements.add(Statement(text, tuple(values)))

    monkeypatch.setattr(dialect, "run", noting)
    event.listen(site.db._readers, "before_cursor_execute", note)


@pytest.fixture
def site(tmp_path, monkeypatch):
    fill(tmp_path / "home", SMALL, until=UNTIL)
    made = Site(tmp_path / "home")
    recorded(made, monkeypatch)
    yield made
    made.db.close()


def problems(plan, text, partial=frozenset()):
    """Say what in a plan grows with the store; `partial` are the indexes that hold but a few rows of their table."""
    words = " ".join(text.split())
    names = {alias: table for table, alias in re.findall(r"(?:FROM|JOIN|,) (\w+) AS (\w+)", words)}
    steps = [(query, *m.groups("")) for query, step in plan if (m := _STEP.match(step))]
    reads = [(query, way, names.get(table, table), index, column) for query, way, table, index, column in steps]
    reads = [read for read in reads if read[2] in metadata.tables and read[2] not in FEW]
    if " LIMIT " not in words:
        return [f"SCAN {table}" for _, way, table, _, _ in reads if way == "SCAN"]
    sorting = [query for query, step in plan if _SORT.match(step)]
    first = [next((read for read in reads if read[0] == query), None) for query in sorting]
    found = [f"sorts all of {table} that it finds" for _, _, table, index, column in filter(None, first)
             if (table, column) not in WITHIN and (table, index) not in WALKED]  # fmt: skip
    if found:
        return found
    is_filtered = " WHERE " in words.replace("WHERE 1 = 1", "")
    return [f"SCAN {table} {index}".strip() for _, way, table, index, _ in reads
            if way == "SCAN" and is_filtered and index not in partial and (table, index) not in WALKED]  # fmt: skip


def test_no_page_reads_a_table_that_grows_from_end_to_end(site):
    found = wander(site.ask, site.starts)

    selects = [s for s in list(site.statements) if s.text.lstrip().upper().startswith(("SELECT", "WITH"))]
    wrong = {s.text: told for s in selects if (told := problems(site.explained(s), s.text, site.partial))}
    told = "\n\n".join(f"{text}\n  -> {'; '.join(steps)}" for text, steps in sorted(wrong.items()))
    assert not wrong, f"{len(wrong)} statements; add an index, or ask otherwise:\n\n{told}"
    assert len(found) > len(site.starts)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("SELECT name FROM tasks WHERE error != ''", "SCAN tasks"),
        ("SELECT count(*) FROM receipts", "SCAN receipts"),
        ("SELECT name FROM tasks WHERE name > 'x' ORDER BY name LIMIT 5", "sorts all of tasks"),
        ("SELECT r.name FROM runs AS r WHERE r.name > 'x' ORDER BY r.end_time LIMIT 5", "sorts all of runs"),
        ("SELECT id FROM tasks WHERE error != '' LIMIT 5", "SCAN tasks"),
        ("SELECT name FROM runs ORDER BY create_time DESC, name DESC LIMIT 5", ""),
        ("SELECT id FROM artifacts ORDER BY id DESC LIMIT 5", ""),
        ("SELECT name FROM tasks WHERE run = 'x' ORDER BY position LIMIT 5", ""),
        ("SELECT name FROM functions WHERE error != '' ORDER BY error LIMIT 5", ""),
    ],
)
def test_what_would_grow_with_the_store_is_found_out(site, text, found):
    told = problems(site.explained(Statement(text, ())), text)

    assert bool(told) == bool(found), told
    assert found in "; ".join(told)
