"""What narrows a list: each filter of each list, used as a form, leaves exactly what the API knows to be so."""

import re

import pytest
from browser.doing import PLACE, ask, rows
from playwright.sync_api import expect

PROJECT = "projects/local-project"
STORE = f"{PROJECT}/locations/us-central1/metadataStores/default"


def short(name):
    return name.rpartition("/")[2]


@pytest.fixture(scope="module")
def varied(shed):
    """A store with something of each kind that a filter leaves out."""
    for name in ("alpha", "beta"):
        ask(shed, f"/v1/{PROJECT}/topics/{name}", {}, "PUT")
        target = {"topicName": f"{PROJECT}/topics/{name}", "data": "e30="}
        job = {"name": f"{PLACE}/jobs/{name}", "schedule": "0 4 1 1 *", "timeZone": "UTC", "pubsubTarget": target}
        ask(shed, f"/v1/{PLACE}/jobs", job)
        ask(shed, "/storage/v1/b?project=local-project", {"name": f"bucket-{name}"})
        ask(shed, f"/upload/storage/v1/b/bucket-alpha/o?uploadType=media&name={name}.txt", {})
    ask(shed, f"/v1/{PLACE}/jobs/beta:pause", {})
    ask(shed, f"/v1/{PLACE}/jobs/alpha:run", {})
    ask(shed, f"/trainshed/v1/{PLACE}/functions/trigger-penguin-training-fn:call", {"data": {"data": "e30="}})
    model = "local-project-penguins/serving_model/penguin-training"
    earlier = ask(shed, f"/trainshed/v1/models/{model}")["versions"][-1]["version"]
    ask(shed, f"/trainshed/v1/models/{model}:rollback", {"version": earlier, "reason": "it was enough"})
    return shed


def chosen(page, path, part, **words):
    """Fill a form of filters as a person does; answer the first words of each row that is left."""
    page.open(path)
    for name, value in words.items():
        field = page.locator(f"form.filters [name={name}]")
        if field.evaluate("field => field.tagName") == "SELECT":
            field.select_option(value)
        else:
            field.fill(value)
    page.locator("form.filters").get_by_role("button", name="Filter").first.click()
    page.wait_for_url(re.compile(r"\?"))
    return [text.strip() for text in rows(page, part).locator("td:first-child").all_inner_texts()]


def test_schedules_are_narrowed_by_name_and_state(page, varied):
    jobs = ask(varied, f"/v1/{PLACE}/jobs")["jobs"]
    for state in ("ENABLED", "PAUSED"):
        known = sorted(short(job["name"]) for job in jobs if job["state"] == state)
        assert sorted(chosen(page, "/schedules", "schedules", state=state)) == known != []
    assert chosen(page, "/schedules", "schedules", name="alph") == ["alpha"]
    assert chosen(page, "/schedules", "schedules", name="alph", state="PAUSED") == []
    expect(page.locator("#schedules")).to_contain_text("The filter fits no schedule")


def test_topics_functions_and_buckets_are_narrowed_by_name(page, varied):
    topics = [short(topic["name"]) for topic in ask(varied, f"/v1/{PROJECT}/topics")["topics"]]
    assert sorted(chosen(page, "/topics", "topics", name="a")) == sorted(name for name in topics if "a" in name)
    assert chosen(page, "/topics", "topics", name="alp") == ["alpha"]
    assert chosen(page, "/functions", "functions", name="trigger", state="ACTIVE") == ["trigger-penguin-training-fn"]
    assert chosen(page, "/functions", "functions", name="trigger", state="OFFLINE") == []
    assert chosen(page, "/buckets", "buckets", prefix="bucket-") == ["bucket-alpha", "bucket-beta"]
    assert chosen(page, "/buckets/bucket-alpha", "objects", prefix="be") == ["beta.txt"]


def test_artifacts_are_narrowed_by_name_and_address(page, varied):
    known = ask(varied, f"/v1/{STORE}/artifacts?pageSize=100")["artifacts"]
    named = [artifact for artifact in known if artifact["displayName"] == "model"]
    assert len(chosen(page, "/artifacts", "artifacts", name="model")) == len(named) > 0
    there = [artifact for artifact in known if artifact["uri"] == "gs://local-project-penguins-data/penguins"]
    assert (
        len(chosen(page, "/artifacts", "artifacts", uri="gs://local-project-penguins-data/penguins")) == len(there) > 0
    )


def test_receipts_are_narrowed_by_kind_and_trigger(page, varied):
    known = ask(varied, "/trainshed/v1/receipts?pageSize=200")["receipts"]
    kinds = {receipt["kind"] for receipt in known}
    assert kinds >= {"call", "commit", "firing", "message", "object", "user"}
    for kind in kinds:
        wanted = [receipt["receipt"] for receipt in known if receipt["kind"] == kind]
        chosen(page, "/receipts", "receipts", kind=kind)
        for receipt in wanted:
            expect(page.locator("#receipts").get_by_role("link", name=receipt, exact=True).first).to_be_visible()
        expect(rows(page, "receipts")).to_have_count(len(wanted))
    job = f"{PLACE}/jobs/hourly-training"
    wanted = [receipt for receipt in known if receipt["trigger"] == job]
    chosen(page, "/receipts", "receipts", trigger=job)
    expect(rows(page, "receipts")).to_have_count(len(wanted))


def test_builds_and_runs_are_narrowed_by_form(page, varied):
    builds = ask(varied, f"/v1/{PROJECT}/builds")["builds"]
    by_trigger = [build["id"].partition("-")[0] for build in builds if "buildTriggerId" in build]
    assert chosen(page, "/builds", "builds", trigger=f"{PLACE}/triggers/on-push") == by_trigger != []
    assert chosen(page, "/builds", "builds", status="FAILURE") == []
    runs = ask(varied, f"/trainshed/v1/{PLACE}/runs")["runs"]
    newest = runs[0]["createTime"]
    chosen(page, "/runs", "runs", since=newest[:16])
    later = [run for run in runs if run["createTime"][:16] >= newest[:16]]
    expect(rows(page, "runs")).to_have_count(len(later))
    chosen(page, "/runs", "runs", until=newest[:16])
    expect(rows(page, "runs")).to_have_count(len(runs) - len(later))
    five = [run for run in runs if run["parameters"]["num_epochs"] == 5]
    chosen(page, "/runs", "runs", value="num_epochs=5", pipeline="penguin-training")
    expect(rows(page, "runs")).to_have_count(len(five))
