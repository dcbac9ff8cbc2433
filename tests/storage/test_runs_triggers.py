"""Run triggers and run keys: one event, one receipt, one run."""

import importlib.util
import json
import shutil
import sys
from pathlib import Path

import pytest
from receipts import receipts_in

from trainshed import ledger
from trainshed.errors import AlreadyExists, InvalidArgument, NotFound
from trainshed.ledger import Cause, Message
from trainshed.runs import NewRun, Ports, Triggers

_spec = importlib.util.spec_from_file_location("runs_world", Path(__file__).with_name("runs_world.py"))
runs_world = sys.modules.setdefault("runs_world", importlib.util.module_from_spec(_spec))
if not hasattr(runs_world, "World"):
    _spec.loader.exec_module(runs_world)
PARENT = runs_world.PARENT
TOPIC = "projects/local-project/topics/trigger-penguins"
SPEC = runs_world.a_spec(
    {"train": {"params": {"n": ("NUMBER_INTEGER", "@num_epochs"), "rate": ("NUMBER_DOUBLE", "@learning_rate")}}},
    parameters={"num_epochs": {"parameterType": "NUMBER_INTEGER"}, "learning_rate": {"parameterType": "NUMBER_DOUBLE"}},
)


@pytest.fixture
def world(db, clock, tmp_path):
    made = runs_world.World(db, clock, tmp_path)
    made.put("gs://specs/p.json", json.dumps(SPEC).encode())
    made.connected = []
    ports = Ports(
        subscribe=lambda conn, *names: made.connected.append(names),
        unsubscribe=lambda conn, name: made.connected.append(("gone", name)),
        watch=lambda conn, *names: made.connected.append(names),
        unwatch=lambda conn, *names: made.connected.append(("unwatched", *names)),
    )
    made.triggers = Triggers(made.service, ports)
    made.triggers.create("penguins", PARENT, topic=TOPIC, spec_uri="gs://specs/p.json")
    return made


def a_message(world, body, number="1"):
    return Message(
        subscription="projects/local-project/subscriptions/trainshed-trigger-penguins",
        message_id=number,
        topic=TOPIC,
        data=body if isinstance(body, bytes) else json.dumps(body).encode(),
        attributes={},
        publish_time=world.clock.now(),
    )


def an_object(world):
    attributes = {"eventType": "OBJECT_FINALIZE", "bucketId": "incoming", "objectId": "x.csv", "objectGeneration": "7"}
    return Message(**{**vars(a_message(world, b"{}")), "attributes": attributes})


def receipts(world):
    return world.db.read(receipts_in)


GOOD = {"num_epochs": "3", "learning_rate": "1e-2"}


def test_s43_a_message_starts_a_run_with_its_parameters(world):
    assert world.triggers.deliver("penguins", a_message(world, GOOD))

    (run,), _ = world.service.list()
    assert run.parameters == {"num_epochs": 3, "learning_rate": 0.01}
    (receipt,) = receipts(world)
    assert (receipt.state, receipt.link, receipt.kind) == ("STARTED", run.name, "message")


def test_a_spec_that_was_put_in_its_place_by_hand_is_read_as_it_is(world):
    file = world.service.blobs.root / "specs" / "p.json"
    file.write_text(json.dumps({**SPEC, "pipelineInfo": {"name": "by-hand"}}))

    assert world.triggers.deliver("penguins", a_message(world, GOOD))

    (run,), _ = world.service.list()
    assert run.pipeline == "by-hand"


def test_a_spec_whose_file_was_copied_with_its_home_is_read(world, tmp_path):
    file = world.service.blobs.root / "specs" / "p.json"
    copied = shutil.copy2(file, tmp_path / "copied")
    copied.replace(file)

    assert world.triggers.deliver("penguins", a_message(world, GOOD))

    assert len(world.service.list()[0]) == 1


def test_the_same_message_five_times_is_one_run_and_one_receipt_with_five_deliveries(world):
    for _ in range(5):
        assert world.triggers.deliver("penguins", a_message(world, GOOD))

    assert len(world.service.list()[0]) == 1
    (receipt,) = receipts(world)
    found = world.db.read(lambda conn: ledger.deliveries(conn, receipt.receipt_id))
    assert [d.outcome for d in found] == ["started", "joined", "joined", "joined", "joined"]


