"""Build triggers on real repositories: each commit has a receipt, and only what should builds."""

import asyncio
import os
import subprocess
import threading
from functools import partial
from pathlib import Path

import pytest
from receipts import receipts_in

from trainshed import builds, testing
from trainshed.builds import repositories
from trainshed.builds.testing import Workbench
from trainshed.errors import AlreadyExists, FailedPrecondition, InvalidArgument, NotFound

CONFIG = """\
steps:
- name: bash
  args: ['-c', 'cat file; echo "$BRANCH_NAME $SHORT_SHA $REPO_NAME ${_MODE:-plain} $TRIGGER_NAME $TRIGGER_BUILD_CONFIG_PATH"']
"""


class Repository:
    def __init__(self, path):
        self.path = path
        path.mkdir()
        self.git("init", "-q", "-b", "main")

    def git(self, *words):
        done = subprocess.run(
            ["git", "-c", "user.name=a", "-c", "user.email=a@b", *words],
            cwd=self.path, capture_output=True, text=True, check=True,
        )  # fmt: skip
        return done.stdout.strip()

    def commit(self, **files):
        for name, text in files.items():
            path = self.path / name.replace("__", "/").replace("_dot_", ".")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", "x")
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path):
    made = Repository(tmp_path / "project")
    made.commit(cloudbuild_dot_yaml=CONFIG, file="one\n")
    return made


@pytest.fixture
def bench(tmp_path):
    with testing.database(tmp_path) as db:
        bench = Workbench(tmp_path, db)
        bench.db = db
        yield bench


def a_trigger(bench, repository, **fields):
    template = {"repoName": str(repository.path), "branchName": fields.pop("branch", "^main$")}
    if tag := fields.pop("tag", ""):
        template = {"repoName": str(repository.path), "tagName": tag}
    document = {"name": "on-push", "triggerTemplate": template, **fields}
    return bench.triggers.create(document, project="p", region="r")


def poll(bench):
    (trigger,) = bench.pushes.watched()
    return bench.pushes.poll(trigger)


def receipts(bench):
    found = bench.db.read(receipts_in)
    return {r.data["sha"]: r for r in found}


def test_the_first_sight_is_a_baseline_that_builds_nothing(bench, repository):
    a_trigger(bench, repository)

    outcome = poll(bench)

    (receipt,) = receipts(bench).values()
    assert outcome.builds == ()
    assert (receipt.state, receipt.kind) == ("SKIPPED", "commit")
    assert "baseline" in receipt.reason
    assert receipt.stimulus == f"{repository.path}@refs/heads/main@{receipt.data['sha']}"
    assert poll(bench).reasons == ()


def test_a_push_right_after_the_trigger_was_made_is_one(bench, repository):
    a_trigger(bench, repository)
    sha = repository.commit(file="two\n")

    outcome = poll(bench)

    assert len(outcome.builds) == 1
    assert receipts(bench)[sha].state == "STARTED"


def test_a_trigger_that_is_enabled_again_builds_what_was_pushed_meanwhile(bench, repository):
    trigger = a_trigger(bench, repository)
    poll(bench)
    bench.triggers.update("on-push", {**trigger.document, "disabled": True}, project="p")
    first, last = repository.commit(file="two\n"), repository.commit(file="three\n")
    assert bench.pushes.watched() == ()

    bench.triggers.update(
        "on-push", {**bench.triggers.get("on-push", project="p").document, "disabled": False}, project="p"
    )
    (build_id,) = poll(bench).builds

    assert bench.service.get(build_id).substitutions["COMMIT_SHA"] == last
    assert receipts(bench)[last].state == "STARTED"
    assert receipts(bench)[first].reason == f"pushed together with {last[:7]}, which is the one to build"
    assert poll(bench).reasons == ()


