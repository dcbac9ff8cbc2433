"""Cloned and watched: repositories on each kind of host, over the protocol that the hosts speak."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from git_hosts import HOSTS, serving

from trainshed.testing import server, wait_until

CLONE = """\
steps:
- name: gcr.io/cloud-builders/git
  id: Clone
  args: [clone, --single-branch, --branch, $_BRANCH, $_REPO_URL, --depth, '1', --verbose]
- name: bash
  dir: penguins
  args: ['-c', 'cat file; git rev-list --count HEAD; git branch --show-current']
"""
ON_PUSH = "steps:\n- name: bash\n  args: ['-c', 'echo \"$REPO_NAME $BRANCH_NAME\"; cat file']\n"


def git(folder, *words):
    subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b", *words], cwd=folder, check=True)


def commit(work, text):
    (work / "file").write_text(text)
    (work / "cloudbuild.yaml").write_text(ON_PUSH)
    git(work, "add", "-A")
    git(work, "commit", "-q", "-m", text.strip())
    git(work, "push", "-q", "origin", "HEAD")


@pytest.fixture(scope="module")
def trainshed(make_home):
    with server(make_home(), TRAINSHED_GIT_POLL_SECONDS="0.2") as running:
        yield running


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return tmp_path_factory.mktemp("hosts")


@pytest.fixture(scope="module")
def at(root):
    with serving(root) as address:
        yield address


@pytest.mark.parametrize("kind", list(HOSTS))
def test_s08_s09_a_repository_is_cloned_and_watched_on_each_kind_of_host(trainshed, root, at, kind, tmp_path):
    host = HOSTS[kind]
    stored, work, url = root / host.stored, tmp_path / "work", host.address.format(at=at, root=root)
    git(root, "init", "-q", "--bare", "-b", "main", str(stored))
    git(tmp_path, "clone", "-q", str(stored), str(work))
    git(work, "checkout", "-q", "-b", "main")
    commit(work, "zeroth\n")
    commit(work, "first\n")
    config = tmp_path / "clone.yaml"
    config.write_text(CLONE)

    given = ("--substitutions", f"_BRANCH=main,_REPO_URL={url}")
    cloned = trainshed.run("builds", "submit", "--no-source", "--config", str(config), *given)

    assert cloned.returncode == 0, cloned.stdout + cloned.stderr
    depth = "2" if kind == "path" else "1"  # git itself ignores --depth on a path, and says so
    assert f"Step #1: first\nStep #1: {depth}\nStep #1: main\n" in cloned.stdout

    made = trainshed.run("builds", "triggers", "create", kind, "--repo", url, "--branch-pattern", "^main$")
    assert made.returncode == 0, made.stderr

    def receipts(state):
        found = trainshed.json("receipts", "list", "--trigger", kind)
        return [receipt for receipt in found if receipt["state"] == state]

    wait_until(lambda: receipts("SKIPPED"), what="the baseline")
    commit(work, "second\n")
    (started,) = wait_until(lambda: receipts("STARTED"), what="the build of the push")
    build = started["link"].rsplit("/", 1)[1]
    log = trainshed.run("builds", "log", build, "--stream").stdout
    assert "Step #0: penguins main\nStep #0: second\n" in log


def test_a_host_that_never_answers_does_not_keep_the_server_from_ending(make_home):
    with socket.create_server(("127.0.0.1", 0)) as silent, server(make_home()) as running:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/penguins"
        words = ("builds", "triggers", "create", "t", "--repo", url, "--branch-pattern", "^main$")
        asked = subprocess.Popen([sys.executable, "-m", "trainshed", *words], env=running.environment)
        silent.settimeout(60)
        asking, _ = silent.accept()

        with asking:
            running.stop()
            asking.settimeout(30)
            while asking.recv(1 << 16):  # git left as well
                pass
        assert asked.wait(60) != 0