def test_two_messages_with_the_same_body_are_two_runs(world):
    world.triggers.deliver("penguins", a_message(world, GOOD, "1"))
    world.triggers.deliver("penguins", a_message(world, GOOD, "2"))

    assert len(world.service.list()[0]) == 2


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"{not json", "the body is not JSON"),
        (b"\xff\xfe", "not UTF-8"),
        (json.dumps(json.dumps(GOOD)).encode(), "encoded twice"),
        (b"[1]", "a JSON object of parameters belongs there"),
        (b'{"num_epochs": NaN, "learning_rate": 1}', "NaN is not a JSON number"),
        ({"num_epochs": "many", "learning_rate": 1}, "parameters.num_epochs: 'many' is not an integer"),
        ({"num_epoch": 3, "learning_rate": 1}, "did you mean 'num_epochs'?"),
        ({"num_epochs": 3}, "parameters.learning_rate: the pipeline needs this parameter (a number) and it is missing"),
        (b"", "is missing"),
    ],
)
def test_s49_s50_a_message_that_cannot_be_meant_is_refused_with_one_sentence(world, body, reason):
    assert world.triggers.deliver("penguins", a_message(world, body))

    assert world.service.list()[0] == []
    (receipt,) = receipts(world)
    assert receipt.state == "REFUSED"
    assert reason in receipt.reason


def test_a_missing_template_is_refused_and_its_replay_starts_the_run(world):
    world.triggers.create("other", PARENT, topic=TOPIC, spec_uri="gs://specs/later.json")
    assert world.triggers.deliver("other", a_message(world, GOOD))
    (receipt,) = receipts(world)
    assert (receipt.state, "does not exist; upload it" in receipt.reason) == ("REFUSED", True)

    world.put("gs://specs/later.json", json.dumps(SPEC).encode())
    world.triggers.deliver("other", a_message(world, GOOD))

    (receipt,) = receipts(world)
    assert receipt.state == "STARTED"


def test_a_failing_store_leaves_the_message_to_come_again(world, monkeypatch):
    from trainshed.errors import Unavailable

    def fail(*arguments, **more):
        raise Unavailable("The database did not take the change; try again.")

    with monkeypatch.context() as patched:
        patched.setattr(world.service, "create_in", fail)
        assert not world.triggers.deliver("penguins", a_message(world, GOOD))
    assert [r.state for r in receipts(world)] == ["FAILED"]

    assert world.triggers.deliver("penguins", a_message(world, GOOD))
    assert [r.state for r in receipts(world)] == ["STARTED"]


def test_s35_a_new_object_starts_a_run_that_is_told_its_name(world):
    spec = runs_world.a_spec(
        {"a": {"params": {"u": "@object_uri"}}}, parameters={"object_uri": {"parameterType": "STRING"}}
    )
    world.put("gs://specs/data.json", json.dumps(spec).encode())
    world.triggers.create("data", PARENT, bucket="gs://incoming", spec_uri="gs://specs/data.json")
    made = an_object(world)

    assert world.triggers.deliver("data", made)
    assert world.triggers.deliver(
        "data", Message(**{**vars(made), "message_id": "2", "attributes": {"eventType": "OBJECT_DELETE"}})
    )

    (run,), _ = world.service.list()
    assert run.parameters == {"object_uri": "gs://incoming/x.csv"}
    assert [r.kind for r in receipts(world)] == ["object"]


def test_a_needless_run_says_skipped_in_its_receipt(world):
    world.triggers.deliver("penguins", a_message(world, GOOD, "1"))
    (first,), _ = world.service.list()
    world.finish(first)

    world.clock.advance(1)
    world.triggers.deliver("penguins", a_message(world, GOOD, "2"))
    again = world.finish(world.service.list()[0][0])

    assert again.is_needless
    newest = receipts(world)[0]
    assert (newest.state, newest.reason, newest.link) == ("SKIPPED", "nothing changed: 1 task reused", again.name)


def test_a_function_may_make_equal_requests_and_its_redelivery_joins_each(world):
    cause = Cause(key="projects/p/subscriptions/f#1", kind="message")

    def invocation():
        counts = iter(range(10))
        return [world.create(SPEC, cause, parameters=GOOD, ordinal_of=lambda _: next(counts)).name for _ in range(2)]

    first, redelivered = invocation(), invocation()

    assert len(set(first)) == 2
    assert redelivered == first


