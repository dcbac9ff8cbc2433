"""What is said of images that stand for nothing here."""

import platform

import pytest

from trainshed import ir
from trainshed.runs import unbound

MODULE = "tfx.orchestration.kubeflow.v2.container.kubeflow_v2_run_executor"


def a_task(name, *, image="gcr.io/p/tfx:1", executor="tfx.components.Executor", **more):
    command = ["python", "-m", MODULE, "--executor_class_path", executor] if executor else ["run"]
    container = {"image": image, "command": command[:3], "args": command[3:]}
    return ir.Task(name=name, component=name, display_name=name, executor={"container": container}, **more)


def said_of(*tasks, sdk="tfx-1.21.0"):
    root = ir.Dag(component="root", tasks={task.name: task for task in tasks})
    plan = ir.Plan(name="p", schema_version="2.0.0", root=root, parameters={}, sdk_version=sdk)
    return {f.path: f.message for f in unbound.findings(dict(root.tasks), plan)}


def test_a_plain_command_names_its_image_and_how_to_bind_it():
    found = said_of(a_task("copy", image="busybox", executor=""))

    assert list(found) == ["tasks.copy"]
    assert "`trainshed images bind busybox --packages …`" in found["tasks.copy"]


def test_each_task_of_tfx_is_named_and_each_image_has_one_way_out():
    found = said_of(
        a_task("Gen"), a_task("Gen.driver", drives="Gen"), a_task("Train"), a_task("Own", image="gcr.io/p/own")
    )

    assert list(found) == ["tasks.Gen", "tasks.Train", "tasks.Own", "images.gcr.io/p/tfx:1", "images.gcr.io/p/own"]
    assert "task 'Gen' runs TFX's tfx.components.Executor" in found["tasks.Gen"]
    assert (
        "`trainshed images bind gcr.io/p/tfx:1 --packages 'tfx[kfp]==1.21.0' --python 3.11`"
        in found["images.gcr.io/p/tfx:1"]
    )


def test_the_pipelines_own_code_is_not_forgotten():
    found = said_of(a_task("Gen"), a_task("Params", executor="utils.custom.params_Executor"))

    assert "task 'Params' runs utils.custom.params_Executor through TFX" in found["tasks.Params"]
    assert "the pipeline's own 'utils.custom'" in found["images.gcr.io/p/tfx:1"]
    assert "`trainshed builds submit FOLDER --tag gcr.io/p/tfx:1`" in found["images.gcr.io/p/tfx:1"]


def test_a_version_that_was_never_released_is_not_asked_for():
    found = said_of(a_task("Gen"), sdk="tfx-0.30.0.dev")

    assert "--packages 'tfx[kfp]' " in found["images.gcr.io/p/tfx:1"]


@pytest.mark.parametrize(
    ("libc", "words"),
    [
        (("glibc", "2.36"), "cannot be installed on this machine, which has 2.36: use one with Debian 13"),
        (("glibc", "2.41"), "which this machine has (2.41)"),
        (("", ""), "which this machine does not have"),
    ],
)
def test_whether_tfx_can_be_installed_on_this_machine_is_said(monkeypatch, libc, words):
    monkeypatch.setattr(platform, "libc_ver", lambda: libc)

    assert words in said_of(a_task("Gen"))["images.gcr.io/p/tfx:1"]
