"""Where artifacts come from and what came of them, on a store of its own."""

import time
from collections import defaultdict
from itertools import pairwise

import pytest

from trainshed import lineage
from trainshed.errors import InvalidArgument, NotFound
from trainshed.lineage import store_graph

RUN = "projects/p/locations/r/pipelineJobs"
MODEL = {"schemaTitle": "system.Model", "schemaVersion": "0.0.1"}


class World:
    """Lineage as the engine would write it."""

    def __init__(self, db, clock):
        self.db = db
        self.clock = clock
        self.service = lineage.Service(db)

    def run(self, job="j1", pipeline="penguins"):
        def write(conn):
            parent = lineage.ensure_context(conn, "system.Pipeline", pipeline, now=self.clock.now())
            name = f"{RUN}/{job}"
            return lineage.ensure_context(conn, "system.PipelineRun", name, now=self.clock.now(), parent_id=parent)

        return self.db.write(write)

    def thing(self, uri="", digest="", kind=MODEL, **more):
        self.clock.advance(1)
        given = {"type": kind, "uri": uri, "digest": digest, "metadata": more.pop("metadata", {}), **more}
        return self.db.write(lambda conn: lineage.add_artifact(conn, now=self.clock.now(), **given))

    def task(self, task="train", reads=(), makes=(), state="COMPLETE", context=None, job="j1", **more):
        self.clock.advance(1)
        given = {
            "type": f"comp-{task}",
            "name": f"{RUN}/{job}/tasks/{task}",
            "state": state,
            "context_id": self.run(job) if context is None else context,
            "properties": {"inputs": more.pop("parameters", {}), "outputs": {}},
            "inputs": [("in", i) for i in reads],
            "outputs": [("out", i) for i in makes],
        }
        return self.db.write(
            lambda conn: lineage.record_execution(conn, lineage.NewExecution(**given, **more), now=self.clock.now())
        )

    def above(self, of, **more):
        return self._look(of, "upstream", **more)

    def below(self, of, **more):
        return self._look(of, "downstream", **more)

    def _look(self, of, direction, **more):
        trace = self.service.trace(str(of), **more)
        found = getattr(trace, direction)
        following = defaultdict(set)
        for edge in lineage.edges(found):
            near, far = (edge.target, edge.source) if direction == "upstream" else (edge.source, edge.target)
            following[near].add(far)
        nodes = [*(f"artifacts/{i}" for i in trace.subject.results)] if direction == "upstream" else []
        level = nodes or [
            *(f"artifacts/{i}" for i in trace.subject.sources),
            *(f"executions/{i}" for i in trace.subject.source_executions),
            *(f"executions/{i}" for i in trace.subject.result_executions),
        ]
        reached = set(level)
        while level:
            level = {far for node in level for far in following[node]} - reached
            reached |= level
        return reached


@pytest.fixture
def world(db, clock):
    return World(db, clock)


def test_an_artifact_leads_to_what_made_it_and_to_what_that_was_made_from(world):
    raw, data, model, report = (world.thing() for _ in range(4))
    load = world.task("load", makes=[raw])
    clean = world.task("clean", reads=[raw], makes=[data])
    train = world.task("train", reads=[data], makes=[model])
    check = world.task("check", reads=[model, data], makes=[report])

    assert world.above(model) == {
        *(f"artifacts/{i}" for i in (raw, data, model)),
        *(f"executions/{i}" for i in (load, clean, train)),
    }
    assert world.below(data) == {
        *(f"artifacts/{i}" for i in (data, model, report)),
        *(f"executions/{i}" for i in (train, check)),
    }


def test_an_execution_says_with_which_code_parameters_and_environment(world):
    code = lineage.code_of({"container": {"image": "python:3.11", "command": ["train"]}})
    model = world.thing()
    world.task("train", makes=[model], parameters={"epochs": 3}, code=code)

    (execution,) = world.service.trace(str(model)).upstream.executions.values()

    assert execution.code == code
    assert execution.properties["inputs"] == {"epochs": 3}
    assert (execution.run, execution.task) == (f"{RUN}/j1", "train")


def test_depth_counts_tasks(world):
    things = [world.thing() for _ in range(5)]
    tasks = [world.task(f"t{i}", reads=[a], makes=[b]) for i, (a, b) in enumerate(pairwise(things))]

    assert world.above(things[-1], depth=0) == {f"artifacts/{things[-1]}"}
    assert world.above(things[-1], depth=1) == {
        *(f"artifacts/{i}" for i in things[-2:]), f"executions/{tasks[-1]}",
    }  # fmt: skip
    assert len(world.below(things[0], depth=3)) == 7


