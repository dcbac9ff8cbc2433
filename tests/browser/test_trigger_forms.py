"""Build triggers and run triggers are made, changed and deleted on their pages; what is wrong is said at its field."""

import re

import pytest
from browser.doing import agree, ask, forgive, press, status

playwright_api = pytest.importorskip("playwright.sync_api")
expect = playwright_api.expect

PROJECT = "projects/local-project"
PLACE = f"{PROJECT}/locations/us-central1"
TOPIC = f"{PROJECT}/topics/trigger-penguin-training"
SPEC = "gs://local-project-penguins/pipeline_root/penguin-training.json"


def blamed(form, label, words, value):
    """Look that a field says what is wrong with it, and still has what was typed."""
    field = form.get_by_label(label)
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_value(value)
    expect(field.locator("xpath=..").locator(".wrong")).to_contain_text(words)


def repository(shed):
    return ask(shed, f"/v1/{PLACE}/triggers/on-push")["triggerTemplate"]["repoName"]


def test_a_build_trigger_is_made_and_deleted(page, shed):
    page.open("/triggers")
    page.get_by_role("link", name="New trigger").click()
    page.wait_for_url("**/triggers/new")
    form = page.locator("#new-build-trigger")
    form.get_by_label("Name").fill("of main")
    form.get_by_label("Repository").fill(repository(shed))
    form.get_by_label("Branches (required)").fill("^main(")
    form.get_by_label("Not where these alone changed").fill("docs/**\n\n*.md")
    form.get_by_label("Substitutions").fill('{"_MODEL": "small"}')
    form.get_by_label("Files of the image").fill("Dockerfile")
    press(page, "new-build-trigger", "Create build trigger")
    blamed(form, "Name", "letters, digits", "of main")
    expect(form.get_by_label("Name")).to_be_focused()
    form.get_by_label("Name").fill("of-main")
    blamed(form, "Branches (required)", "'^main(' is not an RE2 pattern", "^main(")
    forgive(page, "400")
    form.get_by_label("Branches (required)").fill("^main$")
    press(page, "new-build-trigger", "Create build trigger")
    page.wait_for_url("**/triggers/of-main")
    expect(page.locator("#events")).to_contain_text("the baseline")
    made = ask(shed, f"/trainshed/v1/{PLACE}/triggers/of-main")
    assert made["triggerTemplate"] == {"repoName": repository(shed), "branchName": "^main$"}
    assert made["ignoredFiles"] == ["docs/**", "*.md"]
    assert (made["substitutions"], made["changes"]) == ({"_MODEL": "small"}, {"image": ["Dockerfile"]})

    press(page, "actions", "Delete")
    agree(page, "Delete")
    page.wait_for_url(re.compile("/triggers$"))
    assert status(shed, f"/v1/{PLACE}/triggers/of-main") == 404


def test_a_build_trigger_is_changed(page, shed):
    wanted = {
        "name": "changing",
        "triggerTemplate": {"repoName": repository(shed), "branchName": "^main$"},
        "ignoredFiles": ["docs/**"],
        "changes": {"image": ["Dockerfile"]},
    }
    made = ask(shed, f"/trainshed/v1/{PLACE}/triggers", wanted)
    page.open(f"/triggers/{PLACE}/triggers/changing")
    page.get_by_role("link", name="Edit").click()
    page.wait_for_url("**?view=edit")
    form = page.locator("#edit")
    form.get_by_label("Substitutions").fill('{"_MODEL": "small"}')
    form.get_by_label("Filter").fill("_MODEL ==")
    form.get_by_label("Not where these alone changed").fill("")
    form.get_by_label("Build config").fill("other.yaml")
    press(page, "edit", "Save the trigger")
    blamed(form, "Filter", "", "_MODEL ==")
    forgive(page, "400")
    form.get_by_label("Filter").fill('_MODEL == "small"')
    press(page, "edit", "Save the trigger")
    expect(form.locator(".said")).to_have_text("Done.")
    changed = ask(shed, f"/trainshed/v1/{PLACE}/triggers/changing")
    assert (changed["filename"], changed["filter"]) == ("other.yaml", '_MODEL == "small"')
    assert "ignoredFiles" not in changed
    assert (changed["triggerTemplate"], changed["changes"]) == (made["triggerTemplate"], made["changes"])

    page.locator("#changes").get_by_label("Files of the pipeline's code").fill("*.py")
    press(page, "changes", "Save these files")
    expect(page.locator("#changes .said")).to_have_text("Done.")
    planned = ask(shed, f"/trainshed/v1/{PLACE}/triggers/changing")["changes"]
    assert planned == {"image": ["Dockerfile"], "code": ["*.py"]}
    press(page, "unplanned", "Build everything at every push")
    agree(page, "Build everything at every push")
    expect(page.locator("#unplanned")).to_have_count(0)
    assert "changes" not in ask(shed, f"/trainshed/v1/{PLACE}/triggers/changing")

    ask(shed, f"/v1/{PLACE}/triggers/changing", None, "DELETE")


