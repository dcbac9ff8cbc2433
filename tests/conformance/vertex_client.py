"""What users of Vertex AI's SDK do, unmodified, against a real server: printed as JSON, one entry for each part.

Called as `vertex_client.py FOLDER IMAGE PART…`, below `trainshed exec`, with the server's own address in TRAINSHED_ADDRESS.
"""

import asyncio
import json
import os
import sys
import time
import types
import urllib.request

import google.auth
from google.api_core import exceptions
from google.auth.transport import requests
from google.cloud import aiplatform, aiplatform_v1
from kfp import compiler, dsl

folder, IMAGE, *parts = sys.argv[1:]
PARENT = "projects/local-project/locations/us-central1"
ROOT = "gs://local-project-pipelines/root"
PREBUILT = "us-docker.pkg.dev/vertex-ai/training/tf-cpu.2-12.py310:latest"
C = {"base_image": IMAGE, "install_kfp_package": False}
sleep = time.sleep
time.sleep = lambda seconds: sleep(min(seconds, 0.3))  # the SDK looks every five seconds


@dsl.component(**C)
def make(count: int, data: dsl.Output[dsl.Dataset]) -> int:
    with open(data.path, "w") as file:  # noqa: PTH123
        file.write("row\n" * count)
    data.metadata["rows"] = count
    return count


@dsl.component(**C)
def score(data: dsl.Input[dsl.Dataset], metrics: dsl.Output[dsl.Metrics]):
    metrics.log_metric("rows", len(open(data.path).readlines()))  # noqa: PTH123, SIM115


@dsl.component(**C)
def hold(seconds: int):
    import time

    time.sleep(seconds)


@dsl.pipeline(name="made")
def made(count: int = 2):
    score(data=make(count=count).outputs["data"])


@dsl.pipeline(name="given")
def given(data: dsl.Input[dsl.Dataset]):
    score(data=data)


@dsl.pipeline(name="held")
def held(seconds: int = 600):
    hold(seconds=seconds)


def job(name="made", **more):
    path = f"{folder}/{name}.json"
    return aiplatform.PipelineJob(template_path=path, pipeline_root=ROOT, **{"display_name": name, **more})


def until(find):
    for _ in range(600):
        if found := find():
            return found
        sleep(0.1)
    raise AssertionError("it did not happen")


def advance(seconds):
    """Move the server's clock."""
    request = urllib.request.Request(
        f"{os.environ['TRAINSHED_ADDRESS']}/trainshed/v1/clock:advance", json.dumps({"seconds": seconds}).encode()
    )
    return urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=90).status


def pool(code, **more):
    container = {"image_uri": IMAGE, "command": ["python3", "-c", code], **more}
    return [{"machine_spec": {"machine_type": "n1-standard-4"}, "replica_count": 1, "container_spec": container}]


def pipelines():
    one = job(parameter_values={"count": 3}, failure_policy="fast", labels={"kind": "first"})
    one.submit(experiment="tuning")
    one.wait()
    advance(1)
    two = one.clone(display_name="again", job_id="the-clone")
    two.run(sync=True)
    advance(1)
    three = job(display_name="anew", parameter_values={"count": 3}, enable_caching=False)
    three.run()
    listed = aiplatform.PipelineJob.list(
        filter='pipeline_name="made" AND state="PIPELINE_STATE_SUCCEEDED"',
        order_by="create_time",
        enable_simple_view=True,
    )
    simple = listed[0].to_dict()
    found = aiplatform.PipelineJob.get(one.resource_name)
    return {
        "states": [each.state.name for each in (one, two, three)],
        "tasks": [sorted(t.state.name for t in each.task_details) for each in (one, two, three)],
        "made": [a.uri for t in found.task_details for o in t.outputs.values() for a in o.artifacts],
        "policy": found.to_dict()["runtimeConfig"]["failurePolicy"],
        "experiment": one.get_associated_experiment().name,
        "listed": [each.display_name for each in listed],
        "newest first": [j.display_name for j in aiplatform.PipelineJob.list(order_by="create_time desc")][-1],
        "labelled": [j.display_name for j in aiplatform.PipelineJob.list(filter='labels.kind="first"')],
        "simple": [sorted(simple), list(simple["pipelineSpec"])],
    }


def ended():
    one = job("held")
    one.submit()
    one.cancel()
    state = until(lambda: one.state.name == "PIPELINE_STATE_CANCELLED" and one.state.name)
    one.delete()
    try:
        aiplatform.PipelineJob.get(one.resource_name)
    except exceptions.NotFound as error:
        return [state, error.code]


