"""What may stand in one place only: state writes, database differences, log actions."""

import ast
import re
from pathlib import Path

import trainshed
from trainshed.telemetry import ACTIONS

ROOT = Path(trainshed.__file__).parent
SOURCES = [p for p in sorted(ROOT.rglob("*.py")) if "versions" not in p.parts]
SHIPPED = {"workers/child.py"}  # programs that run in a user's environment: they log by printing


def calls(path):
    return [n for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Call)]


def writes_state(call):
    if not (isinstance(call.func, ast.Attribute) and call.func.attr == "values"):
        return False
    receiver = ast.unparse(call.func.value)
    sets_state = any(k.arg == "state" for k in call.keywords) or "'state'" in "".join(map(ast.unparse, call.args))
    return sets_state and "update(" in receiver


def test_state_columns_are_written_in_one_place():
    writers = {p.relative_to(ROOT).as_posix() for p in SOURCES for c in calls(p) if writes_state(c)}
    raw = {
        p.relative_to(ROOT).as_posix()
        for p in SOURCES
        if re.search(r"UPDATE\s+\w+\s+SET[^\"]*\bstate\s*=", p.read_text(), re.IGNORECASE)
    }

    assert writers | raw == {"sql/lifecycle.py"}


def test_database_differences_are_in_one_file():
    found = {
        p.relative_to(ROOT).as_posix()
        for p in SOURCES
        if re.search(r"^\s*(import sqlite3|from sqlite3|from sqlalchemy\.dialects)", p.read_text(), re.MULTILINE)
    }

    assert found == {"sql/dialect.py"}


def test_log_actions_are_declared_and_declared_ones_are_used():
    used = {a for p in SOURCES for a in re.findall(r"\"action\":\s*\"(\w+)\"", p.read_text())}

    assert used == {a.name for a in ACTIONS}


def test_log_actions_are_declared_once():
    assert len({a.name for a in ACTIONS}) == len(ACTIONS)


def test_nothing_is_left_unfinished():
    marks = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b|NotImplementedError|time\.sleep\(")
    found = [f"{p.relative_to(ROOT)}: {m[0]}" for p in SOURCES for m in marks.finditer(p.read_text())]

    assert found == []


def test_sizes_are_within_limits():
    import runpy

    shape = runpy.run_path(str(ROOT.parents[1] / "tools" / "shape.py"))

    assert shape["main"]() == 0