@pytest.mark.parametrize(
    ("kind", "given", "expected"),
    [
        ("tag", {"Repository": "REPOSITORY", "Tags (required)": "^v"}, {"triggerTemplate": {"repoName": "REPOSITORY", "tagName": "^v"}}),
        (
            "message",
            {"Repository to build": "REPOSITORY", "Branch or tag to build": "refs/heads/main"},
            {"sourceToBuild": {"uri": "REPOSITORY", "ref": "refs/heads/main"}, "pubsubConfig": {"topic": TOPIC}},
        ),
        ("webhook", {"The build itself": '{"steps": [{"name": "python", "args": ["-V"]}]}'}, {"build": {"steps": [{"name": "python", "args": ["-V"]}]}}),
        ("hand", {"Repository to build": "REPOSITORY"}, {"sourceToBuild": {"uri": "REPOSITORY"}}),
    ],
)  # fmt: skip
def test_a_build_trigger_of_every_kind_is_made_and_saved_as_it_is(page, shed, kind, given, expected):
    here = repository(shed)
    page.open(f"/triggers/new?kind={kind}")
    form = page.locator("#new-build-trigger")
    form.get_by_label("Name").fill(f"by-{kind}")
    if kind == "message":
        form.get_by_label("Topic").select_option(TOPIC)
    for label, value in given.items():
        form.get_by_label(label).fill(value.replace("REPOSITORY", here))
    press(page, "new-build-trigger", "Create build trigger")
    page.wait_for_url(f"**/triggers/by-{kind}")

    made = ask(shed, f"/v1/{PLACE}/triggers/by-{kind}")
    for key, value in expected.items():
        found = {k: made[key][k] for k in value}
        assert found == {k: v.replace("REPOSITORY", here) if isinstance(v, str) else v for k, v in value.items()}
    page.open(f"/triggers/{PLACE}/triggers/by-{kind}?view=edit")
    press(page, "edit", "Save the trigger")
    expect(page.locator("#edit .said")).to_have_text("Done.")
    assert ask(shed, f"/v1/{PLACE}/triggers/by-{kind}") == made
    ask(shed, f"/v1/{PLACE}/triggers/by-{kind}", None, "DELETE")


def test_a_run_trigger_is_made_changed_and_deleted(page, shed):
    page.open("/triggers/new?kind=run-object")
    form = page.locator("#new-run-trigger")
    form.get_by_label("Name").fill("new data")
    form.get_by_label("Bucket").select_option("local-project-penguins")
    form.get_by_label("Compiled pipeline").fill("penguin.json")
    press(page, "new-run-trigger", "Create run trigger")
    blamed(form, "Name", "letters, digits", "new data")
    forgive(page, "400")
    form.get_by_label("Name").fill("from-form")
    press(page, "new-run-trigger", "Create run trigger")
    blamed(form, "Compiled pipeline", "is not of the form 'gs://BUCKET/NAME'", "penguin.json")
    forgive(page, "400")
    form.get_by_label("Compiled pipeline").fill("gs://local-project-penguins/gone.json")
    press(page, "new-run-trigger", "Create run trigger")
    page.wait_for_url("**/runTriggers/from-form")
    expect(page.locator("#error")).to_contain_text("gone.json")

    page.get_by_role("link", name="Edit").click()
    page.wait_for_url("**?view=edit")
    page.locator("#edit").get_by_label("Compiled pipeline").fill(SPEC)
    press(page, "edit", "Save the trigger")
    expect(page.locator("#edit .said")).to_have_text("Done.")
    expect(page.locator("#error")).to_have_count(0)
    found = ask(shed, "/trainshed/v1/runTriggers/from-form")
    assert (found["spec"], found["bucket"]) == (SPEC, "local-project-penguins")
    page.open("/triggers/new?kind=run-message")
    form = page.locator("#new-run-trigger")
    form.get_by_label("Name").fill("from-form")
    form.get_by_label("Compiled pipeline").fill(SPEC)
    press(page, "new-run-trigger", "Create run trigger")
    blamed(form, "Name", "already", "from-form")
    forgive(page, "409")

    page.open(f"/triggers/{PLACE}/runTriggers/from-form")
    press(page, "actions", "Delete")
    agree(page, "Delete")
    page.wait_for_url(re.compile("/triggers$"))
    assert status(shed, "/trainshed/v1/runTriggers/from-form") == 404