def inputs():
    data = aiplatform.Artifact.list(filter='schema_title="system.Dataset"')[0]
    one = job("given", input_artifacts={"data": data.name})
    one.run()
    read = aiplatform.Execution.list(filter='display_name="score"', order_by="create_time desc")[0]
    return [one.state.name, [a.name == data.name for a in read.get_input_artifacts()]]


def schedules():
    schedule = job().create_schedule(
        cron="TZ=Etc/UTC 0 * * * *", display_name="hourly", max_run_count=3, max_concurrent_run_count=2
    )
    advance(3600)  # one due time
    until(lambda: [j for j in schedule.list_jobs() if j.state.name == "PIPELINE_STATE_SUCCEEDED"])
    schedule.pause()
    paused = schedule.state.name
    schedule.resume()
    schedule.update(display_name="often", cron="*/10 * * * *")
    again = aiplatform.PipelineJobSchedule.get(schedule.resource_name)
    listed = [s.display_name for s in aiplatform.PipelineJobSchedule.list(filter='display_name="often"')]
    changed = [again.display_name, again.cron, listed]
    until(lambda: advance(600) and schedule.state.name == "COMPLETED")
    runs = schedule.list_jobs(order_by="create_time")
    full = aiplatform.PipelineJob.get(runs[0].resource_name).to_dict()
    name = schedule.resource_name
    schedule.wait()
    schedule.delete()
    return {
        "paused": paused,
        "changed": changed,
        "runs": len(runs),
        "named": full["scheduleName"] == name,
        "left": [s.display_name for s in aiplatform.PipelineJobSchedule.list()],
    }


def custom_jobs():
    shows = "import os; print('trained', os.environ['AIP_MODEL_DIR'], os.environ['A'])"
    one = aiplatform.CustomJob(
        display_name="train", worker_pool_specs=pool(shows, env=[{"name": "A", "value": "b"}]), labels={"kind": "test"}
    )
    one.run(sync=True)
    two = aiplatform.CustomJob(display_name="fails", worker_pool_specs=pool("raise SystemExit('bad luck')"))
    try:
        two.run()
    except RuntimeError as raised:
        error = str(raised)
    three = aiplatform.CustomJob(display_name="slow", worker_pool_specs=pool("import time; time.sleep(600)"))
    three.submit()
    until(lambda: three.state.name == "JOB_STATE_RUNNING")
    three.cancel()
    until(lambda: three.state.name == "JOB_STATE_CANCELLED")
    got = aiplatform.CustomJob.get(one.resource_name)
    found = {
        "state": got.state.name,
        "labels": dict(got.labels),
        "error": error,
        "listed": sorted(j.display_name for j in aiplatform.CustomJob.list(order_by="create_time desc")),
        "failed": [j.display_name for j in aiplatform.CustomJob.list(filter='state="JOB_STATE_FAILED"')],
        "pipelines": [j.name for j in aiplatform.PipelineJob.list() if "custom" in j.name],
    }
    one.delete()
    return {**found, "left": sorted(j.display_name for j in aiplatform.CustomJob.list())}


def training():
    one = aiplatform.CustomContainerTrainingJob(
        display_name="contained", container_uri=IMAGE, command=["python3", "-c", "print('contained')"]
    )
    model = one.run(replica_count=1, machine_type="n1-standard-4", sync=True)
    return [model, one.state.name, [j.display_name for j in aiplatform.CustomContainerTrainingJob.list()]]


def scripts():
    """Package a script, as a custom job and as a training job: their environments are built."""
    path = f"{folder}/task.py"
    with open(path, "w") as file:  # noqa: PTH123
        file.write("import os, sys\nprint('script', sys.argv[1:], os.environ['B'])\n")
    one = aiplatform.CustomJob.from_local_script(
        display_name="script", script_path=path, container_uri=PREBUILT, args=["--epochs", "3"],
        environment_variables={"B": "c"},
    )  # fmt: skip
    one.run()
    two = aiplatform.CustomTrainingJob(display_name="scripted", script_path=path, container_uri=PREBUILT)
    two.run(environment_variables={"B": "d"}, args=["x"], replica_count=1)
    return [one.resource_name, one.state.name, two.state.name]