def test_s64_a_push_builds_its_commit_with_the_triggers_substitutions(bench, repository):
    a_trigger(bench, repository, substitutions={"_UNUSED": "x"})
    poll(bench)
    sha = repository.commit(file="two\n")

    (build_id,) = poll(bench).builds
    build = bench.run(bench.service.get(build_id))

    assert build.state == "SUCCESS", bench.log(build)
    log = bench.log(build)
    assert "Step #0: two\n" in log
    assert f"Step #0: main {sha[:7]} project plain on-push cloudbuild.yaml\n" in log
    assert "FETCHSOURCE\nFetching" in log
    assert set(build.timing) == {"FETCHSOURCE", "BUILD"}
    receipt = receipts(bench)[sha]
    assert (receipt.state, receipt.link) == ("STARTED", build.name)
    assert build.trigger == receipt.trigger == "projects/p/locations/r/triggers/on-push"


NEEDY = """\
steps:
- name: $_IMAGE
  args: ['$_MESSAGE', '${_MODE:-plain}', '$_PLAN', '$BRANCH_NAME', '$_GIVEN']
substitutions: {_MESSAGE: hello}
"""


def test_substitutions_that_nothing_gives_are_known_of_every_config_before_the_first_push(bench, repository):
    repository.commit(on__image_dot_yaml=NEEDY, on__compile_dot_yaml=NEEDY, on__modules_dot_yaml=CONFIG)
    trigger = a_trigger(
        bench,
        repository,
        filename="on/$_PLAN.yaml",
        changes={"modules": ["m"]},
        substitutions={"_GIVEN": "$(push.ref)"},
    )

    assert bench.triggers.lacking(trigger) == {"on/image.yaml": ("_IMAGE",), "on/compile.yaml": ("_IMAGE",)}


def test_a_trigger_of_which_there_is_nothing_to_look_at_lacks_nothing(bench, repository):
    assert bench.triggers.lacking(a_trigger(bench, repository, branch="^release$")) == {}


def test_a_refused_push_names_the_substitutions_that_nothing_gives(bench, repository):
    a_trigger(bench, repository, substitutions={"_GIVEN": "x"})
    poll(bench)
    sha = repository.commit(cloudbuild_dot_yaml=NEEDY)

    poll(bench)

    assert receipts(bench)[sha].reason.split("\n") == [
        "steps[0].name: is empty once substitutions are applied; give the substitution a value",
        "substitutions: nothing gives _IMAGE, _PLAN a value; give the trigger --substitutions _IMAGE=…,…",
    ]


def test_of_commits_pushed_together_the_last_builds_and_all_have_receipts(bench, repository):
    a_trigger(bench, repository)
    poll(bench)
    below = [repository.commit(file=f"{n}\n") for n in range(2)]
    tip = repository.commit(file="tip\n")

    assert len(poll(bench).builds) == 1

    found = receipts(bench)
    assert [found[sha].state for sha in (*below, tip)] == ["SKIPPED", "SKIPPED", "STARTED"]
    assert tip[:7] in found[below[0]].reason


def test_s64_s66_only_matching_files_build(bench, repository):
    a_trigger(bench, repository, includedFiles=["src/**"], ignoredFiles=["**/*.md"])
    poll(bench)
    other = repository.commit(docs__x="1")
    ignored = repository.commit(src__read_dot_md="1")
    assert poll(bench).builds == ()
    wanted = repository.commit(src__a_dot_py="1")
    assert len(poll(bench).builds) == 1

    found = receipts(bench)
    assert [found[sha].state for sha in (other, ignored, wanted)] == ["SKIPPED", "SKIPPED", "STARTED"]
    assert "src/a.py is included" in found[wanted].reason


def test_an_unusable_config_refuses_the_commit_and_a_replay_after_mending_starts_it(bench, repository):
    a_trigger(bench, repository)
    poll(bench)
    sha = repository.commit(cloudbuild_dot_yaml="steps:\n- nam: x\n")

    assert poll(bench).builds == ()
    refused = receipts(bench)[sha]
    assert refused.state == "REFUSED"
    assert "did you mean name?" in refused.reason
    with pytest.raises(InvalidArgument):
        bench.pushes.replay(refused)

    mended = repository.commit(cloudbuild_dot_yaml=CONFIG)
    poll(bench)
    assert "started projects/p" in bench.pushes.replay(receipts(bench)[mended])
    assert receipts(bench)[mended].state == "STARTED"


