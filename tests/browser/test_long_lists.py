"""Lists that are longer than a page: one goes on through all of it, and what is shown is what there is, each thing once."""

import pytest
from browser.doing import PLACE, ask, rows
from playwright.sync_api import expect

PROJECT = "projects/local-project"
STORE = f"{PROJECT}/locations/us-central1/metadataStores/default"
FUNCTION = f"{PLACE}/functions/trigger-penguin-training-fn"
SPEC = "gs://local-project-penguins/pipeline_root/penguin-training.json"
MANY, BUCKETS = 55, 105  # more than a page has


def topics(shed):
    for number in range(MANY):
        ask(shed, f"/v1/{PROJECT}/topics/many-{number}", {}, "PUT")
    return [topic["name"] for topic in every(shed, f"/v1/{PROJECT}/topics?", "topics")]


def schedules(shed):
    target = {"topicName": f"{PROJECT}/topics/trigger-penguin-training", "data": "e30="}
    for number in range(MANY):
        name = f"{PLACE}/jobs/many-{number}"
        job = {"name": name, "schedule": "0 4 1 1 *", "timeZone": "UTC", "pubsubTarget": target}
        ask(shed, f"/v1/{PLACE}/jobs", job)
    return [job["name"] for job in every(shed, f"/v1/{PLACE}/jobs?", "jobs")]


def schemas(shed):
    schema = {"type": "AVRO", "definition": '{"type": "record", "name": "R", "fields": []}'}
    for number in range(MANY):
        ask(shed, f"/v1/{PROJECT}/schemas?schemaId=many-{number}", schema)
    return [schema["name"] for schema in every(shed, f"/v1/{PROJECT}/schemas?", "schemas")]


def buckets(shed):
    for number in range(BUCKETS):
        ask(shed, "/storage/v1/b?project=local-project", {"name": f"many-{number}"})
    return [bucket["name"] for bucket in ask(shed, "/storage/v1/b?project=local-project")["items"]]


def objects(shed):
    ask(shed, "/storage/v1/b?project=local-project", {"name": "filled"})
    for number in range(BUCKETS):
        ask(shed, f"/upload/storage/v1/b/filled/o?uploadType=media&name=many-{number}", {})
    return [item["name"] for item in ask(shed, "/storage/v1/b/filled/o")["items"]]


def artifacts(shed):
    for number in range(MANY):
        ask(shed, f"/v1/{STORE}/artifacts?artifactId=many-{number}", {"schemaTitle": "system.Dataset"})
    return [artifact["name"] for artifact in every(shed, f"/v1/{STORE}/artifacts?", "artifacts")]


def run_triggers(shed):
    for number in range(MANY):
        wanted = {"name": f"many-{number}", "bucket": "local-project-penguins", "spec": SPEC, "disabled": True}
        ask(shed, f"/trainshed/v1/{PLACE}/runTriggers", wanted)
    return [trigger["name"] for trigger in ask(shed, "/trainshed/v1/runTriggers")["triggers"]]


def receipts(shed):
    for _ in range(MANY):
        ask(shed, f"/trainshed/v1/{FUNCTION}:call", {"data": {"data": "e30="}})
    return [receipt["receipt"] for receipt in every(shed, "/trainshed/v1/receipts?", "receipts")]


def builds(shed):
    for _ in range(MANY):
        made = ask(shed, f"/v1/{PROJECT}/builds", {"steps": [{"name": "ubuntu", "script": "true"}]})
        ask(shed, f"/v1/{PROJECT}/builds/{made['metadata']['build']['id']}:cancel", {})
    return [build["id"][:8] for build in every(shed, f"/v1/{PROJECT}/builds?", "builds")]


def every(shed, path, key):
    """Answer all of a list of the API, page by page."""
    found, token = [], ""
    while True:
        answer = ask(shed, f"{path}pageSize=20&pageToken={token}")
        found += answer.get(key, [])
        token = answer.get("nextPageToken", "")
        if not token:
            return found


@pytest.mark.parametrize(
    ("address", "part", "make"),
    [
        ("/topics", "topics", topics),
        ("/schedules", "schedules", schedules),
        ("/schemas", "schemas", schemas),
        ("/buckets", "buckets", buckets),
        ("/buckets/filled", "objects", objects),
        ("/artifacts", "artifacts", artifacts),
        ("/triggers", "run-triggers", run_triggers),
        ("/receipts", "receipts", receipts),
        ("/builds", "builds", builds),
    ],
)
def test_one_goes_through_a_long_list_page_by_page(page, shed, address, part, make):
    known = [str(name).rpartition("/")[2] for name in make(shed)]
    page.open(address)
    shown, pages = [], 0
    while True:
        found = rows(page, part).locator("td:first-child a").evaluate_all("all => all.map((link) => link.href)")
        shown += [name_of(href) for href in found]
        pages += 1
        more = page.locator(f"#{part} .more a")
        if not more.count():
            break
        more.click()
        expect(rows(page, part).locator("td:first-child a").first).not_to_have_attribute("href", path_of(found[0]))

    assert pages > 1
    assert sorted(shown) == sorted(known)


def name_of(href):
    path, _, query = href.partition("?")
    name = query.partition("object=")[2] or path.rpartition("/")[2]
    return name[:8] if "/builds/" in path else name


def path_of(href):
    return "/" + href.split("/", 3)[3]
