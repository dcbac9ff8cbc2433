"""Custom jobs are runs of one task: what their worker gets, how their state follows, what is refused."""

import importlib.util
import json
import sys
from pathlib import Path

import pytest

from trainshed.errors import FailedPrecondition, InvalidArgument, NotFound
from trainshed.ledger import Cause
from trainshed.lineage import Wanted
from trainshed.runners.contract import ExitedNonZero
from trainshed.runners.scripted import Act
from trainshed.runs.custom_jobs import NewCustomJob, Service

_spec = importlib.util.spec_from_file_location("runs_world", Path(__file__).with_name("runs_world.py"))
runs_world = sys.modules.setdefault("runs_world", importlib.util.module_from_spec(_spec))
if not hasattr(runs_world, "World"):
    _spec.loader.exec_module(runs_world)

PARENT = runs_world.PARENT
IMAGE = "gcr.io/p/trainer"


def a_pool(**more):
    container = {"imageUri": IMAGE, "command": ["python3", "train.py"], "args": ["--data", "/gcs/b/raw.csv"], **more}
    return {"machineSpec": {"machineType": "n1-standard-4"}, "replicaCount": "1", "containerSpec": container}


def a_job(*pools, name="train", **more):
    spec = {"workerPoolSpecs": list(pools) or [a_pool()], **more}
    return NewCustomJob(parent=PARENT, display_name=name, spec=spec, labels={"kind": "test"})


@pytest.fixture
def world(db, clock, tmp_path):
    world = runs_world.World(db, clock, tmp_path)
    world.environments.bind(IMAGE)
    world.jobs, world.launched = Service(world.service), []

    def script(launch):
        world.launched.append(launch)
        return Act(output="{}")

    world.script = script
    return world


def test_a_job_runs_its_command_with_what_vertex_sets_in_its_environment(world):
    env = [{"name": "MINE", "value": "1"}, {"name": "TF_CONFIG", "value": "own"}]
    made = world.jobs.create(
        a_job(a_pool(env=env), baseOutputDirectory={"outputUriPrefix": "gs://out/base"}, scheduling={"timeout": "60s"})
    )

    world.finish(made.run)

    (launch,) = world.launched
    found = world.jobs.get(made.name)
    assert found.run.state == "SUCCEEDED"
    assert launch.work.arguments == ["python3", "train.py", "--data", f"{world.blobs.root}/b/raw.csv"]
    expected = {
        "AIP_MODEL_DIR": "gs://out/base/model/",
        "AIP_CHECKPOINT_DIR": "gs://out/base/checkpoints/",
        "AIP_TENSORBOARD_LOG_DIR": "gs://out/base/logs/",
        "CLOUD_ML_JOB_ID": made.number,
        "CLOUD_ML_PROJECT_ID": "local-project",
        "MINE": "1",
        "TF_CONFIG": "own",
    }
    assert {key: launch.variables.get(key) for key in expected} == expected
    assert json.loads(launch.variables["CLUSTER_SPEC"])["task"] == {"type": "workerpool0", "index": 0}
    assert launch.limits.timeout_seconds == 60
    (task,) = world.service.describe(made.run.name).tasks
    assert (task.cpus, task.machine_type) == (4.0, "n1-standard-4")


def test_a_python_package_is_installed_below_the_module(world):
    world.put("gs://code/trainer-0.1.tar.gz", b"sdist")
    package = {
        "executorImageUri": IMAGE,
        "packageUris": ["gs://code/trainer-0.1.tar.gz"],
        "pythonModule": "trainer.task",
        "args": ["--epochs", "3"],
    }

    made = world.jobs.create(a_job({"pythonPackageSpec": package}))
    world.finish(made.run)

    (launch,) = world.launched
    assert launch.work.arguments == ["python3", "-m", "trainer.task", "--epochs", "3"]
    assert [lines[-1] for lines in world.environments.built] == [f"{world.blobs.root}/code/trainer-0.1.tar.gz"]
    assert world.states(made.run) == {"workerpool0": "SUCCEEDED", "package-0": "SUCCEEDED"}


def test_a_package_that_is_not_there_is_refused(world):
    package = {"executorImageUri": IMAGE, "packageUris": ["gs://code/none.tar.gz"], "pythonModule": "m"}

    with pytest.raises(InvalidArgument, match="there is no object 'gs://code/none.tar.gz'"):
        world.jobs.create(a_job({"pythonPackageSpec": package}))


def test_a_failed_job_says_why(world):
    world.script = lambda launch: Act(outcome=ExitedNonZero(code=3, message="bad luck"))

    done = world.finish(world.jobs.create(a_job()).run)

    assert (done.state, done.error) == ("FAILED", "Task 'workerpool0' failed: exited with code 3: bad luck")


