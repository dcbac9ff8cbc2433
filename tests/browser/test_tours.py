"""Two ways through the dashboard as somebody takes them who does not know it, with their clicks counted."""

import json
import sqlite3
import urllib.request

import pytest
from playwright.sync_api import expect

_PARENT = "projects/local-project/locations/us-central1"


class Clicks:
    """Clicks, counts them, and waits for the page that each leads to."""

    def __init__(self, page):
        self.page = page
        self.count = 0

    def __call__(self, link):
        self.count += 1
        href = link.get_attribute("href")
        link.click()
        self.page.wait_for_url(lambda url: url.endswith(href.split("#")[0]))

    def back(self):
        self.count += 1
        self.page.go_back()


def ask(shed, path, document=None, method=None):
    data = None if document is None else json.dumps(document).encode()
    request = urllib.request.Request(shed.address + path, data, {"content-type": "application/json"}, method=method)
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.loads(answer.read() or b"{}")


@pytest.fixture(scope="module")
def unheard(shed):
    """A schedule whose messages nobody takes."""
    ask(shed, "/v1/projects/local-project/topics/forgotten", {}, "PUT")
    target = {"topicName": "projects/local-project/topics/forgotten", "data": "e30="}
    name = f"{_PARENT}/jobs/nightly-training"
    ask(
        shed,
        f"/v1/{_PARENT}/jobs",
        {"name": name, "schedule": "30 2 * * *", "timeZone": "Europe/Berlin", "pubsubTarget": target},
    )
    ask(shed, f"/v1/{name}:run", {})
    return name


@pytest.fixture(scope="module")
def fallen(shed):
    """The last model is worse than the one before; between them came a commit and new data."""
    jobs = ask(shed, f"/v1/{_PARENT}/pipelineJobs?pageSize=10")["pipelineJobs"]
    newest, before = jobs[0]["name"], jobs[1]["name"]
    ask(shed, f"/v1/{before}", method="DELETE")  # the run that brought the commit alone
    with sqlite3.connect(shed.home / "trainshed.db", timeout=60) as store:
        rows = store.execute(
            "SELECT a.id, a.metadata FROM artifacts a JOIN events e ON e.artifact_id = a.id AND e.type = 'OUTPUT' "
            "JOIN executions x ON x.id = e.execution_id WHERE x.name LIKE ?", (f"{newest}/tasks/%",),
        ).fetchall()  # fmt: skip
        for key, text in rows:
            metadata = json.loads(text)
            if "accuracy" in metadata:
                metadata["accuracy"] = 0.861
                store.execute("UPDATE artifacts SET metadata = ? WHERE id = ?", (json.dumps(metadata), key))
    return newest


def test_my_last_scheduled_training_did_nothing(unheard, page):
    page.open("/")
    clicks = Clicks(page)
    row = page.locator("#next tbody tr", has_text="nightly-training")
    expect(row).to_contain_text("02:30 Europe/Berlin")

    clicks(row.get_by_role("link", name="Why nothing came of it"))

    expect(page.locator("#answer")).to_contain_text("nothing is subscribed to topic forgotten")
    expect(page.locator("#answer")).to_contain_text("trainshed pipelines triggers create NAME --topic forgotten")
    assert clicks.count <= 3


def test_my_schedule_rests_and_does_nothing(unheard, shed, page):
    ask(shed, f"/v1/{unheard}:pause", {})
    page.open("/")
    clicks = Clicks(page)
    row = page.locator("#waiting tbody tr", has_text="nightly-training")

    clicks(row.get_by_role("link", name="schedule nightly-training"))

    expect(page.locator("#answer")).to_contain_text("is paused, so it does not fire")
    expect(page.locator("#answer")).to_contain_text("trainshed scheduler jobs resume nightly-training")
    assert clicks.count <= 3


def test_accuracy_fell_because_of_a_commit_and_of_data(fallen, page):
    page.open("/")
    clicks = Clicks(page)
    row = page.locator("#models tbody tr", has_text="penguin-training")
    expect(row).to_contain_text("FELL")
    expect(row).to_contain_text("0.861")

    clicks(row.get_by_role("link", name="Why it got worse"))
    differs = page.locator("#compared")
    expect(differs.locator(".says")).to_contain_text("accuracy fell from")
    commit = differs.locator("tr", has_text="commit").filter(has_text="trainer.py").first
    expect(commit).to_contain_text("Widen the hidden layers")
    sha = next(
        word for word in commit.inner_text().split() if len(word) == 7 and not set(word) - set("0123456789abcdef")
    )

    clicks(commit.get_by_role("link").first)
    expect(page.locator("main")).to_contain_text(sha)
    clicks.back()
    clicks(differs.get_by_role("link", name="penguins-2009.csv").first)
    expect(page.locator("main")).to_contain_text("penguins-2009.csv")

    assert clicks.count <= 5