def test_a_negative_depth_is_refused_by_name(world):
    with pytest.raises(InvalidArgument, match="depth: -1 is negative"):
        world.service.trace(str(world.thing()), depth=-1)


def test_failed_readers_are_derived_from_what_they_read(world):
    data = world.thing()
    failed = world.task("train", reads=[data], state="FAILED")

    assert f"executions/{failed}" in world.below(data)


def test_what_the_cache_gave_was_made_by_the_original(world):
    data, again, model = world.thing(), world.thing(), world.thing()
    original = world.task("train", reads=[data], makes=[model])
    reused = world.task("train", reads=[again], makes=[model], state="CACHED", job="j2", cached_from=original)

    trace = world.service.trace(str(model))

    assert world.above(model) == {f"artifacts/{model}", f"executions/{original}", f"artifacts/{data}"}
    assert trace.reuses == {model: 1}
    assert f"artifacts/{model}" in world.below(again)
    assert world.service.execution(str(reused)).cached_from == original


def test_data_read_by_its_address_is_an_input(world):
    model = world.thing()
    task = world.task(
        "train",
        makes=[model],
        parameters={"data_path": "gs://b/d/"},
        data={"data_path": [["d/x.csv", 17, "crc"], ["d/y.csv", 18, "crc"]]},
    )

    for address in ("gs://b/d", "gs://b/d/x.csv", "gs://b", "gs://b/d/x.csv#17"):
        assert f"artifacts/{model}" in world.below(address), address
    for address in ("gs://b/d/x.csv#16", "gs://b/other"):
        with pytest.raises(NotFound, match="No task has read or made anything at"):
            world.service.trace(address)
    edges = list(lineage.edges(world.service.trace(str(model)).upstream))
    assert lineage.Edge(source="data/gs://b/d", target=f"executions/{task}", kind="data", name="data_path") in edges


def test_of_a_large_folder_the_first_objects_are_kept_with_their_number(world):
    objects = [[f"d/{n:04}", n, "crc"] for n in range(5000)]
    task = world.task("train", parameters={"path": "gs://b/d"}, data={"path": objects})

    properties = world.service.execution(str(task)).properties
    assert (properties["data"]["path"][0], len(properties["data"]["path"])) == (["d/0000", 0, "crc"], 100)
    assert properties["data_counts"] == {"path": 5000}
    assert world.below("gs://b/d/0007#7")
    assert world.below("gs://b/d/4999#4999")  # not listed, so it may be
    with pytest.raises(NotFound):
        world.service.trace("gs://b/d/0007#8")


def test_a_bucket_with_a_similar_name_is_another_one(world):
    world.task("train", parameters={"data": "gs://bucket/x"}, data={"data": [["x", 1, ""]]})

    assert world.below("gs://bucket/")
    for other in ("gs://bucket2/x", "gs://bucke", "gs://bucket/x2"):
        with pytest.raises(NotFound):
            world.service.trace(other)


@pytest.mark.parametrize(
    "address", ["gs://b/out/model", "gs://b/out/model/", "gs://b/out/model/weights.bin", "gs://b/out"]
)
def test_an_artifact_read_by_its_address_is_followed_in_both_directions(world, address):
    model, score = world.thing("gs://b/out/model", digest="m"), world.thing()
    train = world.task("train", makes=[model])
    serve = world.task("serve", makes=[score], job="j2", parameters={"path": address}, data={"path": [["out", 1, ""]]})

    assert f"executions/{train}" in world.above(score)
    assert {f"executions/{serve}", f"artifacts/{score}"} <= world.below(model)


def test_an_address_means_what_lay_there_at_that_time(world):
    old = world.thing("gs://b/latest", digest="old")
    first = world.task("first", parameters={"path": "gs://b/latest"}, data={"path": [["latest", 1, ""]]})
    new = world.thing("gs://b/latest", digest="new")
    second = world.task("second", parameters={"path": "gs://b/latest"}, data={"path": [["latest", 2, ""]]})

    assert world.below(old) == {f"artifacts/{old}", f"executions/{first}"}
    assert world.below(new) == {f"artifacts/{new}", f"executions/{second}"}


