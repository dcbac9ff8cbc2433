"""What somebody records through the API instead of the engine."""

import pytest

from trainshed import lineage
from trainshed.errors import AlreadyExists, FailedPrecondition, InvalidArgument, NotFound
from trainshed.lineage import Draft


@pytest.fixture
def author(db, clock):
    return lineage.Author(db, clock)


@pytest.fixture
def service(db):
    return lineage.Service(db)


def a_model(resource_id="m", **more):
    return Draft(resource_id=resource_id, schema_title="system.Model", **more)


def test_an_artifact_is_found_under_the_id_that_was_chosen(author, service):
    made = author.create_artifact(
        a_model(uri="gs://b/m", metadata={"a": 1}, display_name="M", description="d", state="LIVE")
    )

    found = service.artifact("m")
    assert found == made
    assert (found.uri, found.metadata, found.name, found.schema_title) == ("gs://b/m", {"a": 1}, "M", "system.Model")
    assert found.notes == {"description": "d"}


def test_without_an_id_the_server_chooses(author, service):
    made = author.create_artifact(a_model(""))

    assert service.artifact(lineage.public_id(made)) == made


@pytest.mark.parametrize(
    ("chosen", "said"), [("17", "only digits"), ("x" * 129, "longer"), ("a b", "space"), ("a/b", "slash")]
)
def test_an_id_that_cannot_be_is_refused_by_name(author, chosen, said):
    for create, field in (
        (author.create_artifact, "artifact_id"), (author.create_execution, "execution_id"), (author.create_context, "context_id"),
    ):  # fmt: skip
        with pytest.raises(InvalidArgument, match=f"{field}: .*{said}"):
            create(a_model(chosen))


def test_an_id_is_given_once(author):
    author.create_artifact(a_model())
    author.create_context(a_model())

    with pytest.raises(AlreadyExists, match="There is an artifact 'm' already"):
        author.create_artifact(a_model())
    with pytest.raises(AlreadyExists, match="There is a context 'm' already"):
        author.create_context(a_model())


@pytest.mark.parametrize("noun", ["artifact", "execution", "context"])
def test_a_display_name_has_128_characters_at_most(author, noun):
    create, update = getattr(author, f"create_{noun}"), getattr(author, f"update_{noun}")
    create(a_model(display_name="ü" * 128))

    with pytest.raises(InvalidArgument, match=rf"{noun}\.display_name: has 129 characters; 128 are the most"):
        create(a_model("other", display_name="x" * 129))
    with pytest.raises(InvalidArgument, match=rf"{noun}\.display_name: has 130 characters"):
        update("m", a_model(display_name="x" * 130))


def test_a_long_display_name_of_a_task_stays_when_something_else_is_said(author, db, clock):
    key = db.write(
        lambda conn: lineage.add_artifact(
            conn, type={}, name="x" * 200, uri="gs://b/m", metadata={}, digest="d", now=clock.now()
        )
    )
    said = author.update_artifact(str(key), Draft(display_name="x" * 200, uri="gs://b/m", metadata={"checked": True}))

    assert (said.name, said.metadata) == ("x" * 200, {"checked": True})


def test_what_is_said_can_be_replaced(author, service, clock):
    author.create_artifact(a_model(metadata={"a": 1}))
    clock.advance(5)
    changed = author.update_artifact("m", a_model(metadata={"b": 2}, description="new", state="PENDING"))

    assert changed == service.artifact("m")
    assert (changed.metadata, changed.notes, changed.last_known_state) == ({"b": 2}, {"description": "new"}, "PENDING")
    assert changed.update_time == clock.now()


def test_where_a_task_wrote_stays(author, db, clock):
    key = db.write(
        lambda conn: lineage.add_artifact(conn, type={}, uri="gs://b/m", metadata={}, digest="d", now=clock.now())
    )

    with pytest.raises(InvalidArgument, match="artifact.uri: cannot become 'gs://b/other'"):
        author.update_artifact(str(key), Draft(uri="gs://b/other"))
    assert author.update_artifact(str(key), Draft(uri="gs://b/m", metadata={"checked": True})).metadata == {
        "checked": True
    }


