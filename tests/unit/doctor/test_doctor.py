"""Each of the seed's ten defects is found where it is, and nothing is found in a project that has none."""

import json
from pathlib import Path

import pytest

from trainshed.doctor import KINDS, examine

EXAMPLES = Path(__file__).parents[3] / "examples"


@pytest.fixture
def project(tmp_path):
    def write(**files):
        for name, text in files.items():
            path = tmp_path / name.replace("__", "/").replace("_dot_", ".")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return [(d.kind.code, f"{d.path}:{d.line}") for d in examine(tmp_path)]

    return write


def notebook(*cells):
    sources = [cell.splitlines(keepends=True) for cell in cells]
    return json.dumps({"cells": [{"cell_type": "code", "source": s} for s in sources]}, indent=1)


CONFIG = """
import os
DATA_ROOT = os.getenv("DATA_ROOT")
MODULE_ROOT = os.environ["MODULE_ROOT"]
SERVING_DIR = os.environ.get("MODULE_ROOT")
PROJECT_ID = os.getenv("PROJECT")
"""

FUNCTION = """
import os
def start(event, context):
    project = os.getenv("PROJECT")
    if not project:
        raise ValueError("Set GCP_PROJECT.")
    client().create_run_from_job_spec(job_spec_path="x", enable_caching=True)
"""

PIPELINE = """
def make():
    trainer = Trainer(module_file="m")
    pusher = tfx.components.Pusher(model=trainer.outputs["model"])
    spec = {
        "image_uri": "gcr.io/tfx-oss-public/tfx:{}".format(version),
    }
"""


def test_d1_a_setting_read_from_another_settings_variable(project):
    assert project(config_dot_py=CONFIG) == [("D1", "config.py:5")]


def test_d2_an_error_that_names_another_variable(project):
    assert ("D2", "main.py:6") in project(main_dot_py=FUNCTION)


def test_d2_an_error_that_names_the_variable_read_is_fine(project):
    found = project(main_dot_py=FUNCTION.replace("Set GCP_PROJECT.", "Set PROJECT, not GCP_PROJECT."))
    assert "D2" not in {code for code, _ in found}


def test_d3_a_function_of_a_topic_deployed_without_retry(project):
    deploy = "import os\n!gcloud functions deploy f \\\n    --trigger-topic=t \\\n    --runtime=python311"

    assert project(n_dot_ipynb=notebook("x = 1", deploy)) == [("D3", "n.ipynb:13")]
    assert project(n_dot_ipynb=notebook(deploy + " --retry")) == []


def test_d3_in_a_build_step_and_in_a_script(project):
    step = (
        "steps:\n- name: x\n- name: gcr.io/cloud-builders/gcloud\n  args: [functions, deploy, f, --trigger-topic, t]\n"
    )

    found = project(
        cloudbuild_dot_yaml=step, deploy_dot_sh="set -e\ngcloud beta functions deploy f \\\n  --trigger-topic t\n"
    )
    assert found == [("D3", "cloudbuild.yaml:3"), ("D3", "deploy.sh:2")]


def test_d4_a_function_that_never_looks_at_the_events_id(project):
    assert ("D4", "fn/main.py:3") in project(fn__main_dot_py=FUNCTION)

    aware = FUNCTION.replace('job_spec_path="x"', "job_id=context.event_id")
    assert "D4" not in {code for code, _ in project(fn__main_dot_py=aware)}


def test_d5_a_schedule_that_sends_the_same_to_a_cached_run(project):
    create = "gcloud scheduler jobs create pubsub j --schedule '*/3 * * * *' --topic t\n"

    assert ("D5", "main.py:7") in project(main_dot_py=FUNCTION, schedule_dot_sh=create)
    assert "D5" not in {code for code, _ in project(schedule_dot_sh="")}, "without a schedule caching is right"


@pytest.mark.parametrize(
    ("cell", "line"),
    [
        ('data = \'{"num_epochs": "3", "note": "x"}\'', 6),
        ('data = {"num_epochs": "3"}\nmessage = json.dumps(data)', 6),
        ('!gcloud pubsub topics publish t --message \'{"num_epochs": "3"}\'', 6),
    ],
)
def test_d6_numbers_published_as_strings(project, cell, line):
    assert project(n_dot_ipynb=notebook(cell)) == [("D6", f"n.ipynb:{line}")]