def test_a_job_id_is_taken_once(world):
    world.create(SPEC, parameters=GOOD, job_id="mine")

    with pytest.raises(AlreadyExists, match="'mine' exists already"):
        world.create(SPEC, parameters=GOOD, job_id="mine")
    with pytest.raises(InvalidArgument, match="lower-case letters"):
        world.create(SPEC, parameters=GOOD, job_id="Mine!")


def test_a_deleted_trigger_lets_go_of_its_topic(world):
    world.triggers.delete("penguins")

    assert world.connected[-1] == ("gone", "projects/local-project/subscriptions/trainshed-trigger-penguins")
    assert world.triggers.list() == []
    assert world.triggers.deliver("penguins", a_message(world, GOOD))


def test_a_trigger_is_changed_in_its_place(world):
    bucket = world.triggers.create("of-data", PARENT, bucket="gs://prices", spec_uri="gs://specs/p.json")
    world.put("gs://specs/q.json", json.dumps({**SPEC, "pipelineInfo": {"name": "other"}}).encode())
    before = len(world.connected)

    world.triggers.change("penguins", spec_uri="gs://specs/q.json")
    assert len(world.connected) == before, "what starts it is as it was"
    world.triggers.deliver("penguins", a_message(world, GOOD))
    assert [run.pipeline for run in world.service.list()[0]] == ["other"]

    moved = world.triggers.change("of-data", topic=TOPIC)
    assert (moved.topic, moved.bucket, moved.spec_uri) == (TOPIC, "", "gs://specs/p.json")
    assert moved == world.triggers.get("of-data")
    assert world.connected[before:] == [
        ("gone", bucket.subscription),
        ("unwatched", "prices", bucket.topic),
        (bucket.subscription, TOPIC, "run-trigger:of-data"),
    ]
    with pytest.raises(NotFound, match="'none'"):
        world.triggers.change("none", spec_uri="gs://specs/q.json")


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({"name": "a/b"}, "name"),
        ({"name": ""}, "name"),
        ({"name": "penguins"}, "name"),
        ({"topic": ""}, "topic"),
        ({"bucket": "prices"}, "topic"),
        ({"topic": "", "bucket": "NO BUCKET"}, "bucket"),
        ({"topic": "prices"}, "topic"),
        ({"spec_uri": "p.json"}, "spec"),
        ({"spec_uri": "gs://specs"}, "spec"),
    ],
)
def test_what_is_wrong_with_a_trigger_is_said_of_its_field(world, wanted, field):
    given = {"name": "new", "topic": TOPIC, "spec_uri": "gs://specs/p.json", **wanted}

    with pytest.raises((InvalidArgument, AlreadyExists)) as caught:
        world.triggers.create(given.pop("name"), PARENT, **given)

    assert [violation.field for violation in caught.value.violations] == [field]


@pytest.mark.parametrize(("name", "says"), [("", "name: is needed: "), ("a b", "name: 'a b' is not a name: letters")])
def test_a_name_that_is_none_is_shown(world, name, says):
    with pytest.raises(InvalidArgument, match=says):
        world.triggers.create(name, PARENT, topic=TOPIC, spec_uri="gs://specs/p.json")


def test_a_trigger_says_why_what_it_starts_cannot_be_read(world):
    lost = world.triggers.create("lost", PARENT, topic=TOPIC, spec_uri="gs://specs/gone.json")

    assert "gs://specs/gone.json" in world.triggers.problem(lost)
    assert world.triggers.problem(world.triggers.get("penguins")) == ""


def test_a_trigger_says_what_gives_each_parameter_its_value_and_which_has_none(world):
    spec = runs_world.a_spec(
        {"train": {"params": {"n": ("NUMBER_INTEGER", "@epochs"), "uri": ("STRING", "@object_uri")}}},
        parameters={
            "epochs": {"parameterType": "NUMBER_INTEGER"},
            "object_uri": {"parameterType": "STRING"},
            "rate": {"parameterType": "NUMBER_DOUBLE", "defaultValue": 0.5},
        },
    )
    world.put("gs://specs/of-data.json", json.dumps(spec).encode())
    objects = world.triggers.create("of-data", PARENT, bucket="prices", spec_uri="gs://specs/of-data.json")
    messages = world.triggers.create("of-words", PARENT, topic=TOPIC, spec_uri="gs://specs/of-data.json")

    def given(trigger):
        return {taken.name: (taken.by, taken.value) for taken in world.triggers.takes(trigger)}

    assert given(objects) == {"epochs": ("", None), "object_uri": ("the object", None), "rate": ("the pipeline", 0.5)}
    assert given(messages) == {
        "epochs": ("the message", None),
        "object_uri": ("the message", None),
        "rate": ("the message, or the pipeline", 0.5),
    }
    assert "No object gives the pipeline its parameter epochs" in world.triggers.problem(objects)
    assert world.triggers.problem(messages) == ""


