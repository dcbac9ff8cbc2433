"""Environments on disk, and image bindings in the store. uv builds them for real."""

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor, wait

import pytest

from trainshed.environments import Environments, build
from trainshed.errors import FailedPrecondition, InvalidArgument, NotFound


@pytest.fixture
def package(tmp_path):
    """A package without dependencies, built from a folder, so that no index is needed."""
    folder = tmp_path / "shed-toy"
    folder.mkdir()
    (folder / "pyproject.toml").write_text(
        '[project]\nname = "shed-toy"\nversion = "1.2"\n[build-system]\nrequires = []\n'
        'build-backend = "backend"\nbackend-path = ["."]\n'
    )
    (folder / "backend.py").write_text(_BACKEND)
    return str(folder)


_BACKEND = """
import zipfile
def build_wheel(folder, config_settings=None, metadata_directory=None):
    name = "shed_toy-1.2-py3-none-any.whl"
    with zipfile.ZipFile(f"{folder}/{name}", "w") as z:
        z.writestr("shed_toy.py", "ANSWER = 42\\n")
        z.writestr("shed_toy-1.2.dist-info/METADATA", "Metadata-Version: 2.1\\nName: shed-toy\\nVersion: 1.2\\n")
        z.writestr("shed_toy-1.2.dist-info/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        z.writestr("shed_toy-1.2.dist-info/RECORD", "")
    return name
"""


@pytest.fixture
def environments(tmp_path, db, clock):
    return Environments(tmp_path / "environments", db, clock)


def test_an_environment_is_built_once_and_found_by_its_digest(environments, package):
    lines = []
    built = environments.ensure([package], log=lines.append)

    answer = subprocess.run([built.python, "-c", "import shed_toy; print(shed_toy.ANSWER)"], capture_output=True)
    assert answer.stdout == b"42\n"
    assert any("shed-toy" in line for line in lines)
    assert built.installed == {"shed-toy": "1.2"}
    assert built.digest == environments.key([package])
    assert environments.get(built.digest) == built
    assert environments.list() == [built]

    lines.clear()
    assert environments.ensure([package], log=lines.append) == built
    assert lines == []


def test_a_build_says_how_many_packages_it_installed_and_not_each_of_them(environments, package):
    lines = []
    environments.ensure([package], log=lines.append)

    assert [line for line in lines if "Installed 1 package" in line]
    assert not [line for line in lines if "shed-toy==" in line or "Activate" in line or "virtual environment" in line]


def test_an_empty_environment_is_one_too(environments):
    built = environments.ensure([])

    assert built.installed == {}
    assert built.python_version.split()[1] == "{}.{}.{}".format(*sys.version_info)


@pytest.mark.parametrize("name", ["requirements.txt", "requirements.txt/all.txt"])
def test_a_package_may_bring_files_of_any_name(environments, package, tmp_path, name):
    backend = tmp_path / "shed-toy" / "backend.py"
    more = f'        z.writestr("shed_toy-1.2.data/data/{name}", "theirs")\n    return name'
    backend.write_text(_BACKEND.replace("    return name", more))

    built = environments.ensure([package])

    assert (built.path / name).read_text() == "theirs"


def test_concurrent_callers_share_one_build(environments, package):
    said, guard = [], threading.Lock()

    def say(line):
        with guard:
            said.append(line)

    with ThreadPoolExecutor(4) as pool:
        built = list(pool.map(lambda _: environments.ensure([package], log=say), range(4)))

    assert len({e.digest for e in built}) == 1
    assert sum("Installed 1 package" in line for line in said) == 1


def test_an_incomplete_environment_is_not_seen_and_is_built_again(environments, package, tmp_path):
    built = environments.ensure([package])
    (built.path / build.RECORD).unlink()
    (built.path / "bin" / "python").unlink()

    assert environments.get(built.digest) is None
    assert environments.list() == []

    again = environments.ensure([package])
    assert again == built
    assert subprocess.run([again.python, "-c", "import shed_toy"]).returncode == 0


def test_a_failed_build_tells_what_uv_said_and_leaves_nothing(environments, tmp_path):
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "pyproject.toml").write_text("[build-system]\nrequires = []\nbuild-backend = 'missing'\n")

    with pytest.raises(FailedPrecondition, match="missing") as caught:
        environments.ensure([str(broken)])

    assert caught.value.reason == "ENVIRONMENT_NOT_BUILT"
    assert environments.list() == []


def test_a_missing_interpreter_is_named(environments):
    with pytest.raises(FailedPrecondition, match=r"There is no Python 3\.1 "):
        environments.ensure([], python="3.1")
    with pytest.raises(FailedPrecondition, match="/no/such/python"):
        environments.ensure([], python="/no/such/python")


