"""Is what a step cloned read off the clone, and nothing of who asked for it?"""

import subprocess

import pytest

from trainshed.builds import clones
from trainshed.builds.model import Clone

WHO = ("-c", "user.name=n", "-c", "user.email=e@example.com")


def git(folder, *words):
    done = subprocess.run(["git", *WHO, *words], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def origin(tmp_path):
    folder = tmp_path / "origin"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    git(folder, "commit", "-q", "--allow-empty", "-m", "first")
    git(folder, "tag", "v1")
    return folder


@pytest.fixture
def workspace(tmp_path):
    folder = tmp_path / "workspace"
    folder.mkdir()
    return folder


@pytest.mark.parametrize("words", [(), ("--depth", "1"), ("--branch", "v1")])
def test_a_clone_is_found_however_it_was_made(origin, workspace, words):
    git(workspace, "clone", "-q", *words, f"file://{origin}", "code")

    assert clones.found(workspace) == [
        Clone(path="code", repository=f"file://{origin}", commit=git(origin, "rev-parse", "HEAD"))
    ]


def test_refs_that_are_packed_are_read(origin, workspace):
    git(workspace, "clone", "-q", str(origin), ".")
    git(workspace, "pack-refs", "--all")

    (found,) = clones.found(workspace)
    assert (found.path, found.commit) == (".", git(origin, "rev-parse", "HEAD"))


def test_a_token_in_an_address_is_not_kept(origin, workspace):
    git(workspace, "clone", "-q", str(origin), "code")
    git(workspace / "code", "remote", "set-url", "origin", "https://someone:token@example.com/p.git")

    assert clones.found(workspace)[0].repository == "https://example.com/p.git"


def test_what_is_no_clone_is_none(origin, workspace):
    (workspace / "code").mkdir()
    git(workspace, "init", "-q", "-b", "main", "empty")
    (workspace / "strange" / ".git").mkdir(parents=True)
    (workspace / "strange" / ".git" / "HEAD").write_text("ref: ../../../../etc/passwd")
    (workspace / "strange" / ".git" / "config").write_text("\0no config")
    (workspace / "link").symlink_to(origin)

    assert clones.found(workspace) == []
