"""Models: what was pushed, what is live, and what a rollback leaves."""

import json

import pytest
from receipts import receipts_in
from storage.registry_world import DIRECTORY, FILES, RUN, World

from trainshed import lineage
from trainshed.errors import FailedPrecondition, InvalidArgument, NotFound


@pytest.fixture
def world(db, clock, tmp_path):
    return World(db, clock, tmp_path)


def test_a_version_says_who_pushed_it_and_how_good_it_is(world):
    made = world.push(9, 0.75)

    (version,) = world.service.get(DIRECTORY).versions

    assert (version.version, version.run, version.task) == ("9", f"{RUN}/j9", "pusher")
    assert version.metrics == {"evaluation.accuracy": 0.75, "model.loss": 0.1}
    assert (version.verdict, version.is_blessed) == ("good enough", True)
    assert (version.artifact_id, version.model_id) == (made.pushed, made.model)
    assert version.is_live
    assert version.is_there


def test_the_highest_number_is_live_whatever_the_letters_say(world):
    world.push(9)
    world.push(10)

    model = world.service.get(DIRECTORY)

    assert model.live == "10"
    assert [(v.version, v.is_live) for v in model.versions] == [("10", True), ("9", False)]


def test_models_are_listed_once_each_with_their_newest_version(world):
    for number in (9, 10):
        world.push(number)
    world.push(3, directory="gs://serving/models/penguins/inner")
    world.push(4, directory="gs://serving/other")
    world.push(5, directory="gs://elsewhere/models")

    found, more = world.service.models()
    first, token = world.service.models(limit=2)
    second, end = world.service.models(after=token, limit=2)

    assert [(m.directory, m.live, [v.version for v in m.versions], m.is_known) for m in found] == [
        ("gs://elsewhere/models", "", ["5"], False),
        (DIRECTORY, "10", ["10"], True),
        (f"{DIRECTORY}/inner", "3", ["3"], True),
        ("gs://serving/other", "4", ["4"], True),
    ]
    assert not more
    assert [m.directory for m in (*first, *second)] == [m.directory for m in found]
    assert not end


def test_versions_come_by_page(world):
    for number in range(1, 6):
        world.push(number)

    first = world.service.get(DIRECTORY, limit=3)
    second = world.service.get(DIRECTORY, before=first.next_before, limit=3)

    assert [v.version for v in (*first.versions, *second.versions)] == ["5", "4", "3", "2", "1"]
    assert second.next_before is None


def test_a_rollback_makes_the_same_files_live_under_a_higher_number(world):
    world.push(9, 0.75)
    world.push(10, 0.5)

    made = world.service.rollback(DIRECTORY, "9", author="user", reason="10 is worse")

    assert (made.version, made.kind, made.restores, made.author, made.reason) == (
        "11", "rollback", "9", "user", "10 is worse",
    )  # fmt: skip
    assert world.service.get(DIRECTORY).live == "11"
    assert made.metrics["evaluation.accuracy"] == 0.75
    assert {name: world.content(f"models/penguins/11/{name}") for name in FILES} == {
        name: data + b"9" for name, data in FILES.items()
    }
    assert world.names("models/penguins/10/"), "what was live stays where it is"


def test_a_rollback_moves_the_pointer_with_what_it_says(world):
    world.push(9, 0.75, pointer=True)
    world.push(10, 0.5, pointer=True)

    world.service.rollback(DIRECTORY, "9", author="user")

    said = json.loads(world.content("models/penguins/LATEST.json"))
    assert said == {"version": 11, "destination": f"{DIRECTORY}/11", "metrics": {"accuracy": 0.75}}


def test_a_rollback_leads_back_to_the_model_and_says_why_in_a_receipt(world):
    made = world.push(9)
    world.push(10)

    restored = world.service.rollback(DIRECTORY, "9", author="user", reason="10 is worse")

    above = lineage.Service(world.db).trace(str(restored.artifact_id), downstream=False).upstream
    assert {made.model, made.evaluation, made.pushed} <= set(above.artifacts)
    (receipt,) = world.db.read(receipts_in)
    assert (receipt.state, receipt.kind, receipt.link) == (
        "STARTED",
        "user",
        "models/serving/models/penguins/versions/11",
    )
    assert receipt.reason == "made version 9 live again as 11 because user asked for it: 10 is worse"
    told = world.db.read(lambda conn: conn.exec_driver_sql("SELECT payload FROM outbox").scalars().all())
    assert sum(receipt.receipt_id in entry for entry in told) == len(FILES)


def test_a_rollback_of_a_rollback_is_the_same_model_still(world):
    made = world.push(9)
    world.push(10)
    world.service.rollback(DIRECTORY, "9", author="user")
    world.service.rollback(DIRECTORY, "10", author="user")

    again = world.service.rollback(DIRECTORY, "11", author="user")

    assert (again.version, again.restores, again.model_id) == ("13", "11", made.model)
    assert world.content("models/penguins/13/saved_model.pb") == b"graph9"


def test_the_next_push_is_live_after_a_rollback(world):
    for number in (1795423575, 1795423580):  # a directory that counts in seconds
        world.push(number)
    world.service.rollback(DIRECTORY, "1795423575", author="user")

    world.push(1795423590)

    assert world.service.get(DIRECTORY).live == "1795423590"


def test_what_cannot_be_rolled_back_is_said(world):
    world.push(9)
    world.push(10)
    world.push(5, directory="gs://elsewhere/models")
    for name in world.names("models/penguins/9/"):
        world.db.write(lambda conn, name=name: world.blobs.delete(conn, "serving", name))

    with pytest.raises(FailedPrecondition, match="10 is live already"):
        world.service.rollback(DIRECTORY, "10", author="user")
    with pytest.raises(FailedPrecondition, match="files of version 9 are not at gs://serving/models/penguins/9"):
        world.service.rollback(DIRECTORY, "9", author="user")
    with pytest.raises(FailedPrecondition, match="not at gs://elsewhere/models/5"):
        world.service.rollback("gs://elsewhere/models", "5", author="user")
    with pytest.raises(NotFound, match="has no version '7'"):
        world.service.rollback(DIRECTORY, "7", author="user")
    with pytest.raises(NotFound, match="No model was pushed to 'gs://serving/none'"):
        world.service.get("gs://serving/none")
    with pytest.raises(InvalidArgument, match="reason"):
        world.service.rollback(DIRECTORY, "9", author="user", reason="x" * 1001)
    assert list((world.blobs.root / ".staging").iterdir()) == []


def test_models_and_versions_are_found_by_an_index(world):
    world.push(9)
    plans = []

    def explain(conn, text):
        plans.extend(row[-1] for row in conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}"))

    for text in (
        "SELECT min(destination) FROM pushes WHERE destination >= 'a'",
        "SELECT artifact_id FROM pushes WHERE destination >= 'a' AND destination < 'b' ORDER BY artifact_id + 0 DESC",
        "SELECT max(artifact_id) FROM pushes WHERE destination = 'a'",
    ):
        world.db.read(lambda conn, text=text: explain(conn, text))

    assert plans
    assert not [plan for plan in plans if plan.startswith("SCAN") and "INDEX" not in plan]
    assert sum("ix_pushes_destination" in plan for plan in plans) == 3