def test_the_maker_of_an_artifact_is_the_task_and_not_the_import(world):
    made = world.thing("gs://b/m", digest="d")
    train = world.task("train", makes=[made])
    imported = world.thing("gs://b/m", digest="d", metadata={"imported": "yes"})
    world.task("importer", makes=[imported], schema_title=lineage.IMPORTER, job="j2")
    world.task("train", makes=[made], state="CACHED", job="j2")

    for of in (str(made), str(imported), "j1/tasks/train", f"executions/{train}"):
        assert world.service.maker(of).execution_id == train, of
    with pytest.raises(InvalidArgument, match="of: 'j2' names several tasks"):
        world.service.maker("j2")
    with pytest.raises(NotFound, match="No task is recorded that made"):
        world.service.maker(str(world.thing()))


def test_an_import_of_what_a_task_made_leads_to_that_task(world):
    made = world.thing("gs://b/m", digest="d")
    train = world.task("train", makes=[made])
    imported = world.thing("gs://b/m", digest="d", metadata={"imported": "yes"})
    world.task("importer", makes=[imported], schema_title=lineage.IMPORTER, data={"gs://b/m": [["m", 5, ""]]}, job="j2")
    user = world.task("use", reads=[imported], job="j2")

    assert f"executions/{train}" in world.above(imported)
    assert f"executions/{user}" in world.below(made)
    assert f"executions/{user}" in world.below("gs://b/m#5")
    assert f"executions/{train}" not in world.below("gs://b/m")


def test_other_content_at_the_same_address_is_something_else(world):
    made = world.thing("gs://b/m", digest="d")
    train = world.task("train", makes=[made])
    other = world.thing("gs://b/m", digest="e")

    assert f"executions/{train}" not in world.above(other)


def test_the_same_content_elsewhere_is_named(world):
    first, second = world.thing("gs://b/1", digest="d"), world.thing("gs://b/2", digest="d")

    assert world.service.trace(str(second)).same == {"d": [first, second]}
    assert world.above(second) == {f"artifacts/{second}"}


def test_a_run_comes_from_what_it_read_and_leads_to_what_was_made_of_it(world):
    data, model, report, later = (world.thing() for _ in range(4))
    world.task("load", makes=[data], job="j0")
    train = world.task("train", reads=[data], makes=[model])
    check = world.task("check", reads=[model], makes=[report])
    use = world.task("use", reads=[model], makes=[later], job="j2")

    trace = world.service.trace("j1")

    assert trace.subject.kind == "run"
    assert trace.subject.name == f"{RUN}/j1"
    assert trace.subject.results == (report,)
    assert {f"executions/{train}", f"executions/{check}", f"artifacts/{data}"} <= world.above("j1")
    assert {f"executions/{use}", f"artifacts/{later}"} <= world.below(f"{RUN}/j1")
    assert not {f"executions/{train}", f"executions/{check}"} & world.below("j1")


def test_a_task_of_a_run_can_be_asked_for(world):
    data, model = world.thing(), world.thing()
    train = world.task("inner.train", reads=[data], makes=[model])

    assert world.above("j1/tasks/inner.train") == {f"executions/{train}", f"artifacts/{data}"}
    assert world.below(f"executions/{train}") == {f"executions/{train}", f"artifacts/{model}"}
    with pytest.raises(NotFound, match="No execution is recorded of 'j1/tasks/other'"):
        world.service.trace("j1/tasks/other")


@pytest.mark.parametrize("of", ["17", "nothing", "gs://b/none", "executions/4", "projects/p/artifacts/9", "", "é"])
def test_what_is_not_there_is_named_with_what_can_be_given(world, of):
    with pytest.raises(NotFound, match="There is no|No task has read"):
        world.service.trace(of)


def test_a_cycle_written_by_hand_ends(world):
    one, two = world.thing(), world.thing()
    world.task("a", reads=[one], makes=[two])
    world.task("b", reads=[two], makes=[one])

    assert len(world.above(one)) == 4
    assert len(world.below(one)) == 4


def test_an_answer_over_the_limit_says_so(world):
    data = world.thing()
    for n in range(30):
        world.task(f"t{n}", reads=[data])

    assert not world.service.trace(str(data), limit=20).downstream.is_whole
    assert world.service.trace(str(data), limit=31).downstream.is_whole


