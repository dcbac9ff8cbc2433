"""A part of lineage as boxes, lines and a list."""

from datetime import UTC, datetime

from trainshed.dashboard.artifacts import ways
from trainshed.dashboard.cells import called
from trainshed.lineage import Artifact, Event, Execution, Reading, Subgraph, Subject, Trace

NOW = datetime(2026, 1, 31, tzinfo=UTC)
RUN = "projects/p/locations/r/pipelineJobs/j"


def a_thing(number, name):
    return Artifact(
        artifact_id=number, type={}, uri=f"gs://b/{name}", metadata={}, digest="", name=name, create_time=NOW,
        schema_title="system.Model",
    )  # fmt: skip


def a_doing(number, task):
    return Execution(
        execution_id=number, type="", name=f"{RUN}/tasks/{task}", last_known_state="COMPLETE", properties={},
        context_id=None, create_time=NOW,
    )  # fmt: skip


def a_trace():
    """data → read (1) → rows (1) → train (2) → model (2), which is asked about → push (3) → pushed (3)."""
    above = Subgraph(
        artifacts={1: a_thing(1, "rows"), 2: a_thing(2, "model")},
        executions={1: a_doing(1, "read"), 2: a_doing(2, "train")},
        events=(
            Event(execution_id=1, artifact_id=1, type="OUTPUT", path="rows", position=0),
            Event(execution_id=2, artifact_id=1, type="INPUT", path="rows", position=0),
            Event(execution_id=2, artifact_id=2, type="OUTPUT", path="model", position=0),
        ),
        readings=(Reading(execution_id=1, parameter="data", uri="gs://b/data"),),
        artifact_depths={2: 0, 1: 2},
        execution_depths={2: 1, 1: 3},
    )
    below = Subgraph(
        artifacts={2: a_thing(2, "model"), 3: a_thing(3, "pushed")},
        executions={3: a_doing(3, "push")},
        events=(
            Event(execution_id=3, artifact_id=2, type="INPUT", path="model", position=0),
            Event(execution_id=3, artifact_id=3, type="OUTPUT", path="pushed", position=0),
        ),
        artifact_depths={2: 0, 3: 2},
        execution_depths={3: 1},
    )
    subject = Subject(kind="artifact", name="artifacts/2", results=(2,), sources=(2,))
    return Trace(subject=subject, upstream=above, downstream=below)


def test_nodes_come_in_the_direction_in_which_data_flowed_each_once():
    found = ways.ways(a_trace())

    assert [(ways.label(w), w.distance) for w in found] == [
        ("data", -4), ("read", -3), ("rows", -2), ("train", -1), ("model", 0), ("push", 1), ("pushed", 2),
    ]  # fmt: skip
    assert [w.made_from for w in found][1:3] == [["data/gs://b/data"], ["executions/1"]]


def test_every_node_leads_to_its_page():
    pages = {ways.label(w): ways.href(w) for w in ways.ways(a_trace())}

    assert pages["data"] == "/buckets/b?object=data"
    assert pages["model"] == "/artifacts/2"
    assert pages["train"] == f"/runs/{RUN}?task=train"


def test_the_graph_has_every_node_and_edge_and_shows_what_was_asked_about():
    trace = a_trace()

    drawn = ways.graph(trace, ways.ways(trace), id="graph", heading="Graph")

    assert drawn.selected == "artifacts/2"
    assert {(e.start, e.end) for e in drawn.edges} == {
        ("data/gs://b/data", "executions/1"), ("executions/1", "artifacts/1"), ("artifacts/1", "executions/2"),
        ("executions/2", "artifacts/2"), ("artifacts/2", "executions/3"), ("executions/3", "artifacts/3"),
    }  # fmt: skip
    tops = {node.id: node.place[1] for node in drawn.nodes}
    assert all(tops[e.start] < tops[e.end] for e in drawn.edges)
    assert [standing[0] for standing in drawn.standings if standing] == ["COMPLETE"] * 2 + ["", "COMPLETE"]


def test_how_far_a_node_is_is_said_in_words_and_sorts_by_number():
    said = [ways.away(way) for way in ways.ways(a_trace())]

    assert [cell.text for cell in said] == [
        "4 before",
        "3 before",
        "2 before",
        "1 before",
        "here",
        "1 after",
        "2 after",
    ]
    assert [cell.rank for cell in said] == [-4, -3, -2, -1, 0, 1, 2]


def test_the_graph_says_what_is_drawn():
    trace = a_trace()

    drawn = ways.graph(trace, ways.ways(trace), id="graph", heading="Graph")

    assert drawn.legend.startswith("3 tasks, 3 artifacts, stored data read by address;")


def test_types_are_called_as_in_the_graph_of_a_run():
    assert [called(title) for title in ("system.Dataset", "google.VertexModel", "Mine", "")] == [
        "Dataset", "VertexModel", "Mine", "",
    ]  # fmt: skip