@pytest.mark.parametrize(
    "cell", ['data = {"num_epochs": 3}\njson.dumps(data)', 'data = \'{"name": "v1"}\'', 'sizes = {"a": "3"}']
)
def test_d6_other_strings_are_fine(project, cell):
    assert project(n_dot_ipynb=notebook(cell)) == []


def test_d7_a_pusher_without_an_evaluation(project):
    assert ("D7", "p.py:4") in project(p_dot_py=PIPELINE)
    assert "D7" not in {c for c, _ in project(p_dot_py=PIPELINE.replace("pusher =", "Evaluator(model)\n    pusher ="))}


def test_d8_a_public_image_for_the_workers_of_a_project_that_builds_its_own(project):
    assert "D8" not in {code for code, _ in project(p_dot_py=PIPELINE)}
    assert ("D8", "p.py:6") in project(p_dot_py=PIPELINE, Dockerfile="FROM python:3.11\n")


def test_d9_everything_that_is_retired(project):
    found = project(
        requirements_dot_txt="google-cloud-storage\nkfp==1.6.2\ntfx==1.0.0\n",
        Dockerfile="FROM gcr.io/tfx-oss-public/tfx:1.0.0\n",
        main_dot_py="from kfp.v2.google.client import AIPlatformClient\n",
        pipeline_dot_py='spec = {"accelerator_type": "NVIDIA_TESLA_K80"}\n',
        deploy_dot_sh="gcloud functions deploy f --runtime=python37\n",
        names_dot_py='IMAGE = f"gcr.io/{PROJECT}/image:1"\n',
    )

    assert found == [
        ("D9", "Dockerfile:1"),
        ("D9", "deploy.sh:1"),
        ("D9", "main.py:1"),
        ("D9", "names.py:1"),
        ("D9", "pipeline.py:1"),
        ("D9", "requirements.txt:2"),
        ("D9", "requirements.txt:3"),
    ]


def test_d9_what_is_current_is_fine(project):
    assert project(
        requirements_dot_txt="kfp==2.16.1\ntfx==1.16.0\ngoogle-cloud-aiplatform\n",
        Dockerfile="FROM python:3.11\n",
        deploy_dot_sh="gcloud functions deploy f --runtime=python311 --retry --trigger-topic t\n",
    ) == []  # fmt: skip


@pytest.mark.parametrize(
    ("option", "is_defect"),
    [
        ('type=str, default="False"', True),
        ("type=bool, default=False", True),
        ('default="True"', True),
        ('action="store_true"', False),
        ('type=boolean, default="False"', False),
        ('type=str, default="cpu"', False),
    ],
)
def test_d10_a_switch_that_is_a_string(project, option, is_defect):
    code = f"import argparse\np = argparse.ArgumentParser()\np.add_argument(\n    '--use-gpu', {option}\n)\n"

    assert project(c_dot_py=code) == ([("D10", "c.py:3")] if is_defect else [])


@pytest.mark.parametrize("example", ["penguins", "batch_prediction", "model_monitoring"])
def test_nothing_is_found_in_the_examples(example):
    assert examine(EXAMPLES / example) == []


def test_files_that_cannot_be_read_are_passed_over(project, tmp_path):
    (tmp_path / "binary.py").write_bytes(b"\xff\xfe\0")
    (tmp_path / "link").symlink_to("/")

    assert (
        project(broken_dot_py="def (", broken_dot_yaml="a: [", broken_dot_ipynb="{", odd_dot_yaml="steps: {a: 1}") == []
    )


def test_each_kind_says_its_consequence_and_each_defect_its_fix(tmp_path):
    (tmp_path / "main.py").write_text(FUNCTION)

    assert list(KINDS) == [f"D{n}" for n in range(1, 11)]
    assert all(d.fix and d.kind.consequence and str(d).startswith("main.py:") for d in examine(tmp_path))
