"""Where tasks work."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from trainshed.environments import Binding, Environment
from trainshed.ir import Python
from trainshed.runs.workplace import Workplaces

COMPONENT = Python(function="f", source="def f(): pass")


class Environments:
    def __init__(self, installed):
        self.installed = installed

    def key(self, lines, *, python="", base=""):
        return f"{base}+{','.join(lines)}"

    def get(self, digest):
        return Environment(digest=digest, path=Path("/"), python=Path("/"), requirements=(), installed=self.installed)

    def ensure(self, lines, *, python="", base="", log=None):
        raise AssertionError("nothing is built to find a workplace")

    def resolve(self, image):
        return Binding(pattern=image, environment="image", update_time=datetime(2026, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("installed", "environment", "requirements"),
    [({"kfp": "2.16.1"}, "image", ()), ({"numpy": "2"}, "image+kfp --no-deps", ("kfp --no-deps",))],
)
def test_an_image_that_has_kfp_is_used_as_it_is(installed, environment, requirements):
    workplaces = Workplaces(Environments(installed))

    place = workplaces._place(COMPONENT, Environments(installed).resolve("gcr.io/p/image:1"))

    assert (place.environment, place.requirements) == (environment, requirements)
