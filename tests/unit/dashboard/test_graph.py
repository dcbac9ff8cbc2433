import json
from datetime import UTC, datetime, timedelta

from trainshed.dashboard import graph

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def unpacked(text):
    """Read standings as `graph_data.js` does."""
    found = json.loads(text)
    words, begin, numbers = found["words"], found["begin"], found["numbers"]
    for i in range(0, len(numbers), 4):
        state, start, end, note = numbers[i : i + 4]
        began = 0 if start < 0 else begin + start
        yield words[state], began, 0 if end < 0 else (began or begin) + end, words[note]


def test_standings_are_the_same_once_unpacked():
    later = NOON + timedelta(milliseconds=1500)
    standings = [
        graph.standing("SUCCEEDED", NOON, later, "reused"),
        graph.standing("RUNNING", later),
        graph.standing("CANCELLED", None, later),
        graph.standing(),
    ]

    found = list(unpacked(graph.packed_standings(standings)))

    assert found == [(*standing, *("", 0, 0, "")[len(standing) :]) for standing in standings]


def test_a_node_took_as_long_as_is_said_of_its_task_elsewhere():
    begin = NOON + timedelta(microseconds=435_517)

    _, started, ended, *_ = graph.standing("SUCCEEDED", begin, begin + timedelta(microseconds=213_900))

    assert ended - started == 214


def test_layout_names_nodes_once_and_words_by_number():
    nodes = [
        graph.Node(id="group", kind="group", label="group", detail="2 tasks", is_open=True, place=(0, 0, 300, 200)),
        graph.Node(id="group.a", kind="task", label="a", parent="group", place=(14, 50, 214, 66)),
        graph.Node(id="other", kind="task", label="other", place=(400, 0, 214, 66), href="/elsewhere"),
    ]
    edge = graph.Edge(start="group.a", end="other", kind="data", points=[1, 2, 3, 4])

    found = json.loads(graph.packed_layout(nodes, [edge], [("away", "Away")], 700, 300))

    assert found["words"] == ["group", "2 tasks", "task", "", "data"]
    assert found["nodes"][1] == ["group.a", 2, "a", 3, 0, 0, 14, 50, 214, 66]
    assert found["nodes"][2][-1] == "/elsewhere"
    assert found["edges"] == [[1, 2, 4, 1, 2, 3, 4]]
    assert found["hidden"] == [["away", "Away"]]


def test_halves_of_characters_in_names_do_not_break_the_page():
    node = graph.Node(id="a", kind="task", label="\ud800", place=(0, 0, 1, 1))

    assert graph.packed_layout([node], [], [], 1, 1).encode()
