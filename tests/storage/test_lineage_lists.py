"""Lists of artifacts, executions and contexts: filters, orders, pages, membership."""

from itertools import pairwise

import pytest

from trainshed import lineage
from trainshed.errors import FailedPrecondition, InvalidArgument, NotFound
from trainshed.lineage import Wanted

PARENT = "projects/p/locations/r"
STORE = f"{PARENT}/metadataStores/default"


@pytest.fixture
def service(db):
    return lineage.Service(db)


def write_runs(db, clock, *, runs=2, tasks=3, pipeline="penguins"):
    def write(conn):
        parent = lineage.ensure_context(conn, "system.Pipeline", pipeline, now=clock.now())
        for run in range(runs):
            name = f"{PARENT}/pipelineJobs/{pipeline}-{run}"
            context = lineage.ensure_context(conn, "system.PipelineRun", name, now=clock.now(), parent_id=parent)
            lineage.record_run(
                conn, name=name, context_id=context, state="COMPLETE", now=clock.now(), pipeline=pipeline
            )
            for task in range(tasks):
                kind = {"schemaTitle": "system.Model" if task == 0 else "system.Dataset"}
                given = {"type": kind, "uri": f"gs://b/{pipeline}/{run}/{task}", "digest": "", "now": clock.advance(1)}
                made = lineage.add_artifact(conn, **given, metadata={"n": task}, name=f"thing-{task}")
                new = lineage.NewExecution(
                    type=f"comp-{task}",
                    name=f"{name}/tasks/t{task}",
                    context_id=context,
                    state="FAILED" if task == 2 else "COMPLETE",
                    outputs=[("out", made)],
                    properties={"inputs": {"x": task}, "outputs": {}},
                )
                lineage.record_execution(conn, new, now=clock.now())

    db.write(write)


def names_of(found):
    return [a.uri.removeprefix("gs://b/") for a in found[0]]


def test_newest_come_first(db, clock, service):
    write_runs(db, clock)

    assert names_of(service.artifacts(STORE, Wanted())) == [f"penguins/{r}/{t}" for r in (1, 0) for t in (2, 1, 0)]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"title": "system.Dataset", "name": "thing-1"}, ["penguins/2/1", "penguins/1/1", "penguins/0/1"]),
        ({"title": "system.Dataset", "name": "thing-1", "limit": 2}, ["penguins/2/1", "penguins/1/1"]),
        ({"title": "system.Dataset", "name": "thing-1", "before": 8}, ["penguins/1/1", "penguins/0/1"]),
        ({"title": "system.Model", "name": "thing-1"}, []),
        ({"uri": "gs://b/penguins/1/1"}, ["penguins/1/1"]),
        ({"uri": "gs://b/penguins/1/1", "title": "system.Dataset", "name": "thing-1"}, ["penguins/1/1"]),
        ({"uri": "gs://b/penguins/1/1", "title": "system.Model"}, []),
        ({"title": "system.Model", "before": 7}, ["penguins/1/0", "penguins/0/0"]),
    ],
)
def test_several_words_narrow_a_list_together(db, clock, service, wanted, expected):
    write_runs(db, clock, runs=3)

    assert names_of((service.browse(**{"limit": 10, **wanted}),)) == expected


@pytest.mark.parametrize("order", ["", "create_time", "display_name desc, create_time", "schema_title"])
def test_pages_join_to_the_whole(db, clock, service, order):
    write_runs(db, clock, runs=3)
    whole = names_of(service.artifacts(STORE, Wanted(order_by=order)))
    assert len(whole) == 9

    for size in (1, 2, 4, 9, 100):
        found, token = [], ""
        while True:
            page = service.artifacts(STORE, Wanted(order_by=order, page_size=size, page_token=token))
            found += names_of(page)
            if not (token := page[1]):
                break
        assert found == whole, size


def test_an_artifact_that_comes_between_two_pages_moves_nothing(db, clock, service):
    write_runs(db, clock)
    first, token = service.artifacts(STORE, Wanted(page_size=2))
    write_runs(db, clock, runs=1, pipeline="other")
    second, _ = service.artifacts(STORE, Wanted(page_size=2, page_token=token))

    assert [a.artifact_id for a in [*first, *second]] == [6, 5, 4, 3]


def test_orders_ascend_unless_told_otherwise(db, clock, service):
    write_runs(db, clock)

    assert names_of(service.artifacts(STORE, Wanted(order_by="create_time")))[0] == "penguins/0/0"
    assert names_of(service.artifacts(STORE, Wanted(order_by="create_time desc")))[0] == "penguins/1/2"
    with pytest.raises(InvalidArgument, match="order_by: 'color' is not create_time"):
        service.artifacts(STORE, Wanted(order_by="color"))
    with pytest.raises(InvalidArgument, match="order_by: 'create_time up'"):
        service.artifacts(STORE, Wanted(order_by="create_time up"))


def test_a_token_is_for_one_question(db, clock, service):
    write_runs(db, clock)
    _, token = service.artifacts(STORE, Wanted(page_size=1))

    with pytest.raises(InvalidArgument, match="page_token: is of another filter or order"):
        service.artifacts(STORE, Wanted(page_size=1, page_token=token, filter='state="LIVE"'))


