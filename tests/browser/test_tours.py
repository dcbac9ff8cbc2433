"""Two ways through the dashboard as somebody takes them who does not know it, with their clicks counted."""

import json
import subprocess
import urllib.request

import pytest
from playwright.sync_api import expect

from trainshed.testing import wait_until

_PARENT = "projects/local-project/locations/us-central1"
RETRAIN = [
    {
        "id": "Upload",
        "name": "gcr.io/cloud-builders/gsutil",
        "args": ["cp", "trainer.py", "gs://local-project-penguins/pipeline_module/penguin-training/trainer.py"],
    },
    {
        "id": "Start",
        "name": "gcr.io/google.com/cloudsdktool/cloud-sdk:slim",
        "entrypoint": "gcloud",
        "args": ["pubsub", "topics", "publish", "trigger-penguin-training", "--message", '{"num_epochs": "3", "learning_rate": "1e-2"}'],
    },
]  # fmt: skip


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
def fallen(shed, tmp_path_factory):
    """Somebody narrows the net while a season arrives in which birds were mistaken for others: what is trained is worse."""
    work = tmp_path_factory.mktemp("work") / "penguins"
    repository = (shed.home / "penguins.git").as_uri()
    git("clone", "--quiet", repository, str(work), folder=shed.home)
    (work / "retrain.json").write_text(json.dumps({"steps": RETRAIN}))
    commit(work, "Train without tests")
    asked = ("--repo", repository, "--branch-pattern", "^main$", "--build-config", "retrain.json")
    done = shed.run("builds", "triggers", "create", "retrain", *asked)
    assert done.returncode == 0, done.stderr
    ask(shed, "/trainshed/v1/runTriggers/new-data", {"disabled": True}, "PATCH")  # the commit is to find the data there

    known = {job["name"] for job in jobs(shed)}
    season = mistaken(work / "data" / "seasons" / "penguins-2007.csv")
    path = "/upload/storage/v1/b/local-project-penguins-data/o?uploadType=media&name=penguins/penguins-2010.csv"
    urllib.request.urlopen(urllib.request.Request(shed.address + path, season, {"content-type": "text/csv"})).close()
    trainer = work / "trainer.py"
    trainer.write_text(trainer.read_text().replace("HIDDEN_UNITS = (16, 16)", "HIDDEN_UNITS = (12, 12)"))
    commit(work, "Narrow the hidden layers")

    run = wait_until(lambda: next((j["name"] for j in jobs(shed) if j["name"] not in known), None), seconds=120)
    assert wait_until(lambda: ended(ask(shed, f"/v1/{run}")), seconds=120) == "PIPELINE_STATE_SUCCEEDED"
    return run


def git(*words, folder):
    subprocess.run(("git", "-c", "user.name=Ada", "-c", "user.email=ada@example.com", *words), cwd=folder, check=True)


def commit(work, message):
    git("add", "--all", folder=work)
    git("commit", "--quiet", "--message", message, folder=work)
    git("push", "--quiet", "origin", "HEAD", folder=work)


def last_versions(shed):
    model = "local-project-penguins/serving_model/penguin-training"
    return ask(shed, f"/trainshed/v1/models/{model}")["versions"][:2]


def jobs(shed):
    return ask(shed, f"/v1/{_PARENT}/pipelineJobs?pageSize=10")["pipelineJobs"]


def ended(job):
    return job["state"] if job["state"].endswith(("SUCCEEDED", "FAILED", "CANCELLED")) else None


def mistaken(season):
    """A season of the first species, written down as the third."""
    head, *rows = season.read_text().splitlines()
    return "\n".join([head, *(f"2{row[1:]}" for row in rows if row.startswith("0,"))]).encode() + b"\n"


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


def test_accuracy_fell_because_of_a_commit_and_of_data(fallen, shed, page):
    page.open("/")
    clicks = Clicks(page)
    row = page.locator("#models tbody tr", has_text="penguin-training")
    expect(row).to_contain_text("FELL")
    now, before = (version["metrics"] for version in last_versions(shed))
    assert now["evaluation.accuracy"] < before["evaluation.accuracy"] - 0.05
    expect(row).to_contain_text(f"accuracy {now['evaluation.accuracy']:.4g}, was {before['evaluation.accuracy']:.4g}")

    clicks(row.get_by_role("link", name="Why it got worse"))
    differs = page.locator("#compared")
    expect(differs.locator(".says")).to_contain_text("accuracy fell from")
    commit = differs.locator("tr", has_text="commit").filter(has_text="trainer.py").first
    expect(commit).to_contain_text("Narrow the hidden layers")
    words = commit.inner_text().split()
    before, sha = [word for word in words if len(word) == 7 and not set(word) - set("0123456789abcdef")]
    assert before != sha

    clicks(commit.get_by_role("link").first)
    expect(page.locator("main")).to_contain_text(sha)
    clicks.back()
    clicks(differs.get_by_role("link", name="penguins-2010.csv").first)
    expect(page.locator("main")).to_contain_text("penguins-2010.csv")

    assert clicks.count <= 5