def test_a_missing_config_is_refused_by_name(bench, repository):
    a_trigger(bench, repository, filename="ci/build.yaml")
    poll(bench)
    sha = repository.commit(file="x")

    poll(bench)

    assert "ci/build.yaml" in receipts(bench)[sha].reason


def test_force_push_deleted_and_new_branches_each_get_the_right_receipt(bench, repository):
    a_trigger(bench, repository, branch=".*")
    repository.git("branch", "old")
    poll(bench)
    first = repository.git("rev-parse", "HEAD")
    dropped = repository.commit(file="dropped")
    poll(bench)
    repository.git("reset", "-q", "--hard", first)
    forced = repository.commit(file="forced")
    repository.git("branch", "-D", "old")
    repository.git("checkout", "-q", "-b", "feature")
    new = repository.commit(other="x")

    outcome = poll(bench)

    found = receipts(bench)
    assert found[dropped].state == "STARTED"
    assert "(force-push" in found[forced].reason
    assert "(new branch" in found[new].reason
    assert (found["deleted"].state, found["deleted"].reason) == ("SKIPPED", "old was deleted")
    assert len(outcome.builds) == 2


def test_tags_build_and_a_moved_tag_is_said(bench, repository):
    a_trigger(bench, repository, tag="^v")
    repository.git("tag", "v0")
    poll(bench)
    repository.git("-c", "tag.gpgsign=false", "tag", "-a", "v1", "-m", "x")
    (build_id,) = poll(bench).builds
    assert bench.service.get(build_id).substitutions["TAG_NAME"] == "v1"
    assert bench.service.get(build_id).substitutions["BRANCH_NAME"] == ""
    sha = repository.commit(file="moved")
    repository.git("tag", "-f", "v0")

    poll(bench)

    assert "(moved tag" in receipts(bench)[sha].reason


def test_a_repository_that_matched_nothing_at_first_builds_its_first_branch(bench, tmp_path):
    empty = Repository(tmp_path / "empty")
    a_trigger(bench, empty)
    assert poll(bench).reasons == ()
    sha = empty.commit(cloudbuild_dot_yaml=CONFIG, file="x\n")

    assert len(poll(bench).builds) == 1
    assert receipts(bench)[sha].state == "STARTED"


def test_an_unreachable_repository_is_noted_and_mended(bench, repository):
    trigger = a_trigger(bench, repository)
    hidden = repository.path.rename(repository.path.with_name("away"))

    with pytest.raises(FailedPrecondition) as caught:
        poll(bench)
    bench.pushes.note_error(trigger, caught.value)
    assert "git ls-remote" in bench.triggers.get("on-push", project="p").error

    hidden.rename(repository.path)
    poll(bench)
    assert bench.triggers.get("on-push", project="p").error == ""


def test_a_trigger_runs_by_hand_on_a_branch_and_on_a_commit(bench, repository):
    a_trigger(bench, repository)
    first = repository.git("rev-parse", "HEAD")
    repository.commit(file="later")

    of_branch = bench.triggers.run("on-push", project="p")
    of_commit = bench.triggers.run("on-push", project="p", revision=first[:10], substitutions={"_MODE": "m"})

    assert of_branch.substitutions["BRANCH_NAME"] == "main"
    assert of_commit.substitutions["COMMIT_SHA"] == first
    assert of_commit.substitutions["_MODE"] == "m"
    with pytest.raises(NotFound, match="no branch, tag or commit"):
        bench.triggers.run("on-push", project="p", revision="nothing")