class Frame(list):
    """As much of a pandas frame as the SDK asks for."""

    columns = ()

    def reindex(self, columns, axis):
        return self


def experiments():
    aiplatform.init(project="local-project", location="us-central1", experiment="rates", experiment_tensorboard=False)
    for rate in (0.1, 0.2):
        with aiplatform.start_run(f"run-{rate}".replace(".", "-")):
            aiplatform.log_params({"rate": rate})
            aiplatform.log_metrics({"loss": 1 - rate})
    sys.modules["pandas"] = types.SimpleNamespace(DataFrame=Frame)
    rows = aiplatform.get_experiment_df("rates")
    return sorted([row["run_name"], row["state"], row["param.rate"], row["metric.loss"]] for row in rows)


def unserved():
    try:
        aiplatform.HyperparameterTuningJob.list()
    except exceptions.GoogleAPICallError as error:
        return [int(error.code), "is not served here" in error.message]


def rest():
    where = {"project": "local-project", "location": "us-central1", "staging_bucket": "gs://local-project-staging"}
    aiplatform.init(**where, api_transport="rest")
    one = job(display_name="by rest", parameter_values={"count": 1})
    one.submit()
    one.wait()
    schedule = one.create_schedule(cron="0 0 1 1 *", display_name="yearly")
    schedule.pause()
    state = schedule.state.name
    schedule.delete()
    custom = aiplatform.CustomJob(display_name="by rest", worker_pool_specs=pool("print('hello')"))
    custom.run()
    return [one.state.name, state, custom.state.name]


def first_client():
    """Post what kfp 1.x's AIPlatformClient posts: a whole job, typed parameters, to the beta of the interface."""
    credentials, _ = google.auth.default(scopes=["https://www.googleapis.com/auth/cloud-platform"])
    session = requests.AuthorizedSession(credentials)
    with open(f"{folder}/made.json") as file:  # noqa: PTH123
        document = json.load(file)
    config = {"gcsOutputDirectory": ROOT, "parameters": {"count": {"intValue": "4"}}}
    body = {"displayName": "first", "pipelineSpec": document, "labels": {"l": "m"}, "runtimeConfig": config}
    url = f"https://us-central1-aiplatform.googleapis.com/v1beta1/{PARENT}/pipelineJobs"
    made = session.post(url, params={"pipelineJobId": "first-client"}, json=body, timeout=60).json()

    def state():
        return session.get(f"{url}/first-client", timeout=60).json()["state"]

    until(lambda: state() == "PIPELINE_STATE_SUCCEEDED")
    return [made["name"].rsplit("/", 1)[-1], state(), made["runtimeConfig"]["parameterValues"], made["labels"]]


def by_async():
    async def ask():
        options = {"api_endpoint": "us-central1-aiplatform.googleapis.com"}
        asked = aiplatform_v1.PipelineServiceAsyncClient(client_options=options)
        jobs = aiplatform_v1.JobServiceAsyncClient(client_options=options)
        with open(f"{folder}/made.json") as file:  # noqa: ASYNC230, PTH123
            document = json.load(file)
        wanted = {"pipeline_spec": document, "runtime_config": {"gcs_output_directory": ROOT}}
        started = await asked.create_pipeline_job(parent=PARENT, pipeline_job=wanted, pipeline_job_id="by-async")
        while (await asked.get_pipeline_job(name=started.name)).state.name != "PIPELINE_STATE_SUCCEEDED":
            await asyncio.sleep(0.1)
        pages = await asked.list_pipeline_jobs(
            {"parent": PARENT, "page_size": 1, "filter": 'pipeline_name="made"', "read_mask": {"paths": ["name"]}}
        )
        found = [(j.name.rsplit("/", 1)[-1], j.display_name) async for j in pages]
        await (await asked.delete_pipeline_job(name=started.name)).result()
        return [
            ("by-async", "") in found,
            len(found) > 1,
            len([j async for j in await jobs.list_custom_jobs(parent=PARENT)]),
        ]

    return asyncio.run(ask())


for pipeline in (made, given, held):
    compiler.Compiler().compile(pipeline, f"{folder}/{pipeline.name}.json")
aiplatform.init(project="local-project", location="us-central1", staging_bucket="gs://local-project-staging")
seen = {}
for part in parts:
    began = time.monotonic()
    seen[part] = globals()[part]()
    print(part, round(time.monotonic() - began, 1), file=sys.stderr)  # noqa: T201
print(json.dumps(seen))  # noqa: T201