def test_values_that_a_pipeline_job_keeps_are_those_of_every_run_that_a_trigger_starts(world):
    """The document that Vertex AI's SDK writes holds a spec and values for it: for new data, which gives none."""
    job = {"pipelineSpec": SPEC, "runtimeConfig": {"parameterValues": {"num_epochs": 7, "learning_rate": 0.5}}}
    world.put("gs://specs/job.json", json.dumps(job).encode())
    by_data = world.triggers.create("by-data", PARENT, bucket="prices", spec_uri="gs://specs/job.json")
    by_words = world.triggers.create("by-words", PARENT, topic=TOPIC, spec_uri="gs://specs/job.json")

    assert world.triggers.deliver("by-data", an_object(world))
    assert world.triggers.deliver("by-words", a_message(world, {"num_epochs": 3}, number="2"))

    assert world.triggers.problem(by_data) == ""
    assert {(taken.by, taken.value) for taken in world.triggers.takes(by_data)} == {
        ("the pipeline", 7),
        ("the pipeline", 0.5),
    }
    assert {taken.by for taken in world.triggers.takes(by_words)} == {"the message, or the pipeline"}
    found = {run.parameters["num_epochs"]: run.parameters["learning_rate"] for run in world.service.list()[0]}
    assert found == {7: 0.5, 3: 0.5}


def test_fixed_values_are_those_of_every_run_and_what_an_event_gives_is_stronger(world):
    job = {"pipelineSpec": SPEC, "runtimeConfig": {"parameterValues": {"num_epochs": 7, "learning_rate": 0.5}}}
    world.put("gs://specs/job.json", json.dumps(job).encode())
    starts = {"spec_uri": "gs://specs/job.json", "parameters": {"num_epochs": "5"}}
    by_data = world.triggers.create("by-data", PARENT, bucket="prices", **starts)
    by_words = world.triggers.create("by-words", PARENT, topic=TOPIC, **starts)

    assert world.triggers.deliver("by-data", an_object(world))
    assert world.triggers.deliver("by-words", a_message(world, {"learning_rate": 0.25}, number="2"))
    assert world.triggers.deliver("by-words", a_message(world, {"num_epochs": 3}, number="3"))

    assert sorted(tuple(run.parameters.values()) for run in world.service.list()[0]) == [(3, 0.5), (5, 0.25), (5, 0.5)]
    taken = {t.name: (t.by, t.fixed, t.value) for t in world.triggers.takes(by_data)}
    assert taken == {"num_epochs": ("the trigger", 5, 7), "learning_rate": ("the pipeline", None, 0.5)}
    assert {t.name: t.by for t in world.triggers.takes(by_words)} == {
        "num_epochs": "the message, or the trigger",
        "learning_rate": "the message, or the pipeline",
    }


def test_a_fixed_value_gives_new_data_what_it_lacks(world):
    made = world.triggers.create("of-data", PARENT, bucket="prices", spec_uri="gs://specs/p.json")
    assert "triggers update of-data --parameter num_epochs=" in world.triggers.problem(made)

    changed = world.triggers.change("of-data", parameters=GOOD)

    assert world.triggers.problem(changed) == ""
    assert world.triggers.get("of-data").parameters == GOOD, "as they were given"
    assert world.triggers.change("of-data", spec_uri="gs://specs/p.json").parameters == GOOD, "what is not said stays"
    assert world.triggers.change("of-data", parameters={}).parameters == {}