def test_a_trigger_that_watches_something_else_begins_with_a_baseline(bench, repository, tmp_path):
    trigger = a_trigger(bench, repository)
    repository.git("switch", "-q", "-c", "dev")
    dev = repository.commit(file="of dev\n")
    elsewhere = Repository(tmp_path / "elsewhere")
    there = elsewhere.commit(cloudbuild_dot_yaml=CONFIG, file="x\n")

    of_dev = {**trigger.document, "triggerTemplate": {"repoName": str(repository.path), "branchName": "^dev$"}}
    bench.triggers.update("on-push", of_dev, project="p")
    assert receipts(bench)[dev].state == "SKIPPED", "what the branch has now is no push"
    assert poll(bench).builds == ()
    moved = {**of_dev, "triggerTemplate": {"repoName": str(elsewhere.path), "branchName": "^main$"}}
    bench.triggers.update("on-push", moved, project="p")

    assert receipts(bench)[there].state == "SKIPPED"
    assert len(receipts(bench)) == 3, "no ref is said to be deleted"
    elsewhere.commit(file="y\n")
    assert len(poll(bench).builds) == 1


@pytest.mark.parametrize("has_baseline", [False, True])
def test_a_change_of_a_trigger_while_its_repository_is_looked_at_stays(bench, repository, monkeypatch, has_baseline):
    if not has_baseline:
        away = repository.path.rename(repository.path.with_name("away"))
    trigger = a_trigger(bench, repository)
    if not has_baseline:
        away.rename(repository.path)
    repository.commit(file="two\n")
    repository.git("switch", "-q", "-c", "dev")
    dev = repository.commit(file="of dev\n")
    template = {"repoName": str(repository.path), "branchName": "^dev$"}
    refs, changing = bench.repositories.refs, []

    def then_somebody_changes_it(url):
        found = refs(url)
        if not changing:
            wanted = {**trigger.document, "triggerTemplate": template, "description": "changed"}
            change = partial(bench.triggers.update, "on-push", wanted, project="p")
            changing.append(threading.Thread(target=change))
            changing[0].start()
            while bench.triggers.get("on-push", project="p").document.get("description") != "changed":
                assert changing[0].is_alive()
        return found

    monkeypatch.setattr(bench.repositories, "refs", then_somebody_changes_it)
    outcome = poll(bench)
    changing[0].join()

    assert outcome.builds == ()
    document = bench.triggers.get("on-push", project="p").document
    assert (document["description"], document["triggerTemplate"]) == ("changed", template)
    assert receipts(bench)[dev].state == "SKIPPED", "what the branch has now is its baseline"
    assert poll(bench).builds == ()


def test_what_was_seen_stays_where_the_same_is_watched(bench, repository):
    trigger = a_trigger(bench, repository)
    repository.commit(file="later\n")

    changed = bench.triggers.update("on-push", {**trigger.document, "ignoredFiles": ["docs/**"]}, project="p")

    assert changed.document["baseline"] is True
    assert len(poll(bench).builds) == 1


def test_what_says_which_files_are_what_can_be_taken_away_again(bench, repository):
    a_trigger(bench, repository, changes={"image": ["Dockerfile"]})

    changed = bench.triggers.update(
        "on-push", {**bench.triggers.get("on-push", project="p").document, "changes": None}, project="p"
    )

    assert "changes" not in changed.document


def test_a_trigger_does_not_take_the_name_of_another(bench, repository):
    a_trigger(bench, repository)
    other = a_trigger(bench, repository, name="other")

    with pytest.raises(AlreadyExists) as caught:
        bench.triggers.update("other", {**other.document, "name": "on-push"}, project="p")

    assert [violation.field for violation in caught.value.violations] == ["name"]


def test_names_are_unique_and_deleting_leaves_receipts(bench, repository):
    a_trigger(bench, repository)
    poll(bench)
    with pytest.raises(AlreadyExists):
        a_trigger(bench, repository)

    bench.triggers.delete("on-push", project="p")

    assert len(receipts(bench)) == 1
    assert bench.triggers.list() == ()