@pytest.mark.parametrize(
    ("filter_", "count"),
    [
        ('schema_title="system.Model"', 2),
        ('schema_title="system.Model" OR schema_title="system.Dataset"', 6),
        ('uri="gs://b/penguins/0/1"', 1),
        ('uri="gs://b/penguins/0/*"', 3),
        ('display_name="thing-1" AND schema_title="system.Dataset"', 2),
        ("metadata.n.number_value >= 1", 4),
        ('create_time > "2026-01-01T00:00:03Z"', 3),
        (f'name="{STORE}/artifacts/3"', 1),
        (f'in_context("{STORE}/contexts/penguins")', 6),
        (f'in_context("{STORE}/contexts/penguins-1")', 3),
        (f'in_context("{STORE}/contexts/penguins-1") OR uri="gs://b/penguins/0/1"', 4),
        (f'NOT in_context("{STORE}/contexts/penguins-1")', 3),
        (f'in_context("{STORE}/contexts/nothing")', 0),
        ('state="PENDING"', 0),
    ],
)  # fmt: skip
def test_artifacts_are_filtered(db, clock, service, filter_, count):
    write_runs(db, clock)

    assert len(service.artifacts(STORE, Wanted(filter=filter_))[0]) == count


@pytest.mark.parametrize(
    ("filter_", "count"),
    [
        ("", 8),
        ('schema_title="system.Run"', 2),
        ('state="FAILED"', 2),
        ('display_name="t1"', 2),
        ('metadata."input:x".number_value = 1', 2),
        (f'schema_title="system.Run" AND in_context("{STORE}/contexts/penguins")', 2),
        (f'in_context("{STORE}/contexts/penguins-0")', 4),
    ],
)
def test_executions_are_filtered(db, clock, service, filter_, count):
    write_runs(db, clock)

    assert len(service.executions(STORE, Wanted(filter=filter_))[0]) == count


def test_contexts_are_filtered(db, clock, service):
    write_runs(db, clock)

    def ids(text):
        return [lineage.public_id(c) for c in service.contexts(STORE, Wanted(filter=text))[0]]

    assert ids('schema_title="system.Pipeline"') == ["penguins"]
    assert ids(f'parent_contexts:"{STORE}/contexts/penguins"') == ["penguins-1", "penguins-0"]
    assert ids(f'child_contexts:"{STORE}/contexts/penguins-0"') == ["penguins"]
    with pytest.raises(InvalidArgument, match="'uri' is not a field of these"):
        ids('uri="gs://b"')


def test_an_answer_by_googles_interface_has_a_thousand_nodes_at_most(db, clock, service):
    write_runs(db, clock, runs=1, tasks=1001)

    with pytest.raises(FailedPrecondition, match="more than 1000"):
        service.around_context("penguins")
    assert len(service.around_artifact("1", STORE, hops=None).artifacts) == 1


def test_lineage_by_googles_interface_goes_both_ways(db, clock, service):
    def write(conn):
        context = lineage.ensure_context(conn, "system.PipelineRun", f"{PARENT}/pipelineJobs/j", now=clock.now())
        things = [
            lineage.add_artifact(
                conn, type={"schemaTitle": f"t{i}"}, uri="", metadata={}, digest="", now=clock.now(), name=f"a{i}"
            )
            for i in range(5)
        ]
        for i, (one, two) in enumerate(pairwise(things)):
            new = lineage.NewExecution(
                type="c",
                name=f"{PARENT}/pipelineJobs/j/tasks/t{i}",
                state="COMPLETE",
                properties={},
                context_id=context,
                inputs=[("i", one)],
                outputs=[("o", two)],
            )
            lineage.record_execution(conn, new, now=clock.now())
        return things

    things = db.write(write)

    def around(**more):
        found = service.around_artifact(str(things[2]), STORE, **more)
        return [a.name for a in found.artifacts.values()], len(found.executions), len(found.events)

    assert around(hops=None) == (["a0", "a1", "a2", "a3", "a4"], 4, 8)
    assert around(hops=1) == (["a2"], 2, 2)
    assert around(hops=2) == (["a1", "a2", "a3"], 2, 4)
    assert around(hops=None, filter='schema_title="t4"') == (["a2", "a4"], 4, 3)
    with pytest.raises(NotFound, match="There is no artifact '77'"):
        service.around_artifact("77", STORE, hops=None)


def test_a_runs_execution_has_what_its_tasks_read_from_elsewhere_and_made(db, clock, service):
    write_runs(db, clock, runs=1)
    (run,) = service.executions(STORE, Wanted(filter='schema_title="system.Run"'))[0]

    found = service.around_execution(lineage.public_id(run))

    assert set(found.executions) == {run.execution_id}
    assert sorted((e.type, e.artifact_id) for e in found.events) == [("OUTPUT", 1), ("OUTPUT", 2), ("OUTPUT", 3)]


def test_common_filters_are_answered_by_an_index(db, clock, service):
    write_runs(db, clock)
    found = []

    def explain(conn):
        for text in ("uri = 'x'", "schema_title = 'x'", "resource_id = 'x'", "digest = 'x'"):
            plan = conn.exec_driver_sql(
                f"EXPLAIN QUERY PLAN SELECT * FROM artifacts WHERE {text} ORDER BY id DESC"
            ).all()
            found.append(plan[0][3])

    db.read(explain)
    assert all("USING INDEX" in line for line in found), found
