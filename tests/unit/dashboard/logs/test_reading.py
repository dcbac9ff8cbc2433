"""Any piece of a log, read from either end, is what reading all of it would give."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainshed.dashboard.logs import Source, index, reading, text
from trainshed.dashboard.logs.index import Index, Indexes
from trainshed.dashboard.logs.reading import Reader
from trainshed.dashboard.logs.text import Text

BLOCK = 64
LINES = b"".join(b'Step #%d - "S": line %d\n' % (n % 3, n) for n in range(1, 1001))

few = settings(max_examples=25)
contents = st.lists(st.one_of(st.binary(max_size=6), st.just(b"\n"), st.just(b"x" * 80)), max_size=60).map(b"".join)


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    for module in (text, index, reading):
        monkeypatch.setattr(module, "BLOCK", BLOCK)


@pytest.fixture(autouse=True)
def patient(monkeypatch):
    """A machine that is busy with other tests is not what these look at."""
    for name in ("_PIECE_SECONDS", "_NUMBER_SECONDS", "_SEARCH_SECONDS"):
        monkeypatch.setattr(reading, name, 60.0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("logs")


@pytest.fixture
def log(tmp_path):
    path = tmp_path / "log"
    path.write_bytes(LINES)
    return path


def begins(data):
    """Where lines begin, by the rule: behind a line end, and behind a whole block without one."""
    found = {0} | {place + 1 for place, byte in enumerate(data) if byte == 10}
    blocks = range(0, len(data) - BLOCK + 1, BLOCK)
    return sorted(found | {place + BLOCK for place in blocks if b"\n" not in data[place : place + BLOCK]})


def reader(path, **about):
    opened = Text((path,))
    return Reader(Source(paths=(path,), **about), opened, Index(opened.identity), is_over=True)


def texts(piece):
    return [line.text for line in piece.lines]


@few
@given(data=contents)
def test_beginnings_of_lines_are_found_from_every_place(folder, data):
    (folder / "log").write_bytes(data)

    with Text((folder / "log",)) as opened:
        known = begins(data)
        for offset in range(len(data) + 1):
            assert opened.line_start(offset) == max(place for place in known if place <= offset)


@few
@given(data=contents)
def test_lines_are_numbered_and_found_by_number(folder, data):
    (folder / "log").write_bytes(data)

    with Text((folder / "log",)) as opened:
        counts = Index(opened.identity)
        assert counts.grow(opened, 60)
        starts = [offset for offset, _ in opened.lines(0, opened.size)]
        assert starts == [place for place in begins(data) if place < len(data)]
        for number, start in enumerate(starts, 1):
            assert counts.number_of(opened, start) == number
            assert counts.offset_of(opened, number) == start
        assert counts.offset_of(opened, len(starts) + 5) == (starts[-1] if starts else 0)


@few
@given(data=contents, cut=st.integers(0, 200))
def test_several_files_are_read_as_one(folder, data, cut):
    cut = min(cut, len(data))
    (folder / "older").write_bytes(data[:cut])
    (folder / "newer").write_bytes(data[cut:])

    with Text((folder / "older", folder / "missing", folder / "newer")) as opened:
        assert opened.size == len(data)
        assert all(
            opened.read(start, stop) == data[start:stop]
            for start in range(0, len(data), 7)
            for stop in (start + 1, start + 30, len(data))
        )


def test_tail_and_what_stands_before_it_join_without_a_gap(log):
    found = reader(log).tail(30)
    pieces = list(found.lines)

    while found.start > 0:
        before = reader(log).earlier(found.start, 30)
        assert before.end == found.start
        pieces, found = [*before.lines, *pieces], before

    assert [line.number for line in pieces] == list(range(1, 1001))
    assert texts(reader(log).tail(1)) == ['Step #1 - "S": line 1000']


def test_later_pieces_go_on_to_the_end(log):
    numbers, place, is_last = [], 0, False

    while not is_last:
        found = reader(log).later(place, 70)
        numbers += [line.number for line in found.lines]
        place, is_last = found.end, found.is_last

    assert numbers == list(range(1, 1001))


def test_every_look_gets_on_however_busy_the_machine_is(log, monkeypatch):
    for name in ("_PIECE_SECONDS", "_NUMBER_SECONDS", "_SEARCH_SECONDS"):
        monkeypatch.setattr(reading, name, -1.0)
    monkeypatch.setattr(reading, "_SEARCH_BYTES", BLOCK)
    opened = reader(log)

    assert opened.later(0, 70).end > 0
    assert opened.earlier(len(LINES), 70).start < len(LINES)
    assert opened.search("nowhere", None).before < len(LINES)
    with Text((log,)) as whole:
        counts = Index(whole.identity)
        counts.grow(whole, -1.0)
        assert counts.reach > 0


def test_one_step_alone_keeps_the_numbers_of_the_whole(log):
    only = {"prefixes": (b'Step #2 - "S": ',)}

    found = reader(log, **only).tail(5)

    assert [line.number for line in found.lines] == [986, 989, 992, 995, 998]
    assert b"".join(reader(log, **only).everything()).count(b"\n") == 333
    later = reader(log, **only).later(0, 2)
    assert [line.number for line in later.lines] == [2, 5]
    assert [line.number for line in reader(log, **only).later(later.end, 1).lines] == [8]


def test_lines_are_rewritten_or_dropped_as_the_source_says(log):
    def odd(raw):
        number = int(raw.rsplit(b" ", 1)[1])
        return b"%d!" % number if number % 2 else None

    assert texts(reader(log, shows=odd).tail(2)) == ["997!", "999!"]


def test_search_finds_lines_from_the_end_without_regard_to_case(log):
    opened = reader(log)

    found = opened.search("LINE 10", None)

    lines = [texts(opened.later(offset, 1))[0].rsplit(" ", 1)[1] for offset in found.matches]
    assert (lines, found.before) == (["1000", *map(str, range(109, 99, -1)), "10"], 0)
    of_step = reader(log, prefixes=(b"Step #1",)).search("line 10", None).matches
    assert [line for line, offset in zip(lines, found.matches, strict=True) if offset in of_step] == [
        "1000",
        "109",
        "106",
        "103",
        "100",
        "10",
    ]
    assert set(of_step) < set(found.matches)


def test_search_sees_what_is_shown_and_not_how_it_is_coloured(tmp_path):
    path = tmp_path / "log"
    path.write_bytes("\x1b[31mre\x1b[0md Ärger 31\nbar 10%\rbar 100%\n".encode())

    assert reader(path).search("red", None).matches == [0]
    assert reader(path).search("[31m", None).matches == []
    assert reader(path).search("ärger", None).matches == [0]
    assert reader(path).search("bar 10%", None).matches == []


@pytest.mark.parametrize("wanted", ["\n", "\n\n", "\nline", "line 1\nline 2"])
def test_a_search_for_what_no_line_holds_ends(log, wanted):
    found = reader(log).search(wanted, None)

    assert (found.matches, found.before) == ([], 0)


def test_a_line_without_end_is_shown_while_the_log_grows_and_counts_once_it_is_over(tmp_path):
    path = tmp_path / "log"
    path.write_bytes(b"one\n10%\r 50%")
    opened = Text((path,))

    growing = Reader(Source(paths=(path,)), opened, Index(opened.identity), is_over=False).tail(10)

    assert (texts(growing), growing.partial, growing.end) == (["one"], " 50%", 4)
    assert texts(reader(path).tail(10)) == ["one", " 50%"]


def test_around_a_place_there_are_lines_on_both_sides(log):
    opened = Text((log,))
    offset = LINES.index(b'Step #2 - "S": line 500\n')

    found = Reader(Source(paths=(log,)), opened, Index(opened.identity), is_over=True).around(offset + 3, 20)

    assert [line.number for line in found.lines] == list(range(490, 510))
    assert found.target == offset


def test_counts_begin_anew_with_another_file_of_the_same_name(log):
    indexes = Indexes()
    with Text((log,)) as opened:
        before = indexes.of((log,), opened)
        assert indexes.of((log,), opened) is before

    other = log.with_name("other")
    other.write_bytes(b"new\n")
    other.replace(log)

    with Text((log,)) as opened:
        assert indexes.of((log,), opened) is not before


def test_an_empty_log_and_one_that_is_not_there_have_no_lines(tmp_path):
    (tmp_path / "empty").touch()

    for name in ("empty", "missing"):
        found = reader(tmp_path / name)
        assert texts(found.tail(5)) == texts(found.later(0, 5)) == texts(found.around(7, 4)) == []
        assert found.search("x", None).before == 0
