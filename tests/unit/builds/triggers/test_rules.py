"""Which pushes build, and what a trigger may ask for."""

import pytest

from trainshed.builds.triggers import rules
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
def test_a_trigger_watches_the_refs_that_its_pattern_fits(watch, ref, expected):
    assert watches(watch, ref) is expected


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


def test_a_pattern_that_is_none_is_said_to_whoever_typed_it_alone(capfd):
    with pytest.raises(InvalidArgument, match=r"'\(x' is not an RE2 pattern: missing \)"):
        rules.checked({"name": "a", "triggerTemplate": {"repoName": "r", "branchName": "(x"}})

    assert capfd.readouterr().err == ""


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
        ({"name": "a b"}, "name", "'a b' is not a name: letters, digits"),
        ({"name": ""}, "name", "is needed: letters, digits"),
        ({"substitutions": {"MODEL": "small"}}, "substitutions.MODEL", "write _MODEL"),
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
