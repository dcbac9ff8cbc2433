"""Fixtures that every tier may use."""

import fcntl
import os
import subprocess
import sys
import zlib
from dataclasses import dataclass
from pathlib import Path

import hypothesis
import pytest
from forks import Forked

from trainshed.clock import VirtualClock
from trainshed.testing import Server, database

Server.popen = Forked  # a start costs a quarter of what it costs with an interpreter of its own

hypothesis.settings.register_profile("any machine", deadline=None)  # how long an example takes says nothing here
hypothesis.settings.load_profile("any machine")

_TESTS = Path(__file__).parent
# What takes longest begins first, so that all processes end at about the same time; some modules are cut in parts.
_LONGEST = (
    "e2e/test_examples.py", "conformance/test_pipelines_shared.py", "conformance/test_pipelines_own.py",
    "e2e/test_demo.py", "faults/test_functions.py", "e2e/test_bad_input.py", "runners/test_container_contract.py",
    "conformance/test_tfx.py", "faults/test_campaign.py", "conformance/test_metadata_client.py",
    "conformance/test_lineage_command.py", "faults/test_loop.py", "browser/test_every_page.py", "browser/test_tours.py",
)  # fmt: skip
_PARTS = {"conformance/test_pipelines_shared.py": 3, "conformance/test_pipelines_own.py": 3, "e2e/test_demo.py": 2}
_FOLDERS = ("e2e", "browser", "faults", "conformance", "runners", "storage")  # then all others


def pytest_collection_modifyitems(config, items):
    """Order by how long modules take, where several processes share the work."""
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: (*_turn(item), _part(item.nodeid)))


def _turn(item):
    name = item.path.relative_to(_TESTS).as_posix()
    folder = name.partition("/")[0]
    return (
        _LONGEST.index(name) if name in _LONGEST else len(_LONGEST),
        _FOLDERS.index(folder) if folder in _FOLDERS else len(_FOLDERS),
    )


def _part(nodeid):
    """Answer what of a module goes to one process."""
    name = nodeid.partition("::")[0].removeprefix("tests/")
    return f"{name}#{zlib.crc32(nodeid.encode()) % _PARTS.get(name, 1)}"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Hand out modules, or parts of them, in that order."""
    from xdist.scheduler import LoadFileScheduling

    class Parts(LoadFileScheduling):
        def _split_scope(self, nodeid):
            return _part(nodeid)

    if config.getoption("dist") != "loadfile":
        return None
    config.option.loadscopereorder = False
    return Parts(config, log)


@pytest.fixture
def clock():
    return VirtualClock()


@pytest.fixture
def db(tmp_path):
    with database(tmp_path) as opened:
        yield opened


@pytest.fixture(scope="session")
def of_all(tmp_path_factory):
    """A folder of this run of the tests, the same in all its processes."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@pytest.fixture(scope="session")
def once(of_all):
    """Do something in one of the processes: `once(NAME, FILL)` answers a folder that FILL was called with."""

    def do(name, fill):
        folder = of_all / name
        folder.mkdir(exist_ok=True)
        with (of_all / f"{name}.lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not (of_all / f"{name}.done").exists():
                fill(folder)
                (of_all / f"{name}.done").touch()
        return folder

    return do


@pytest.fixture(scope="session")
def shared_environments(of_all):
    """One folder for the environments of all servers of this run of the tests, so that each is built once."""
    folder = of_all / "environments-of-all"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def make_home(tmp_path_factory, shared_environments):
    """Make home directories that share their environments."""
    environments = shared_environments

    def make(name="home"):
        home = tmp_path_factory.mktemp(name)
        (home / "environments").symlink_to(environments)
        return home

    return make


@dataclass(frozen=True, kw_only=True)
class Demonstrated:
    """What `trainshed demo` said and left."""

    home: Path
    output: str
    exit_code: int


@pytest.fixture(scope="session")
def demonstrated(once):
    """One run of the demo for all processes of the tests; do not change its home: copy it.

    TRAINSHED_DEMONSTRATED names a home that a demo left earlier: for working on one test.
    """
    if known := os.environ.get("TRAINSHED_DEMONSTRATED"):
        return Demonstrated(home=Path(known), output="", exit_code=0)
    folder = once("demonstrated", _demonstrate)
    exit_code, _, output = (folder / "said").read_text().partition("\n")
    return Demonstrated(home=folder / "home", output=output, exit_code=int(exit_code))


def _demonstrate(folder):
    done = subprocess.run(
        [sys.executable, "-m", "trainshed", "demo", "--home", str(folder / "home")],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={name: value for name, value in os.environ.items() if not name.startswith("TRAINSHED_")},
        timeout=900,
        check=False,
    )
    (folder / "said").write_text(f"{done.returncode}\n{done.stdout}")
