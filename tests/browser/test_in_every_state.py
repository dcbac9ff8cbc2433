"""What the demo leaves none of: things at work, in trouble, waiting for somebody. Each page is fit to be seen then, too."""

import pytest
from browser.doing import PLACE, ask, rows, start
from browser.looks import SEEN, audit
from playwright.sync_api import expect

from trainshed.testing import wait_until

PROJECT = "projects/local-project"
SUBSCRIPTION = f"{PROJECT}/subscriptions/troubled"
TRIGGER = f"{PLACE}/runTriggers/lost"


def a_build(shed, script):
    steps = [{"id": "Only", "name": "ubuntu", "script": script}]
    return ask(shed, f"/v1/{PROJECT}/builds", {"steps": steps})["metadata"]["build"]["id"]


def a_guarded_build(shed):
    build = {"steps": [{"name": "ubuntu", "script": "true"}]}
    trigger = {"name": "guarded", "build": build, "approvalConfig": {"approvalRequired": True}}
    ask(shed, f"/v1/{PROJECT}/triggers", trigger)
    return ask(shed, f"/v1/{PROJECT}/triggers/guarded:run", {})["metadata"]["build"]["id"]


def messages(shed):
    """Leave one message dead, one handed out, one waiting."""
    for topic in ("troubled", "given-up"):
        ask(shed, f"/v1/{PROJECT}/topics/{topic}", {}, "PUT")
    policy = {"deadLetterTopic": f"{PROJECT}/topics/given-up", "maxDeliveryAttempts": 5}
    wanted = {"topic": f"{PROJECT}/topics/troubled", "deadLetterPolicy": policy, "ackDeadlineSeconds": 600}
    ask(shed, f"/v1/{SUBSCRIPTION}", wanted, "PUT")

    def publish():
        ask(shed, f"/v1/{PROJECT}/topics/troubled:publish", {"messages": [{"data": "eyJhIjoxfQ=="}]})

    def pulled():
        return ask(shed, f"/v1/{SUBSCRIPTION}:pull", {"maxMessages": 1})["receivedMessages"][0]

    publish()
    for _ in range(5):
        refused = {"ackIds": [pulled()["ackId"]], "ackDeadlineSeconds": 0}
        ask(shed, f"/v1/{SUBSCRIPTION}:modifyAckDeadline", refused)
    publish()
    pulled()
    publish()


@pytest.fixture(scope="module")
def troubled(shed, tmp_path_factory):
    """Every state at once: {what: the address of its page}."""
    flag = tmp_path_factory.mktemp("flags") / "go"
    waits = f"echo begun; while [ ! -e {flag} ]; do sleep 0.2; done"
    works, failed = (
        start(shed, job, script, cores=0.1) for job, script in (("works", waits), ("fails", "echo no; exit 7"))
    )
    building, broken, guarded = a_build(shed, waits), a_build(shed, "echo no; exit 3"), a_guarded_build(shed)
    messages(shed)
    spec = "gs://local-project-penguins/none.json"
    ask(shed, f"/trainshed/v1/{PLACE}/runTriggers", {"name": "lost", "bucket": "local-project-penguins", "spec": spec})
    ask(shed, f"/v1/{PLACE}/jobs/hourly-training:pause", {})
    wait_until(lambda: ask(shed, f"/v1/{failed}")["state"].endswith("FAILED"), what="the failure of a run")
    wait_until(lambda: ask(shed, f"/v1/{PROJECT}/builds/{broken}")["status"] == "FAILURE", what="that of a build")
    wait_until(lambda: ask(shed, f"/v1/{PROJECT}/builds/{building}")["status"] == "WORKING", what="a build at work")
    yield {
        "overview": "/",
        "runs": "/runs",
        "run at work": f"/runs/{works}",
        "task at work": f"/runs/{works}?task=try",
        "timeline at work": f"/runs/{works}?tab=timeline",
        "logs at work": f"/runs/{works}?tab=logs",
        "run that failed": f"/runs/{failed}",
        "task that failed": f"/runs/{failed}?task=try",
        "results of none": f"/runs/{failed}?tab=results",
        "why it failed": f"/why/{failed}",
        "compared": f"/runs/compare?run={works}&run={failed}",
        "builds": "/builds",
        "build at work": f"/builds/{building}",
        "build that failed": f"/builds/{broken}",
        "build that waits": f"/builds/{guarded}",
        "details of what waits": f"/builds/{guarded}?tab=details",
        "why that build": f"/why/{PROJECT}/locations/global/builds/{broken}",
        "topics": "/topics",
        "topic": f"/topics/{PROJECT}/topics/troubled",
        "subscription": f"/subscriptions/{SUBSCRIPTION}",
        "trigger of what is not there": f"/triggers/{TRIGGER}",
        "paused": f"/schedules/{PLACE}/jobs/hourly-training",
        "schedules": "/schedules",
        "nothing found": "/find?text=nothing-is-called-so",
        "no run like that": "/runs?text=nothing-is-called-so",
        "no metrics": "/runs/metrics?pipeline=nothing-is-called-so",
        "nothing to compare": "/runs/compare",
        "lineage of nothing": "/lineage/gs://local-project-penguins/none.csv",
    }
    flag.touch()


@pytest.mark.parametrize(("scheme", "width"), SEEN)
def test_every_page_of_what_is_at_work_or_in_trouble_is_fit_to_be_seen(look, troubled, scheme, width):
    problems = {}
    with look(scheme, width) as page:
        for name, path in troubled.items():
            answer = page.open(path)
            assert answer.status == 200, path
            violations = audit(page)
            if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
                violations.append("wider than its window")
            problems |= {name: violations} if violations else {}

    assert problems == {}


def test_the_overview_counts_what_is_at_work_and_what_needs_somebody(page, shed, troubled):
    page.open("/")

    figures = {
        label: page.locator("#health dd").nth(place).inner_text()
        for place, label in enumerate(page.locator("#health dt").all_inner_texts())
    }
    health = ask(shed, "/trainshed/v1/health")
    assert figures["At work now"].split()[0] == "2"
    expect(rows(page, "now")).to_have_count(2)
    assert figures["Needs you"].split()[0] == "3"  # an approval, a dead letter, a schedule that is paused
    expect(rows(page, "waiting")).to_have_count(3)
    assert f"version {health['version']}" in figures["Server"]
    for words in ("guarded", "troubled", "hourly-training"):
        expect(page.locator("#waiting")).to_contain_text(words)


@pytest.mark.parametrize(("scheme", "width"), SEEN)
def test_every_page_that_asks_before_it_deletes_is_fit_to_be_seen(look, troubled, scheme, width):
    with look(scheme, width) as page:
        page.open(troubled["paused"])
        page.get_by_role("button", name="Delete").click()
        expect(page.get_by_role("dialog")).to_be_visible()
        assert audit(page) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        page.keyboard.press("Escape")