@pytest.mark.parametrize(
    "forget",
    [lambda world, job: world.jobs.delete(job.name), lambda world, job: world.service.delete(job.run.name)],
    ids=["the job", "its run"],
)
def test_a_job_is_cancelled_and_then_forgotten_with_its_run(world, forget):
    made = world.jobs.create(a_job())

    with pytest.raises(FailedPrecondition, match="cancel it first"):
        world.jobs.delete(made.name)
    world.jobs.cancel(made.name)
    assert world.finish(made.run).state == "CANCELLED"
    forget(world, made)

    for read in (lambda: world.jobs.get(made.name), lambda: world.service.get(made.run.name)):
        with pytest.raises(NotFound):
            read()


def test_an_event_makes_a_job_once(world):
    cause = Cause(key="projects/p/subscriptions/s#1", kind="message")

    first, again = (world.jobs.create(a_job(), cause) for _ in range(2))

    assert first.name == again.name
    assert len(world.service.list()[0]) == 1


def test_jobs_are_listed_by_filter_and_order_and_are_no_pipelines(world):
    for name in ("b", "a", "c"):
        world.jobs.create(a_job(name=name))
        world.clock.advance(1)

    def listed(**wanted):
        found, token = world.jobs.list(PARENT, Wanted(**wanted))
        return [job.display_name for job in found], token

    first, token = listed(page_size=2)
    assert first + listed(page_size=2, page_token=token)[0] == ["c", "a", "b"]
    assert listed(order_by="display_name")[0] == ["a", "b", "c"]
    assert listed(filter='displayName="a" AND state="JOB_STATE_PENDING" AND labels.kind=test')[0] == ["a"]
    assert listed(filter='state="JOB_STATE_FAILED"')[0] == []
    assert len(world.service.list(PARENT)[0]) == 3
    assert world.service.list(PARENT, has_custom_jobs=False, page_size=1) == ([], "")


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        ({"workerPoolSpecs": []}, "jobSpec.workerPoolSpecs: is missing"),
        ({"workerPoolSpecs": [{**a_pool(), "replicaCount": "2"}]}, "jobSpec.workerPoolSpecs: asks for 2 workers at once"),
        ({"workerPoolSpecs": [a_pool(), a_pool()]}, "jobSpec.workerPoolSpecs: asks for 2 workers at once"),
        ({"workerPoolSpecs": [{"machineSpec": {}}]}, "jobSpec.workerPoolSpecs[0]: give either a containerSpec"),
        ({"workerPoolSpecs": [{"pythonPackageSpec": {}}]}, "jobSpec.workerPoolSpecs[0].pythonPackageSpec.pythonModule: is missing"),
        ({"workerPoolSpecs": [a_pool(imageUri="")]}, "jobSpec.workerPoolSpecs[0].containerSpec.imageUri: is missing"),
        ({"workerPoolSpecs": [a_pool(env=[{"name": "A=B"}])]}, "jobSpec.workerPoolSpecs[0].containerSpec.env[0].name"),
        ({"workerPoolSpecs": [{"pythonPackageSpec": {"executorImageUri": IMAGE, "packageUris": ["x"], "pythonModule": "m"}}]},
         "jobSpec.workerPoolSpecs[0].pythonPackageSpec.packageUris: 'x' is not a gs:// location"),
        ({"workerPoolSpecs": [a_pool()], "baseOutputDirectory": {"outputUriPrefix": "/tmp"}},
         "jobSpec.baseOutputDirectory.outputUriPrefix: '/tmp' is not a gs:// location"),
        ({"workerPoolSpecs": [a_pool()], "persistentResourceId": "mine"}, "jobSpec.persistentResourceId: leave it out"),
        ({"workerPoolSpecs": [a_pool(imageUri="gcr.io/p/unbound")]}, "image 'gcr.io/p/unbound', which stands for nothing"),
    ],
)  # fmt: skip
def test_what_cannot_run_here_is_refused_by_the_name_of_its_field(world, spec, field):
    with pytest.raises(InvalidArgument) as raised:
        world.jobs.create(NewCustomJob(parent=PARENT, display_name="x", spec=spec))

    assert field in raised.value.message


def test_a_training_pipeline_is_a_custom_job_with_a_document(world):
    made = world.jobs.create_pipeline(a_job(), {"trainingTaskDefinition": "…/custom_task_1.0.0.yaml"})
    with pytest.raises(FailedPrecondition, match="belongs to a training pipeline"):
        world.jobs.delete(made.job.name)

    assert world.finish(made.job.run).state == "SUCCEEDED"
    found, _ = world.jobs.list_pipelines(PARENT, Wanted(filter='state="PIPELINE_STATE_SUCCEEDED"'))
    world.jobs.delete_pipeline(made.name)

    assert [p.name for p in found] == [made.name]
    assert world.jobs.list(PARENT, Wanted())[0] == []