def test_s08_s09_sources_come_from_paths_urls_and_archives(bench, repository, tmp_path):
    read = {"name": "bash", "args": ["cat", "file"]}
    subprocess.run(["git", "archive", "-o", str(tmp_path / "s.tgz"), "HEAD"], cwd=repository.path, check=True)
    bench.objects.put("b", "source/s.tgz", tmp_path / "s.tgz")
    clone = {
        "name": "gcr.io/cloud-builders/git",
        "args": ["clone", "--single-branch", "--branch", "main", "$_URL", "--depth", "1", "--verbose"],
    }
    builds = [
        bench.submit(read, source={"gitSource": {"url": str(repository.path)}}),
        bench.submit(read, source={"gitSource": {"url": repository.path.as_uri(), "revision": "main"}}),
        bench.submit(read, source={"repoSource": {"repoName": str(repository.path), "branchName": "main"}}),
        bench.submit(read, source={"storageSource": {"bucket": "b", "object": "source/s.tgz"}}),
        bench.submit(clone, {**read, "dir": "project"}, substitutions={"_URL": repository.path.as_uri()}),
        bench.submit(clone, {**read, "dir": "project"}, substitutions={"_URL": str(repository.path)}),
    ]

    for build in builds:
        done = bench.run(build)
        assert done.state == "SUCCESS", bench.log(done)
        assert ": one\n" in bench.log(done)


@pytest.mark.parametrize(
    ("source", "part"),
    [
        ({"gitSource": {"url": "/nowhere"}}, "git fetch"),
        ({"storageSource": {"bucket": "b", "object": "missing"}}, "no object"),
        ({"gitSource": {"url": "--upload-pack=touch x"}}, "neither a path nor a URL"),
    ],
)
def test_a_source_that_cannot_be_had_fails_the_build(bench, source, part):
    done = bench.run(bench.submit({"name": "bash", "args": ["true"]}, source=source))

    assert (done.state, done.failure["type"]) == ("FAILURE", "FETCH_SOURCE_FAILED")
    assert part in done.status_detail


def test_a_trigger_that_breaks_us_does_not_keep_others_from_being_looked_at(bench, repository, monkeypatch, caplog):
    a_trigger(bench, repository, name="first")
    a_trigger(bench, repository, name="second")
    sha, look = repository.commit(file="two\n"), bench.pushes.poll

    def poll(trigger):
        if trigger.name == "first":
            raise RuntimeError("a defect")
        return look(trigger)

    monkeypatch.setattr(bench.pushes, "poll", poll)
    asyncio.run(builds.Watcher(bench.pushes, bench.clock, interval_seconds=60).run_once())

    assert receipts(bench)[sha].trigger.endswith("/second")
    assert "a defect" in caplog.text


def test_a_build_depends_on_repositories_that_are_fetched_before_its_steps(bench, repository):
    first = repository.commit(file="pinned\n")
    repository.commit(file="newest\n")
    url = repository.path.as_uri()
    dependencies = [
        {"gitSource": {"repository": {"url": url}, "revision": first, "destPath": "libs/pinned", "depth": 1}},
        {"gitSource": {"repository": {"url": url}}},
    ]
    build = bench.service.create(
        {
            "steps": [{"name": "bash", "args": ["-c", "cat libs/pinned/file project/file"]}],
            "dependencies": dependencies,
        },
        project="p",
        region="r",
    )

    build = bench.run(build)

    assert build.state == "SUCCESS", bench.log(build)
    assert "Step #0: pinned\nStep #0: newest\n" in bench.log(build)
    assert "FETCHSOURCE" in build.timing


def test_a_host_that_never_answers_leaves_no_process(tmp_path, monkeypatch):
    monkeypatch.setattr(repositories, "_QUICK_SECONDS", 1)
    marker = f"TRAINSHED_HANGS={tmp_path}"
    helper = tmp_path / "hang"
    helper.write_text("#!/bin/sh\nsleep 300 &\nwait\n")
    helper.chmod(0o755)
    monkeypatch.setenv("GIT_SSH", str(helper))
    monkeypatch.setenv(*marker.split("=", 1))

    with pytest.raises(FailedPrecondition, match="took longer than 1 s"):
        builds.Repositories(tmp_path / "mirrors").refs("ssh://git@example.invalid/o/r.git")

    left = testing.wait_until(lambda: not _with(marker) or None, what="the end of what git started")
    assert left


def _with(marker):
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            content = (process / "environ").read_bytes()
        except OSError:
            continue
        if marker.encode() in content.split(b"\0") and int(process.name) != os.getpid():
            found.append(process.name)
    return found
