"""`builds plan` on a repository."""

import subprocess

import pytest
from click.testing import CliRunner

from trainshed.cli.builds import plan
from trainshed.errors import InvalidArgument


@pytest.fixture
def repository(tmp_path):
    git(tmp_path, "init", "-q")
    (tmp_path / "trainshed.yaml").write_text("changes: {modules: [trainer.py], image: [Dockerfile]}\n")
    return tmp_path


def git(folder, *words):
    subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b", *words], cwd=folder, check=True)


def commit(folder, name):
    (folder / name).write_text("x")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "x")


def planned(folder):
    return CliRunner().invoke(plan, [str(folder), "--since", "HEAD~1"], catch_exceptions=False).output


def test_the_plan_is_said_in_the_word_that_build_configs_get(repository):
    commit(repository, "Dockerfile")
    commit(repository, "trainer.py")

    assert planned(repository).startswith("modules: trainer.py is only read from the module root")


def test_a_repository_of_one_commit_has_none_before_it(repository):
    commit(repository, "Dockerfile")

    with pytest.raises(
        InvalidArgument, match=r"--since: there is no commit 'HEAD~1'; .* one commit; the first .* whole"
    ):
        planned(repository)