def test_events_are_added_once(author, service):
    execution = author.create_execution(Draft(schema_title="system.ContainerExecution", state="RUNNING"))
    key = lineage.public_id(execution)
    author.create_artifact(a_model("one"))
    author.create_artifact(a_model("two"))
    for _ in range(2):
        author.add_events(key, [("one", "INPUT"), ("two", "OUTPUT")])

    found = service.around_execution(key)
    assert [(e.type, found.artifacts[e.artifact_id].resource_id) for e in found.events] == [
        ("INPUT", "one"),
        ("OUTPUT", "two"),
    ]
    assert [a.resource_id for a in service.trace("two").upstream.artifacts.values()] == ["one", "two"]
    with pytest.raises(NotFound, match="There is no artifact 'three'"):
        author.add_events(key, [("three", "INPUT")])


def test_the_record_of_a_task_is_not_changed_by_hand(author, db, clock):
    def task(conn):
        context = lineage.ensure_context(
            conn, "system.PipelineRun", "projects/p/locations/r/pipelineJobs/j", now=clock.now()
        )
        name = "projects/p/locations/r/pipelineJobs/j/tasks/train"
        new = lineage.NewExecution(type="c", name=name, state="COMPLETE", properties={}, context_id=context)
        return lineage.record_execution(conn, new, now=clock.now())

    key = str(db.write(task))
    author.create_artifact(a_model())

    with pytest.raises(FailedPrecondition, match="is the record of 'train' and cannot be changed"):
        author.update_execution(key, Draft())
    with pytest.raises(FailedPrecondition, match="cannot be connected"):
        author.add_events(key, [("m", "OUTPUT")])


def test_contexts_nest_and_never_in_themselves(author, service):
    for name in ("outer", "middle", "inner"):
        author.create_context(Draft(resource_id=name, schema_title="system.Experiment"))
    author.add_children("outer", ["middle"])
    author.add_children("middle", ["inner"])
    author.create_artifact(a_model())
    author.add_to_context("inner", ["m"], [])

    inside = 'in_context("projects/p/locations/r/metadataStores/default/contexts/outer")'
    found, _ = service.artifacts("projects/p", lineage.Wanted(filter=inside))
    assert [a.resource_id for a in found] == ["m"]
    assert [
        c.resource_id for c in service.parents([service.context("inner")])[service.context("inner").context_id]
    ] == ["middle"]
    for child in ("outer", "middle"):
        with pytest.raises(InvalidArgument, match="child_contexts"):
            author.add_children("inner" if child == "outer" else "middle", [child])
    author.remove_children("outer", ["middle"])
    assert service.artifacts("projects/p", lineage.Wanted(filter=inside))[0] == []


def test_what_was_recorded_by_hand_can_be_forgotten(author, service, db, clock):
    author.create_artifact(a_model("one"))
    author.create_execution(Draft(resource_id="did", schema_title="system.ContainerExecution"))
    author.create_context(Draft(resource_id="group", schema_title="system.Experiment"))
    author.create_context(Draft(resource_id="inner", schema_title="system.ExperimentRun"))
    author.add_events("did", [("one", "OUTPUT")])
    author.add_to_context("group", ["one"], ["did"])
    author.add_children("group", ["inner"])

    author.delete_context("group")
    author.delete_execution("did")
    author.delete_artifact("one")
    author.delete_context("inner")

    for read, key in ((service.artifact, "one"), (service.execution, "did"), (service.context, "group")):
        with pytest.raises(NotFound):
            read(key)


def test_what_a_run_recorded_is_not_forgotten(author, db, clock):
    def run(conn):
        pipeline = lineage.ensure_context(conn, "system.Pipeline", "penguins", now=clock.now())
        name = "projects/p/locations/r/pipelineJobs/j"
        context = lineage.ensure_context(conn, "system.PipelineRun", name, now=clock.now(), parent_id=pipeline)
        made = lineage.add_artifact(conn, type={}, uri="", metadata={}, digest="", now=clock.now())
        given = {"type": "c", "name": f"{name}/tasks/t", "state": "COMPLETE", "properties": {}, "context_id": context}
        new = lineage.NewExecution(outputs=[("m", made)], **given)
        return made, lineage.record_execution(conn, new, now=clock.now())

    made, execution = db.write(run)

    for forget, key in (
        (author.delete_artifact, str(made)),
        (author.delete_execution, str(execution)),
        (author.delete_context, "penguins"),
        (author.delete_context, "j"),
    ):
        with pytest.raises(FailedPrecondition):
            forget(key)
