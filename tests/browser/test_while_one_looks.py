"""What comes while one looks is there without a reload: every list, and every page of one thing that others add to."""

import pytest
from browser.doing import PLACE, ask, rows
from playwright.sync_api import expect

PROJECT = "projects/local-project"
STORE = f"{PROJECT}/locations/us-central1/metadataStores/default"
SPEC = "gs://local-project-penguins/pipeline_root/penguin-training.json"
MODEL = "local-project-penguins/serving_model/penguin-training"
FUNCTION = f"{PLACE}/functions/trigger-penguin-training-fn"


def a_bucket(shed):
    ask(shed, "/storage/v1/b?project=local-project", {"name": "comes"})
    return "/storage/v1/b/comes"


def an_object(shed):
    ask(shed, "/upload/storage/v1/b/local-project-penguins/o?uploadType=media&name=comes.txt", {})
    return "/storage/v1/b/local-project-penguins/o/comes.txt"


def a_topic(shed):
    ask(shed, f"/v1/{PROJECT}/topics/comes", {}, "PUT")
    return f"/v1/{PROJECT}/topics/comes"


def a_schema(shed):
    schema = {"type": "AVRO", "definition": '{"type": "record", "name": "R", "fields": []}'}
    ask(shed, f"/v1/{PROJECT}/schemas?schemaId=comes", schema)
    return f"/v1/{PROJECT}/schemas/comes"


def a_schedule(shed):
    target = {"topicName": f"{PROJECT}/topics/trigger-penguin-training", "data": "e30="}
    job = {"name": f"{PLACE}/jobs/comes", "schedule": "0 4 1 1 *", "timeZone": "UTC", "pubsubTarget": target}
    return "/v1/" + ask(shed, f"/v1/{PLACE}/jobs", job)["name"]


def a_run_trigger(shed):
    wanted = {"name": "comes", "bucket": "local-project-penguins", "spec": SPEC, "disabled": True}
    ask(shed, f"/trainshed/v1/{PLACE}/runTriggers", wanted)
    return "/trainshed/v1/runTriggers/comes"


def a_build_trigger(shed):
    ask(shed, f"/v1/{PLACE}/triggers", {"name": "comes", "build": {"steps": [{"name": "ubuntu", "script": "true"}]}})
    return f"/v1/{PLACE}/triggers/comes"


def a_call(shed):
    ask(shed, f"/trainshed/v1/{FUNCTION}:call", {"data": {"data": "e30="}})


def an_artifact(shed):
    artifact = {"displayName": "comes", "uri": "gs://local-project-penguins/comes", "schemaTitle": "system.Dataset"}
    return "/v1/" + ask(shed, f"/v1/{STORE}/artifacts", artifact)["name"]


def a_version(shed):
    known = ask(shed, f"/trainshed/v1/models/{MODEL}")["versions"]
    ask(shed, f"/trainshed/v1/models/{MODEL}:rollback", {"version": known[-1]["version"], "reason": "it comes"})


@pytest.mark.parametrize(
    ("address", "part", "make"),
    [
        ("/buckets", "buckets", a_bucket),
        ("/buckets/local-project-penguins", "objects", an_object),
        ("/topics", "topics", a_topic),
        ("/schemas", "schemas", a_schema),
        ("/schedules", "schedules", a_schedule),
        ("/triggers", "run-triggers", a_run_trigger),
        ("/triggers", "build-triggers", a_build_trigger),
        ("/receipts", "receipts", a_call),
        (f"/functions/{FUNCTION}", "calls", a_call),
        ("/artifacts", "artifacts", an_artifact),
        (f"/models/{MODEL}", "versions", a_version),
    ],
)
def test_what_is_made_meanwhile_appears_in_its_list_and_what_is_deleted_goes(page, shed, address, part, make):
    page.open(address)
    expect(page.locator("#connection")).to_have_text("Live")
    page.evaluate("window.isTheSame = true")
    before = rows(page, part).count()

    made = make(shed)

    expect(rows(page, part)).to_have_count(before + 1)
    if made is not None:
        ask(shed, made, method="DELETE")
        expect(rows(page, part)).to_have_count(before)
    assert page.evaluate("window.isTheSame")


def test_what_becomes_of_an_object_appears_on_its_page(page, shed):
    upload = "/upload/storage/v1/b/local-project-penguins/o?uploadType=media&name=grows.txt"
    ask(shed, upload, "first")
    page.open("/buckets/local-project-penguins?object=grows.txt")
    expect(page.locator("#connection")).to_have_text("Live")

    ask(shed, upload, "second")
    expect(page.locator("#content")).to_contain_text("second")
    expect(rows(page, "generations")).to_have_count(2)
    ask(shed, "/storage/v1/b/local-project-penguins/o/grows.txt", {"metadata": {"season": "2009"}}, "PATCH")
    expect(page.locator("#about")).to_contain_text("season")


def test_what_becomes_of_an_artifact_appears_on_its_page(page, shed):
    made = ask(shed, f"/v1/{STORE}/artifacts", {"displayName": "grows", "schemaTitle": "system.Dataset"})["name"]
    execution = ask(shed, f"/v1/{STORE}/executions", {"displayName": "reads", "schemaTitle": "system.Run"})["name"]
    page.open(f"/artifacts/{made.rpartition('/')[2]}")
    expect(page.locator("#connection")).to_have_text("Live")
    expect(page.locator("#used")).to_contain_text("Nothing has read it yet")

    events = {"events": [{"artifact": made, "type": "INPUT"}]}
    ask(shed, f"/v1/{execution}:addExecutionEvents", events)
    expect(rows(page, "used")).to_have_count(1)
    ask(shed, f"/v1/{made}?updateMask=metadata", {"metadata": {"rows": 42}}, "PATCH")
    expect(page.locator("#metadata")).to_contain_text("42")
