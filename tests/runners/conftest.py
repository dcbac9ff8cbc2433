"""The environment that attempts of these tests run in: built by uv once, shared by every session of tests."""

import asyncio
import shutil
import tempfile
from pathlib import Path

import pytest

from trainshed.clock import SystemClock
from trainshed.environments import Environments
from trainshed.runners.process import ProcessRunner
from trainshed.runners.stage import Fifos, Stage
from trainshed.settings import Settings

KFP = ("kfp==2.16.1 --no-deps", "typing-extensions")


@pytest.fixture(scope="session")
def cache():
    """Environments are content-addressed, so one folder serves every run of the tests on this machine."""
    return Path(tempfile.gettempdir()) / "trainshed-test-environments"


@pytest.fixture
def environments(cache, db):
    return Environments(cache, db, SystemClock())


@pytest.fixture
def environment(environments):
    return environments.ensure(KFP)


@pytest.fixture
def settings(tmp_path):
    made = Settings(home=tmp_path / "home", lease_seconds=10, grace_seconds=1)
    yield made
    shutil.rmtree(made.runtime, ignore_errors=True)


@pytest.fixture
def make_runner(environments, settings):
    def make(**changes):
        return ProcessRunner(environments, settings, SystemClock())

    return make


@pytest.fixture
def stage(tmp_path, environment, make_runner):
    return Stage(tmp_path / "runs", environment.digest, make_runner, Fifos())


@pytest.fixture
def play():
    """Run a coroutine function of a test."""
    return asyncio.run