@pytest.mark.parametrize(
    ("source", "parameters", "field", "words"),
    [
        ({"topic": TOPIC}, {"num_epochs": "many"}, "parameters.num_epochs", "'many' is not an integer"),
        ({"topic": TOPIC}, {"num_epoch": 3}, "parameters.num_epoch", "did you mean 'num_epochs'"),
        ({"topic": TOPIC}, {"num_epochs": None}, "parameters.num_epochs", "leave the parameter out instead"),
        ({"bucket": "prices"}, {"object_uri": "gs://a/b"}, "parameters.object_uri", "every new object gives itself"),
    ],
)
def test_a_fixed_value_that_can_never_count_is_refused_when_it_is_given(world, source, parameters, field, words):
    before = world.triggers.get("penguins")

    with pytest.raises(InvalidArgument, match=words) as made:
        world.triggers.create("new", PARENT, spec_uri="gs://specs/p.json", parameters=parameters, **source)
    with pytest.raises(InvalidArgument, match=words) as changed:
        world.triggers.change("penguins", parameters=parameters, **source)

    for raised in (made, changed):
        assert [violation.field for violation in raised.value.violations] == [field]
    assert world.triggers.list() == [before]


def test_a_fixed_value_that_a_newer_pipeline_does_not_take_is_said_by_the_trigger_and_in_the_receipt(world):
    world.triggers.change("penguins", parameters={"num_epochs": 5})
    renamed = runs_world.a_spec(
        {"a": {"params": {"n": "@epochs"}}}, parameters={"epochs": {"parameterType": "NUMBER_INTEGER"}}
    )
    world.put("gs://specs/p.json", json.dumps(renamed).encode())

    assert world.triggers.deliver("penguins", a_message(world, {"epochs": 3}))

    assert world.service.list()[0] == []
    (receipt,) = receipts(world)
    assert receipt.state == "REFUSED"
    assert receipt.reason == world.triggers.problem(world.triggers.get("penguins"))
    assert "trainshed pipelines triggers update penguins --parameter" in receipt.reason
    assert "parameters.num_epochs: the pipeline has no such parameter; did you mean 'epochs'?" in receipt.reason


def test_fixed_values_may_be_there_before_what_they_are_for(world):
    made = world.triggers.create("early", PARENT, topic=TOPIC, spec_uri="gs://specs/later.json", parameters={"n": 1})

    assert "gs://specs/later.json" in world.triggers.problem(made)
    world.put("gs://specs/later.json", json.dumps(SPEC).encode())
    assert "parameters.n: the pipeline has no such parameter" in world.triggers.problem(made)


def test_a_request_that_names_its_compiled_pipeline_by_address_runs_what_lies_there(world):
    run = world.service.create(NewRun(parent=PARENT, spec={}, template_uri="gs://specs/p.json", parameters=GOOD))

    assert run.parameters == {"num_epochs": 3, "learning_rate": 0.01}
    with pytest.raises(InvalidArgument, match="templateUri: there is no object gs://specs/gone.json"):
        world.service.create(NewRun(parent=PARENT, spec={}, template_uri="gs://specs/gone.json"))


def test_a_run_that_a_build_asks_for_stands_under_what_started_the_build(world):
    trigger = "projects/p/locations/r/triggers/on-push"
    cause = Cause(key="build-1", kind="build", time=world.clock.now(), trigger=trigger)
    run = world.service.create(NewRun(parent=PARENT, spec=SPEC, parameters=GOOD), cause)

    assert (run.trigger, run.cause_kind, run.receipt_id) == (trigger, "build", "")


def test_a_disabled_trigger_starts_nothing_and_says_so_until_it_is_enabled(world):
    assert world.triggers.switch("penguins", is_disabled=True).is_disabled
    assert world.triggers.deliver("penguins", a_message(world, GOOD))

    assert world.service.list()[0] == []
    (receipt,) = receipts(world)
    assert receipt.state == "SKIPPED"
    assert receipt.reason.startswith("the run trigger penguins is disabled; enable it")
    (delivery,) = world.db.read(lambda conn: ledger.deliveries(conn, receipt.receipt_id))
    assert delivery.outcome == "skipped"

    world.triggers.switch("penguins", is_disabled=False)
    assert world.triggers.deliver("penguins", a_message(world, GOOD))  # a replay

    (run,), _ = world.service.list()
    (receipt,) = receipts(world)
    assert (receipt.state, receipt.link) == ("STARTED", run.name)
    with pytest.raises(NotFound):
        world.triggers.switch("nobody", is_disabled=True)
