"""Which commit builds, what a change needs, and what a workflow becomes."""

import pytest

from trainshed.builds.globs import matches
from trainshed.builds.triggers import rules, workflows
from trainshed.builds.triggers.planner import Declaration, Way, choose
from trainshed.builds.triggers.rules import Watch, decide, watches
from trainshed.errors import InvalidArgument


@pytest.mark.parametrize(
    ("watch", "ref", "expected"),
    [
        (Watch(repository="r", branch="^main$"), "refs/heads/main", True),
        (Watch(repository="r", branch="^main$"), "refs/heads/maintenance", False),
        (Watch(repository="r", branch="main"), "refs/heads/maintenance", True),
        (Watch(repository="r", branch="^feature/.*"), "refs/heads/feature/x", True),
        (Watch(repository="r", branch="^main$", inverted=True), "refs/heads/dev", True),
        (Watch(repository="r", branch="^main$", inverted=True), "refs/tags/v1", False),
        (Watch(repository="r", tag=r"^v\d+$"), "refs/tags/v1", True),
        (Watch(repository="r", tag=".*"), "refs/heads/main", False),
        (Watch(branch=".*"), "refs/heads/main", False),
    ],
)
def test_refs(watch, ref, expected):
    assert watches(watch, ref) is expected


@pytest.mark.parametrize(
    ("glob", "path", "expected"),
    [
        ("src/**", "src/a/b.py", True),
        ("src/**", "srcx/a", False),
        ("**/*.py", "a.py", True),
        ("**/*.py", "a/b/c.py", True),
        ("*.py", "a/b.py", False),
        ("a/*/c", "a/b/c", True),
        ("a/*/c", "a/b/b/c", False),
        ("a?c", "a/c", False),
        ("tfx-pipeline/**", "tfx-pipeline/modules/model.py", True),
    ],
)
def test_s64_globs(glob, path, expected):
    assert matches(glob, path) is expected


@pytest.mark.parametrize(
    ("included", "ignored", "changed", "builds"),
    [
        ((), (), ["a"], True),
        (("src/**",), (), ["docs/x", "src/y"], True),
        (("src/**",), (), ["docs/x"], False),
        ((), ("docs/**",), ["docs/x"], False),
        ((), ("docs/**",), ["docs/x", "src/y"], True),
        (("**",), ("docs/**",), ["docs/x"], False),
        (("src/**",), ("src/gen/**",), ["src/gen/x", "other"], False),
        (("src/**",), (), None, True),
    ],
)
def test_s64_changed_files_decide(included, ignored, changed, builds):
    verdict = decide(Watch(repository="r", included=included, ignored=ignored), changed)

    assert verdict.builds is builds
    assert verdict.reason


def test_a_trigger_is_checked_at_once():
    with pytest.raises(InvalidArgument) as caught:
        rules.checked({"name": "bad name", "triggerTemplate": {"repoName": "r", "branchName": "(", "tagName": "x"}})

    assert {v.field for v in caught.value.violations} == {
        "name",
        "triggerTemplate.branchName",
        "triggerTemplate.tagName",
    }


@pytest.mark.parametrize(
    ("fields", "field", "part"),
    [
        ({"repositoryEventConfig": {"repository": "r"}}, "repositoryEventConfig", "needs a repository connection"),
        ({"sourceToBuild": {"repository": "r"}}, "sourceToBuild.repository", "give the repository itself"),
        (
            {"github": {"name": "r", "owner": "o", "pullRequest": {"branch": "x"}}},
            "github.pullRequest",
            "watches pushes",
        ),
        ({"github": {"name": "r"}}, "github.owner", "is needed beside github.name"),
        ({"github": {"owner": "o"}}, "github.name", "is needed beside github.owner"),
        ({"pubsubConfig": {"topic": "t"}}, "pubsubConfig.topic", "is not of the form projects/P/topics/T"),
        ({"webhookConfig": {"secret": "s"}}, "webhookConfig.secret", "is not of the form projects/P/secrets"),
        ({"filter": "_A = 1"}, "filter", "'= 1' is not understood"),
        ({"substitutions": {"_A": "$(message.data)"}}, "substitutions._A", "does not begin with body"),
        (
            {"pubsubConfig": {"topic": "projects/p/topics/t"}, "triggerTemplate": {"repoName": "r", "branchName": "b"}},
            "pubsubConfig",
            "one kind of event",
        ),
    ],
)
def test_what_a_trigger_cannot_do_here_is_refused_by_name(fields, field, part):
    with pytest.raises(InvalidArgument) as caught:
        rules.checked({"name": "a", "filename": "x", **fields})

    (violation,) = caught.value.violations
    assert violation.field == field
    assert part in violation.description


DECLARED = Declaration(
    image=("Dockerfile", "requirements.txt", "components/**"),
    code=("pipeline.py",),
    modules=("modules/**",),
    ignored=("docs/**",),
)


@pytest.mark.parametrize(
    ("changed", "way", "why"),
    [
        ([], Way.NOTHING, "no file changed"),
        (["docs/a.md"], Way.NOTHING, "no part in the pipeline"),
        (
            ["modules/trainer.py", "docs/a.md"],
            Way.UPLOAD_MODULES,
            "modules/trainer.py is only read from the module root",
        ),
        (["modules/trainer.py", "pipeline.py"], Way.COMPILE, "pipeline.py is pipeline code"),
        (["components/gen.py", "modules/trainer.py"], Way.REBUILD_IMAGE, "components/gen.py goes into the image"),
        (["stray.txt"], Way.REBUILD_IMAGE, "not declared"),
    ],
)
def test_s66_the_cheapest_way_is_chosen_and_says_why(changed, way, why):
    plan = choose(changed, DECLARED)

    assert plan.way is way
    assert why in plan.reason


def test_s66_the_modules_to_upload_are_named():
    plan = choose(["modules/b.py", "modules/a.py", "docs/x"], DECLARED)

    assert (plan.way, plan.because) == (Way.UPLOAD_MODULES, ("modules/a.py", "modules/b.py"))


def test_a_declaration_of_an_unknown_kind_is_refused():
    with pytest.raises(InvalidArgument, match=r"changes\.pictures"):
        Declaration.from_document({"pictures": ["*"]})


WORKFLOW = {
    "name": "Trigger CI/CD",
    True: {
        "push": {"branches": ["main", "release/**"], "paths": ["tfx-pipeline/**", "!**.md"]},
        "workflow_dispatch": None,
        "schedule": [{}],
    },
    "jobs": {"build": {"steps": [{"uses": "actions/checkout@v2"}, {"name": "Submit", "run": "gcloud builds submit"}]}},
}


def test_s63_a_workflow_becomes_a_trigger_and_says_what_it_left_out():
    found = workflows.read(WORKFLOW, repository="/repo", filename="tfx-pipeline/cloudbuild.yaml")

    assert found.trigger == {
        "name": "trigger-ci-cd",
        "filename": "tfx-pipeline/cloudbuild.yaml",
        "triggerTemplate": {"repoName": "/repo", "branchName": "^(?:main|release/.*)$"},
        "includedFiles": ["tfx-pipeline/**"],
        "ignoredFiles": ["**.md"],
    }
    assert found.by_hand
    assert "on.schedule" in found.left_out
    assert any("actions/checkout@v2" in item for item in found.left_out)
    watch = rules.read(rules.checked(found.trigger))
    assert watches(watch, "refs/heads/release/1")
    assert not watches(watch, "refs/heads/dev")


def test_a_workflow_without_events_is_refused():
    with pytest.raises(InvalidArgument, match="events"):
        workflows.read({"jobs": {}}, repository="")
