"""What pages read of buckets and of lineage: bounded, whatever there is."""

import pytest
from storage.registry_world import World

from trainshed import buckets, lineage
from trainshed.blobs import store
from trainshed.sql import Prepared


@pytest.fixture
def world(db, clock, tmp_path):
    return World(db, clock, tmp_path)


@pytest.fixture
def service(world):
    return buckets.Service(world.db, world.clock, world.blobs)


def test_a_level_has_folders_and_objects_in_the_order_of_names_by_page(world, service):
    for name in ("a/1", "a/2", "a/b/3", "b", "c/4", "d"):
        world.put(name, b"x")

    whole, end = service.level("serving", "", limit=10)
    first, start = service.level("serving", "", limit=3)
    second, last = service.level("serving", "", start=start, limit=3)
    inner, _ = service.level("serving", "a/", limit=10)

    assert (whole.prefixes, [o.name for o in whole.items], end) == (["a/", "c/"], ["b", "d"], "")
    assert (first.prefixes, [o.name for o in first.items]) == (["a/", "c/"], ["b"])
    assert (second.prefixes, [o.name for o in second.items], last) == ([], ["d"], "")
    assert (inner.prefixes, [o.name for o in inner.items]) == (["a/b/"], ["a/1", "a/2"])


def test_what_is_in_a_folder_is_passed_over_not_read(world, service, monkeypatch):
    for number in range(300):
        world.put(f"many/{number}", b"x")
    world.put("z", b"x")
    read = []
    step = store.steps

    def counted(*arguments, **options):
        read.extend(found := step(*arguments, **options))
        return found

    monkeypatch.setattr(store, "steps", counted)
    page, _ = service.level("serving", "", limit=10)

    assert (page.prefixes, [o.name for o in page.items]) == (["many/"], ["z"])
    assert read == ["many/0", "z"]


def test_very_many_folders_are_read_by_one_statement_and_paged(world, service, monkeypatch):
    for number in range(60):
        world.put(f"in/{number:02}/model", b"x")
        world.put(f"in/{number:02}~", b"x")
    statements = []
    run = Prepared.rows
    monkeypatch.setattr(Prepared, "rows", lambda self, conn, **v: (statements.append(v), run(self, conn, **v))[1])

    found, start, pages = [], "", 0
    while pages == 0 or start:
        page, start = service.level("serving", "in/", start=start, limit=50)
        found += [*page.prefixes, *(o.name for o in page.items)]
        pages += 1

    assert sorted(found) == sorted([*(f"in/{n:02}/" for n in range(60)), *(f"in/{n:02}~" for n in range(60))])
    assert (pages, sum("prefix" in values for values in statements)) == (3, 3)  # the others read the bucket


def test_generations_of_one_object_come_newest_first_gone_ones_too(world, service):
    for data in (b"one", b"two", b"three"):
        world.put("a", data)
    world.put("a/b", b"another")
    world.db.write(lambda conn: world.blobs.delete(conn, "serving", "a"))

    found = service.generations("serving", "a", limit=10)

    assert [o.size for o in found] == [5, 3, 3]
    assert [o.delete_time is None for o in found] == [False] * 3
    assert len(service.generations("serving", "a", limit=2)) == 2


def test_artifacts_are_browsed_by_type_name_and_address(world):
    for number in (9, 10):
        world.push(number)
    service = lineage.Service(world.db)

    assert service.titles(10) == ["system.Artifact", "system.Metrics", "system.Model"]
    assert [a.uri for a in service.browse(title="system.Model", limit=10)] == [
        "gs://made/10/model",
        "gs://made/9/model",
    ]
    assert [a.uri for a in service.browse(name="model", uri="gs://made/9/model", limit=10)] == ["gs://made/9/model"]
    newest = service.browse(limit=1)[0]
    assert newest.artifact_id not in {a.artifact_id for a in service.browse(before=newest.artifact_id, limit=99)}
    assert service.browse(name="none", limit=10) == []


def test_an_artifact_says_who_made_it_who_used_it_and_what_is_alike(world):
    made = world.push(9)
    other = world.push(10)

    found = lineage.Service(world.db).uses(str(made.model), 10)

    assert found.makers == []
    assert [(e.task, path) for e, path in found.users] == [("pusher", "model")]
    assert other.model in {a.artifact_id for a in found.same}
    pushed = lineage.Service(world.db).uses(f"{made.pushed}", 10)
    assert [(e.task, path) for e, path in pushed.makers] == [("pusher", "pushed_model")]


def test_lineage_of_what_everybody_used_is_bounded_and_says_so(world):
    service = lineage.Service(world.db)
    model = world.push(9).model

    def use(conn):
        for number in range(500):
            name = f"projects/p/locations/r/pipelineJobs/r{number}/tasks/score"
            properties = {"inputs": {}, "outputs": {}}
            new = lineage.NewExecution(
                type="c",
                name=name,
                state="COMPLETE",
                properties=properties,
                context_id=None,
                inputs=[("model", model)],
            )
            lineage.record_execution(conn, new, now=world.clock.now())

    world.db.write(use)
    found = service.trace(str(model), depth=6, limit=50, is_brief=True)

    assert not found.downstream.is_whole
    assert len(found.downstream.executions) <= 51
    assert max(found.downstream.executions) == 501, "the newest ones are kept"


def test_a_brief_answer_has_the_first_maker_alone(world):
    thing = world.push(9).model

    def import_again(conn):
        for number in range(5):
            name = f"projects/p/locations/r/pipelineJobs/r{number}/tasks/importer"
            properties = {"inputs": {}, "outputs": {}}
            new = lineage.NewExecution(
                type="c",
                name=name,
                state="COMPLETE",
                properties=properties,
                context_id=None,
                outputs=[("artifact", thing)],
                schema_title=lineage.IMPORTER,
            )
            lineage.record_execution(conn, new, now=world.clock.now())

    world.db.write(import_again)
    service = lineage.Service(world.db)

    assert len(service.trace(str(thing), downstream=False).upstream.executions) == 5
    assert len(service.trace(str(thing), downstream=False, is_brief=True).upstream.executions) == 1


def test_lists_of_artifacts_are_found_by_an_index(world):
    plans = []

    def explain(conn, text):
        plans.extend(row[-1] for row in conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}"))

    for where in ("schema_title = 'a'", "name = 'a'", "uri = 'a'", "digest = 'a'"):
        text = f"SELECT * FROM artifacts WHERE {where} ORDER BY id DESC LIMIT 5"
        world.db.read(lambda conn, text=text: explain(conn, text))

    assert len([plan for plan in plans if plan.startswith("SEARCH artifacts USING INDEX")]) == 4
    assert not [plan for plan in plans if "TEMP B-TREE" in plan or plan.startswith("SCAN")]
