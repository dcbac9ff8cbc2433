"""Schemas of metadata, and purges: what was recorded by hand goes, what runs recorded stays."""

import pytest

from trainshed import lineage
from trainshed.api.descriptors import message, message_class
from trainshed.api.services.metadata_upkeep import MetadataUpkeep
from trainshed.errors import AlreadyExists, InvalidArgument, NotFound

STORE = "projects/p/locations/l/metadataStores/default"
TEXT = "title: mine.Thing\ntype: object\n"


@pytest.fixture
def author(db, clock):
    return lineage.Author(db, clock)


@pytest.fixture
def schemas(db, clock):
    return lineage.Schemas(db, clock)


@pytest.fixture
def purger(db):
    return lineage.Purger(db)


@pytest.fixture
def of_a_run(db, clock):
    """Record what a task made, in the context of its run."""

    def verb(conn):
        now = clock.now()
        pipeline = lineage.ensure_context(conn, "system.Pipeline", "made", now=now)
        context = lineage.ensure_context(
            conn, "system.PipelineRun", "projects/p/locations/l/pipelineJobs/r", now=now, parent_id=pipeline
        )
        made = lineage.add_artifact(
            conn, type={"schemaTitle": "system.Model"}, uri="gs://b/m", metadata={}, digest="", now=now
        )
        new = lineage.NewExecution(
            type="train",
            name="projects/p/locations/l/pipelineJobs/r/tasks/a",
            state="COMPLETE",
            properties={},
            context_id=context,
            outputs=[("model", made)],
        )
        lineage.record_execution(conn, new, now=now)

    db.write(verb)


def by_hand(author, count=3):
    for number in range(count):
        author.create_artifact(lineage.Draft(schema_title="system.Dataset", uri=f"gs://b/{number}"))
    author.create_execution(lineage.Draft(schema_title="system.Run", display_name="mine"))
    author.create_context(lineage.Draft(schema_title="system.Experiment", resource_id="mine"))


def test_a_purge_counts_and_shows_and_only_with_force_forgets(author, purger):
    by_hand(author)

    looked = purger.purge("artifacts", STORE, 'schema_title="system.Dataset"', force=False)
    forgotten = purger.purge("artifacts", STORE, 'uri="gs://b/0" OR uri="gs://b/1"', force=True)
    left = purger.purge("artifacts", STORE, 'uri="gs://b/*"', force=False)

    assert (looked.count, len(looked.sample)) == (3, 3)
    assert (forgotten.count, forgotten.sample) == (2, ())
    assert (left.count, len(left.sample)) == (1, 1)


def test_what_a_run_recorded_is_not_purged(author, purger, of_a_run, db):
    by_hand(author)

    found = {
        kind: purger.purge(kind, STORE, 'create_time>"2020-01-01T00:00:00Z"', force=True).count
        for kind in ("artifacts", "executions", "contexts")
    }
    purger.empty(STORE)
    kept, _ = lineage.Service(db).artifacts(STORE, lineage.Wanted())

    assert found == {"artifacts": 3, "executions": 1, "contexts": 1}
    assert [a.uri for a in kept] == ["gs://b/m"]


def test_a_purge_needs_a_filter(purger):
    with pytest.raises(InvalidArgument, match="filter: is missing"):
        purger.purge("contexts", STORE, " ", force=False)


def test_the_systems_schemas_are_there_and_others_are_added_once(schemas):
    made = schemas.create("mine", version="0.0.2", text=TEXT, kind="ARTIFACT_TYPE", description="a thing")

    assert schemas.get("mine") == made
    assert schemas.get("system-dag-execution").title == "system.DagExecution"
    assert [s.resource_id for s in schemas.list('schema_title="mine.Thing"', page_size=5, page_token="")[0]] == ["mine"]
    for taken in ("mine", "system-model"):
        with pytest.raises(AlreadyExists):
            schemas.create(taken, version="0.0.1", text=TEXT, kind="ARTIFACT_TYPE", description="")
    with pytest.raises(NotFound):
        schemas.get("other")


def test_schemas_are_paged(schemas):
    pages, token = [], None
    while token != "":
        found, token = schemas.list("schema_type=CONTEXT_TYPE", page_size=3, page_token=token or "")
        pages.append([s.resource_id for s in found])

    assert pages == [["system-experiment", "system-experiment-run", "system-pipeline"], ["system-pipeline-run"]]


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"resource_id": "a/b"}, "metadata_schema_id"),
        ({"version": "1"}, "metadata_schema.schema_version"),
        ({"kind": ""}, "metadata_schema.schema_type"),
        ({"text": "a: [1"}, "metadata_schema.schema"),
        ({"text": "type: object"}, "metadata_schema.schema"),
    ],
)
def test_a_schema_that_cannot_be_is_refused_by_the_name_of_its_field(schemas, values, field):
    given = {"resource_id": "mine", "version": "0.0.1", "text": TEXT, "kind": "ARTIFACT_TYPE", "description": ""}

    with pytest.raises(InvalidArgument) as raised:
        schemas.create(**{**given, **values})

    assert raised.value.violations[0].field == field


def test_the_surface_answers_operations_with_what_was_done(author, schemas, purger):
    by_hand(author)
    served = MetadataUpkeep(schemas, purger)
    package = "google.cloud.aiplatform.v1"

    done = served.PurgeArtifacts(message(f"{package}.PurgeArtifactsRequest", parent=STORE, filter="uri:*"))
    served.DeleteMetadataStore(message(f"{package}.DeleteMetadataStoreRequest", name=STORE))
    request = message(f"{package}.ListMetadataSchemasRequest", parent=STORE, page_size=2)

    response = message_class(f"{package}.PurgeArtifactsResponse")()
    done.response.Unpack(response)
    assert (done.done, response.purge_count) == (True, 3)
    assert response.purge_sample[0].startswith(f"{STORE}/artifacts/")
    assert purger.purge("artifacts", STORE, "uri:*", force=False).count == 0
    assert served.ListMetadataSchemas(request).metadata_schemas[0].name == f"{STORE}/metadataSchemas/system-artifact"
    with pytest.raises(NotFound):
        served.GetMetadataSchema(message(f"{package}.GetMetadataSchemaRequest", name=f"{STORE}/metadataSchemas/none"))
