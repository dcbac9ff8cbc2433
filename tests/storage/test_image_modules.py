"""Containerised components are found by what their image says."""

from datetime import UTC, datetime

import pytest

from trainshed import ir
from trainshed.environments import Binding
from trainshed.runs import image_modules


def an_image(folder, config="", **more):
    (folder / "app").mkdir()
    if config:
        (folder / "app/kfp_config.ini").write_text(config)
    now = datetime(2026, 1, 1, tzinfo=UTC)
    return Binding(pattern="i", environment="e", update_time=now, snapshot=str(folder), workdir="/app", **more)


@pytest.mark.parametrize(
    ("config", "function", "module"),
    [
        ("[Components]\ntrain = steps/train.py\n", "train", "app/steps/train.py"),
        ("[Components]\nTrain = %s.py\n", "Train", "app/%s.py"),  # capitals count, nothing is put in
        ("[Components]\ntrain = /app/train.py\n", "train", "app/train.py"),
        ("[Components]\ntrain = train.py\n", "other", ""),
        ("[Other]\n", "train", ""),
        ("train = train.py", "train", ""),
        ("", "train", ""),
    ],
)
def test_the_config_of_an_image_says_in_which_file_a_function_is(tmp_path, config, function, module):
    found = image_modules.located(ir.Python(function=function), an_image(tmp_path, config))

    assert found.module == (str(tmp_path / module) if module else "")
    assert image_modules.is_lost(found) == (not module)


@pytest.mark.parametrize(("path", "module"), [("train.py", "app/train.py"), ("/app/train.py", "app/train.py")])
def test_a_path_in_the_command_is_a_path_in_the_image(tmp_path, path, module):
    found = image_modules.located(ir.Python(function="train", module=path), an_image(tmp_path))

    assert found.module == str(tmp_path / module)


def test_what_is_lost_is_said_with_the_way_out():
    container = {"container": {"image": "gcr.io/p/app:1"}}
    task = ir.Task(name="t", component="t", display_name="t", executor=container)

    said = image_modules.missing("deep.t", task, ir.Python(function="train"))

    assert said.path == "tasks.deep.t"
    assert "'train' out of image 'gcr.io/p/app:1', whose kfp_config.ini does not say in which file" in said.message
    assert "builds submit" in said.message


def test_other_components_stay_as_they_are(tmp_path):
    image = an_image(tmp_path)

    for work in (ir.Python(function="f", source="x"), ir.Shell(command=("true",))):
        assert image_modules.located(work, image) is work
        assert not image_modules.is_lost(work)
