"""Where sockets lie, and what a worker inherits."""

from pathlib import Path

import pytest

from trainshed.errors import FailedPrecondition
from trainshed.workers import link, pool, wire


def test_the_folder_of_sockets_is_ours_alone(tmp_path):
    pool._private(tmp_path / "run")

    assert (tmp_path / "run").stat().st_mode & 0o777 == 0o700


def test_a_folder_that_others_can_enter_is_refused(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run").chmod(0o755)

    with pytest.raises(FailedPrecondition, match="can be entered by others"):
        pool._private(tmp_path / "run")


def test_a_worker_inherits_our_variables_but_not_our_python(monkeypatch):
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    monkeypatch.setenv("PYTHONPATH", "/ours")
    monkeypatch.setenv("MINE", "kept")
    monkeypatch.setenv("PATH", "/usr/bin")

    environ = link.environ(Path("/envs/e/bin/python"))

    assert "PYTHONDONTWRITEBYTECODE" not in environ
    assert "PYTHONPATH" not in environ
    assert environ["MINE"] == "kept"
    assert environ["PATH"] == "/envs/e/bin:/usr/bin"
    assert environ["VIRTUAL_ENV"] == "/envs/e"
    assert environ["_KFP_RUNTIME"] == "true"


def test_the_token_of_an_attempt_is_exact():
    assert wire.token(("t", 1)) == "TRAINSHED_ATTEMPT=t@1"