def test_one_environment_on_top_of_another_has_the_packages_of_both(environments, package):
    below = environments.ensure([package])
    above = environments.ensure([], base=below.digest)

    assert above.requirements == below.requirements
    with pytest.raises(NotFound):
        environments.ensure([], base="0000")


def test_a_text_instead_of_lines_is_refused(environments):
    with pytest.raises(InvalidArgument, match="list of lines"):
        environments.ensure("pandas")


def test_an_adopted_environment_changes_its_digest_with_its_content(environments, package):
    built = environments.ensure([])
    first = environments.adopt(built.path)
    assert (first.python, first.installed) == (built.python, {})

    info = next(built.path.glob("lib/python*/site-packages")) / "extra-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: extra\nVersion: 1\n")

    assert environments.adopt(built.path).digest != first.digest
    with pytest.raises(InvalidArgument, match="bin/python"):
        environments.adopt(info)


def test_packages_can_be_laid_on_top_of_an_adopted_environment(environments, package):
    adopted = environments.adopt(environments.ensure([package]).path)
    above = environments.ensure([], base=adopted.digest)

    assert above.floor == adopted.digest
    assert above.installed == {"shed-toy": "1.2"}
    assert above.digest == environments.key([], base=adopted.digest) != environments.key([])
    answer = subprocess.run([above.python, "-c", "import shed_toy; print(shed_toy.ANSWER)"], capture_output=True)
    assert answer.stdout == b"42\n"
    assert environments.ensure([], base=above.digest).digest == above.digest


def test_images_are_bound_resolved_and_unbound(environments, clock):
    one, other = environments.ensure([]), environments.adopt(environments.ensure([]).path)
    environments.bind("gcr.io/p/*", one.digest, source="build 1")
    bound = environments.bind("gcr.io/p/trainer:v1", other.digest, variables={"A": "b"}, workdir="/app")

    assert environments.resolve("gcr.io/p/trainer:v1") == bound
    assert environments.resolve("gcr.io/p/trainer:v2").environment == one.digest
    assert environments.resolve("python:3.11") is None
    assert [b.pattern for b in environments.bindings()] == ["gcr.io/p/*", "gcr.io/p/trainer:v1"]

    environments.unbind("gcr.io/p/trainer:v1")
    assert environments.resolve("gcr.io/p/trainer:v1").environment == one.digest
    with pytest.raises(NotFound, match="No image is bound"):
        environments.unbind("gcr.io/p/trainer:v1")


def test_binding_again_replaces(environments):
    one, other = environments.ensure([]), environments.adopt(environments.ensure([]).path)
    environments.bind("a", one.digest)
    environments.bind("a", other.digest)

    assert [b.environment for b in environments.bindings()] == [other.digest]


def test_an_environment_in_use_by_an_image_is_not_removed(environments):
    built = environments.ensure([])
    environments.bind("a", built.digest)
    with pytest.raises(FailedPrecondition, match="image a"):
        environments.remove(built.digest)

    environments.unbind("a")
    environments.remove(built.digest)
    assert environments.list() == []


def test_an_environment_is_not_bound_while_it_is_removed(environments, monkeypatch):
    built, read, binding = environments.ensure([]), environments.bindings, []

    def then_somebody_binds():
        found = read()
        if not binding:
            binding.append(pool.submit(environments.bind, "a", built.digest))
            wait(binding, timeout=0.3)
        return found

    with ThreadPoolExecutor() as pool:
        monkeypatch.setattr(environments, "bindings", then_somebody_binds)
        environments.remove(built.digest)
        with pytest.raises(NotFound, match="no environment"):
            binding[0].result()

    assert read() == []


def test_only_what_exists_can_be_bound(environments):
    with pytest.raises(NotFound):
        environments.bind("a", "0000")
    with pytest.raises(InvalidArgument, match="image name"):
        environments.bind("", environments.ensure([]).digest)


def test_an_image_whose_environment_cannot_be_used_any_more_is_told(environments):
    built = environments.ensure([])
    adopted = environments.adopt(built.path)
    environments.bind("trainer", adopted.digest)
    environments.bind("trainer:v2", built.digest)
    assert environments.broken() == {}

    built.python.unlink()  # which the adopted one is the same file as

    gone = f"the interpreter of its environment, {built.python}, is gone"
    said = f"the interpreter of its environment, {adopted.python}, is gone"
    assert environments.broken() == {"trainer": said, "trainer:v2": gone}


def test_an_image_whose_environment_was_removed_by_hand_is_told(environments, tmp_path):
    built = environments.ensure([])
    environments.bind("trainer", built.digest)
    built.path.rename(tmp_path / "elsewhere")

    assert environments.broken() == {"trainer": f"the environment {built.path} is gone or damaged"}
