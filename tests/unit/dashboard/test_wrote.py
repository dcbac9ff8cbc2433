"""Lines of a log that hold a text: where they stand, and how far is looked."""

from time import monotonic

import pytest

from trainshed.dashboard.runs import wrote


@pytest.fixture
def log(tmp_path):
    def write(data):
        (tmp_path / "log").write_bytes(data)
        return tmp_path / "log"

    return write


def found(path, wanted, *, most=100, seconds=60.0):
    return list(wrote.lines_with(path, wanted.lower(), monotonic() + seconds, most))


@pytest.mark.parametrize("chunk", [1, 3, 7, 1 << 20])
def test_every_line_that_holds_it_is_found_once_with_its_number(log, monkeypatch, chunk):
    monkeypatch.setattr(wrote, "_CHUNK", chunk)
    path = log(b"one\n\x1b[31mError: two errors\x1b[0m\n\nfour\nERROR at the end")

    assert found(path, "error") == [(2, "Error: two errors"), (5, "ERROR at the end")]
    assert found(path, "four") == [(4, "four")]
    assert found(path, "five") == []


def test_a_text_is_looked_for_in_what_is_shown_of_a_line_whatever_its_letters(log):
    path = log("Ärger: ÄRGER\n\x1b[1mer\x1b[31mror\x1b[0m\n 10 %\r 90 %\r100 %\nlast".encode())

    assert found(path, "ÄRGER") == found(path, "ärger") == [(1, "Ärger: ÄRGER")]
    assert found(path, "error") == [(2, "error")]
    assert found(path, "90 %") == [], "a terminal shows it no more"
    assert found(path, "100 %") == [(3, "100 %")]
    assert found(path, "\n") == found(path, "\nlast") == []


def test_no_more_than_wanted_is_found_and_a_file_that_is_gone_has_nothing(log, tmp_path):
    path = log(b"error\n" * 50)

    assert [number for number, _ in found(path, "error", most=3)] == [1, 2, 3]
    assert found(tmp_path / "none", "error") == []


def test_a_log_that_takes_too_long_says_so(log, monkeypatch):
    monkeypatch.setattr(wrote, "_CHUNK", 8)
    path = log(b"a first\n" * 100)

    assert found(path, "first", seconds=-1)[-1] == (0, "")


def test_the_end_of_a_log_is_its_last_line_as_a_terminal_leaves_it(log):
    assert wrote._end(log(b"one\n 10 %\r 90 %\r100 %\n\n")) == "100 %"
    assert wrote._end(log(b"")) == ""
    assert len(wrote._end(log(b"x" * 10_000))) == wrote._LONGEST + 1
