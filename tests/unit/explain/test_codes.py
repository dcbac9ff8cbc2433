"""Is the commit of a run's code the nearest that is known, and is it said why where nobody knows one?"""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from trainshed.environments import Binding
from trainshed.errors import NotFound
from trainshed.explain.codes import Codes
from trainshed.explain.model import Commit, Source

NOW = datetime(2026, 1, 1, tzinfo=UTC)
PUSHED, BUILT, CLONED = (Commit(repository="r", sha=letter * 40) for letter in "abc")
IMAGE, BUILD = "gcr.io/p/trainer:1", "495f42ee-7078-406c-b7da-70d42bf0a424"
CLONING = {"steps": [{"name": "gcr.io/cloud-builders/git", "args": ["clone", "url"], "id": "Clone Repository"}]}
UNRECORDED = "of which commit is not recorded"
RAN = SimpleNamespace(code={"image": IMAGE}, create_time=NOW)


def codes(*, binding=None, build=None, commit=None, chain=None):
    def get(number):
        if build is None:
            raise NotFound(number)
        return build

    service = SimpleNamespace(get=get)
    return Codes(service, {IMAGE: binding}.get, of_chain=lambda _: chain, of_build=lambda _: commit)


def bound(source=f"build {BUILD}", when=NOW):
    return Binding(pattern=IMAGE, environment="1f", source=source, update_time=when)


def made(**resolved):
    return SimpleNamespace(name=f"projects/p/locations/l/builds/{BUILD}", resolved=resolved)


def read(found, sources=(), executions=(RAN,)):
    return found.read([], sources, lambda: executions)


def test_the_event_comes_before_files_and_files_before_the_image():
    code = Source(uri="gs://b/trainer.py", generation="1", commit=BUILT)
    world = {"binding": bound(), "build": made(), "commit": CLONED}

    assert read(codes(chain=PUSHED, **world), [code]).commit == PUSHED
    assert read(codes(**world), [code]).commit == BUILT
    assert read(codes(**world)).commit == CLONED


def test_a_commit_known_by_the_image_says_so_and_names_its_build():
    found = read(codes(binding=bound(), build=made(), commit=CLONED))

    assert found.build == made().name
    assert found.says == f"by build 495f42ee, which made its image {IMAGE}"


@pytest.mark.parametrize(
    ("world", "says"),
    [
        ({}, f"its tasks ran in image {IMAGE}, which no build made here"),
        ({"binding": bound("user")}, f"its image {IMAGE} was bound to an environment by hand"),
        ({"binding": bound(when=NOW + timedelta(1))}, f"its image {IMAGE} was made anew since"),
        ({"binding": bound()}, f"build 495f42ee, which made its image {IMAGE}, is gone"),
        ({"binding": bound(), "build": made()}, f"build 495f42ee, which made its image {IMAGE}, was of no commit"),
        (
            {"binding": bound(), "build": made(**CLONING)},
            f'step "Clone Repository" of build 495f42ee cloned the code of its image {IMAGE}; {UNRECORDED}',
        ),
    ],
)
def test_where_nobody_knows_the_commit_it_is_said_why(world, says):
    found = read(codes(**world))

    assert (found.commit, found.says) == (None, says)
    assert found.brief


def test_a_run_without_images_says_so_and_an_image_with_a_commit_counts_among_others():
    other = SimpleNamespace(code={"image": "other"}, create_time=NOW)

    assert read(codes(), executions=[]).says == "no task of it ran in an image"
    assert read(codes(binding=bound(), build=made(), commit=CLONED), executions=[other, RAN]).commit == CLONED