def test_a_run_is_recorded_when_it_starts_and_again_when_it_ends(world):
    context = world.run()

    def record(**more):
        given = {"name": f"{RUN}/j1", "context_id": context, "now": world.clock.now(), **more}
        return world.db.write(lambda conn: lineage.record_run(conn, **given))

    first = record(state="RUNNING", pipeline="penguins", parameters={"epochs": 3})
    again = record(state="COMPLETE", outputs={"score": 0.9})

    found = world.service.execution(str(first))
    assert first == again
    assert (found.schema_title, found.last_known_state, found.type) == ("system.Run", "COMPLETE", "penguins")
    assert found.properties == {"inputs": {"epochs": 3}, "outputs": {"score": 0.9}}
    assert world.db.read(lambda conn: lineage.executions_of_context(conn, context)) == []


def a_graph(world, shape, count):
    """Write `count` executions in few transactions: a chain, or a fan out and in again."""
    context = world.run()

    def write(conn):
        def thing():
            given = {"type": MODEL, "uri": "", "metadata": {}, "digest": "", "now": world.clock.now()}
            return lineage.add_artifact(conn, **given)

        def task(reads, makes):
            given = {"type": "c", "name": f"{RUN}/j1/tasks/t", "state": "COMPLETE", "properties": {"inputs": {}}}
            edges = {"inputs": [("i", a) for a in reads], "outputs": [("o", a) for a in makes]}
            new = lineage.NewExecution(context_id=context, **given, **edges)
            lineage.record_execution(conn, new, now=world.clock.now())

        first = current = thing()
        made = []
        for _ in range(count):
            following = thing()
            task([current if shape == "chain" else first], [following])
            current = following
            made.append(following)
        if shape == "fan":
            current = thing()
            task(made, [current])
        return first, current

    return world.db.write(write)


def count_queries(db, monkeypatch, ask):
    found = []
    original = store_graph.Connection.execute

    def counting(self, *args, **more):
        found.append(args[0])
        return original(self, *args, **more)

    monkeypatch.setattr(store_graph.Connection, "execute", counting)
    ask()
    monkeypatch.undo()
    return len(found)


def test_a_fan_takes_as_few_queries_wide_as_narrow(world, monkeypatch):
    _, last = a_graph(world, "fan", 5)
    narrow = count_queries(world.db, monkeypatch, lambda: world.service.trace(str(last)))
    _, last = a_graph(world, "fan", 500)
    wide = count_queries(world.db, monkeypatch, lambda: world.service.trace(str(last)))

    assert wide <= narrow + 2


@pytest.mark.parametrize(("shape", "count"), [("chain", 1000), ("fan", 5000)])
def test_large_graphs_are_read_whole(world, shape, count):
    first, last = a_graph(world, shape, count)

    start = time.process_time()
    above = world.service.trace(str(last), downstream=False).upstream
    below = world.service.trace(str(first), upstream=False).downstream

    assert above.is_whole
    assert set(above.executions) == set(below.executions)
    assert len(above.artifacts) == count + (2 if shape == "fan" else 1)
    assert time.process_time() - start < 60  # seconds; a guard against what grows with the square


def test_a_number_that_no_artifact_can_have_is_not_found(db):
    with pytest.raises(NotFound, match="no artifact 99999999999999999999"):
        db.read(lambda conn: lineage.get_artifact(conn, 99999999999999999999))


def test_brief_answer_about_what_everybody_reads_begins_with_the_newest(world):
    folder = "gs://bucket/data"
    made = [world.thing(f"{folder}/{number}") for number in range(40)]
    readers = [world.task(f"read-{number}", parameters={"root": folder}, data={"root": []}) for number in range(40)]

    trace = world.service.trace(folder, limit=30, is_brief=True)

    assert list(trace.subject.results) == made[-10:]
    assert list(trace.subject.source_executions) == readers[-10:]
    assert not trace.downstream.is_whole
    assert not trace.upstream.is_whole
    assert max(len(part.artifacts) + len(part.executions) for part in (trace.upstream, trace.downstream)) <= 31


def test_generation_is_found_however_many_read_another_one(world, monkeypatch):
    monkeypatch.setattr("trainshed.lineage.subjects._READERS", 3)
    uri = "gs://bucket/data.csv"
    generations = []
    readers = []
    for number in range(3):
        world.clock.advance(60)
        generations.append(int(world.clock.now().timestamp() * 1_000_000))
        read = {"parameters": {"root": uri}, "data": {"root": [["data.csv", generations[-1], ""]]}}
        readers.append([world.task(f"read-{number}-{turn}", **read) for turn in range(3)])

    found = world.service.trace(f"{uri}#{generations[1]}", limit=9, is_brief=True)

    assert list(found.subject.source_executions) == readers[1]
