import json

import pytest

from trainshed.clock import VirtualClock
from trainshed.functions.logs import Log, entry


def test_newest_entries_come_oldest_first_and_can_be_chosen(tmp_path):
    clock, log = VirtualClock(), Log(tmp_path / "f")
    log.write([entry(clock.now(), "INFO", f"line {n}", execution_id=f"e{n % 2}") for n in range(6)])
    log.write([entry(clock.advance(60), "ERROR", "bad", execution_id="e9")])

    assert [e["text"] for e in log.read(limit=2)] == ["line 5", "bad"]
    assert [e["text"] for e in log.read(execution_id="e1")] == ["line 1", "line 3", "line 5"]
    assert [e["text"] for e in log.read(least="WARNING")] == ["bad"]
    assert [e["text"] for e in log.read(since="2026-01-01T00:00:30Z")] == ["bad"]


def test_structured_line_is_taken_apart():
    made = entry(VirtualClock().now(), "INFO", json.dumps({"severity": "warning", "message": "low"}))

    assert (made["severity"], made["text"]) == ("WARNING", "low")
    assert entry(VirtualClock().now(), "INFO", "{not json")["text"] == "{not json"


def test_torn_last_line_is_left_out(tmp_path):
    log = Log(tmp_path)
    log.write([entry(VirtualClock().now(), "INFO", "whole")])
    with (tmp_path / "log.jsonl").open("a") as file:
        file.write('{"time": "2026')

    assert [e["text"] for e in log.read()] == ["whole"]


@pytest.mark.parametrize("half", [b'{"time": "2026', '{"text": "ü'.encode()[:-1], b"\0\0\n", b"7\n", b"\n"])
def test_what_a_killed_server_left_half_written_hides_nothing(tmp_path, half):
    log = Log(tmp_path)
    log.write([entry(VirtualClock().now(), "INFO", "before")])
    with (tmp_path / "log.jsonl").open("ab") as file:
        file.write(half)
    log.write([entry(VirtualClock().now(), "INFO", "after ü")])

    assert [e["text"] for e in log.read()] == ["before", "after ü"]


def test_very_long_line_is_cut():
    assert len(entry(VirtualClock().now(), "INFO", "x" * 100_000)["text"]) < 20_000


def test_half_a_character_in_a_structured_line_holds_up_nobody(tmp_path):
    now, log = VirtualClock().now(), Log(tmp_path)

    log.write([entry(now, "INFO", '{"message": "half \\ud83d of it"}'), entry(now, "INFO", "after it")])

    assert [e["text"] for e in log.read()] == ["half ? of it", "after it"]


@pytest.mark.parametrize("depth", [1000, 100_000])
def test_a_line_that_is_nested_too_deep_stays_text(depth):
    line = '{"message": ' + "[" * depth

    assert entry(VirtualClock().now(), "INFO", line)["text"].startswith('{"message": [[[')
