"""Where tasks work."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from trainshed import ir
from trainshed.environments import Binding, Environment
from trainshed.errors import FailedPrecondition, InvalidArgument
from trainshed.ir import Python, Shell
from trainshed.runs.workplace import NoImages, Workplace, Workplaces

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


DIGEST = "sha256:" + "9c" * 32
SOURCE = ["sh", "-c", "", "sh", "-ec", "python3 ephemeral_component.py", "def f(): pass"]
EXECUTOR = ["--executor_input", "{{$}}", "--function_to_execute", "f"]


class Unbound(Environments):
    def resolve(self, image):
        return None if "bound" not in image or "unbound" in image else super().resolve(image)


class Images:
    """A container engine that has every image but those that are told otherwise."""

    def __init__(self, **digests):
        self.digests = digests
        self.asked = []

    def is_there(self):
        return True

    def identify(self, image):
        self.asked.append(image)
        return self.digests.get(image, DIGEST)

    def refusal(self, image):
        return f"image {image!r} cannot be had" if "lost" in image else ""


def a_plan(image, *, command=("train",), args=()):
    container = {"image": image, "command": list(command), "args": list(args)}
    return ir.plan(
        ir.load_dict(
            {
                "schemaVersion": "2.1.0",
                "pipelineInfo": {"name": "p"},
                "root": {"dag": {"tasks": {"t": {"taskInfo": {"name": "t"}, "componentRef": {"name": "comp-t"}}}}},
                "components": {"comp-t": {"executorLabel": "exec-t"}},
                "deploymentSpec": {"executors": {"exec-t": {"container": container}}},
            }
        )
    )


def place_of(plan, images=None):
    (place,) = Workplaces(Unbound({"kfp": "2"}), images).of_plan(plan, is_new=True).values()
    return place


def test_an_image_that_is_not_bound_is_run_as_a_container():
    assert place_of(a_plan("gcr.io/p/unbound:1"), Images()) == Workplace(
        work=Shell(command=("train",)), environment=DIGEST, image="gcr.io/p/unbound:1"
    )


def test_a_bound_image_is_an_environment_whatever_engine_there_is():
    assert place_of(a_plan("gcr.io/p/bound:1"), Images()).image == ""


@pytest.mark.parametrize(
    ("image", "is_container"),
    [
        ("python:3.11", False),
        ("docker.io/library/python:3.9-slim", False),
        ("{{$.inputs.parameters['image']}}", False),
        ("tensorflow/tensorflow:2.17.0", True),
    ],
)
def test_lightweight_python_works_in_an_environment_where_any_python_will_do(image, is_container):
    place = place_of(a_plan(image, command=SOURCE, args=EXECUTOR), Images())

    assert (place.image != "") == is_container


def test_without_an_engine_an_unbound_image_is_refused():
    with pytest.raises(InvalidArgument, match=r"gcr.io/p/unbound:1.*stands for nothing.*images bind") as caught:
        place_of(a_plan("gcr.io/p/unbound:1"))
    assert caught.value.reason == "IMAGE_UNBOUND"


def test_an_image_is_looked_at_anew_for_each_run_and_not_when_a_run_is_taken_up():
    images = Images()
    workplaces, plan = Workplaces(Unbound({}), images), a_plan("unbound:1")
    workplaces.of_plan(plan, is_new=True)
    images.digests["unbound:1"] = "sha256:moved"

    assert workplaces.of_plan(plan)["comp-t"].environment == DIGEST
    assert workplaces.of_plan(plan, is_new=True)["comp-t"].environment == "sha256:moved"


def test_an_image_that_is_an_input_is_not_looked_for_before_it_is_known():
    images = Images()

    assert place_of(a_plan("{{$.inputs.parameters['image']}}"), images).environment == ""
    assert images.asked == []


def test_a_machine_without_an_engine_has_no_images():
    assert NoImages().identify("x") == ""
    with pytest.raises(FailedPrecondition, match="needs a container engine"):
        NoImages().obtain("x", print)


def test_an_image_that_cannot_be_had_refuses_a_new_run_by_its_tasks_name():
    images = Images(**{"gcr.io/p/lost:1": "", "gcr.io/p/coming:1": ""})
    places = Workplaces(Unbound({"kfp": "2"}), images)

    assert places.of_plan(a_plan("gcr.io/p/coming:1"), is_new=True)
    with pytest.raises(InvalidArgument, match="task 't': image 'gcr.io/p/lost:1' cannot be had"):
        places.of_plan(a_plan("gcr.io/p/lost:1"), is_new=True)
    assert places.of_plan(a_plan("gcr.io/p/lost:1"))["comp-t"].environment == ""  # a run that is open has been let in
