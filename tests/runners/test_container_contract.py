"""Containers keep the contract of runners, in a container engine of this machine. Skipped where none works."""

import pytest
from runners import container_host

from trainshed.clock import SystemClock
from trainshed.runners import exercise
from trainshed.runners.containers.runner import ContainerRunner
from trainshed.runners.machine import Machine
from trainshed.runners.stage import Fifos, Stage

SECONDS = 12.0  # in which a container is surely made, started, and has imported kfp, on a machine that is busy

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="session")
def engines(cache):
    return container_host.Chosen(container_host.find(cache, *container_host.base_of_python()))


@pytest.fixture(scope="session")
def image(engines):
    name = container_host.make_image(engines.current())
    yield name
    container_host.remove_image(engines.current(), name)


@pytest.fixture
def make_container_runner(engines, settings):
    return lambda: ContainerRunner(engines, settings, SystemClock(), Machine(cores=(0,), devices=()))


@pytest.fixture
def stage(tmp_path, image, engines, environment, make_container_runner):
    dress = container_host.Dresser(image, environment.python)
    return Stage(
        tmp_path / "runs",
        engines.current().image(image).digest,
        make_container_runner,
        Fifos(),
        timeout_seconds=120,
        soon_seconds=SECONDS,
        dress=dress,
        living=container_host.living,
    )


@pytest.mark.parametrize("case", exercise.CASES, ids=lambda case: case.__name__)
def test_containers_keep_the_contract(stage, case, play):
    async def perform():
        async with stage:
            await case(stage)

    play(perform())
