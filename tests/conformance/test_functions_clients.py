"""Google's clients of both Cloud Functions APIs and of Cloud Logging: sync and async, gRPC and REST, on a real server."""

import json
import sys

import pytest

from trainshed.testing import server

SECOND = r"""
import asyncio, io, json, urllib.request, zipfile
from google.api_core import exceptions
from google.cloud import functions_v2
from google.cloud import logging as cloud_logging
from google.iam.v1 import iam_policy_pb2, policy_pb2

region = "projects/local-project/locations/us-central1"
MAIN = "import os\ndef hello(request):\n    print('asked by', request.args.get('name'))\n    return os.environ['A'] + request.path\n"
CLOUD = "print('ready')\ndef told(event):\n    print(event['type'], event.data['message']['data'])\n"

def upload(answer, main):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("main.py", main)
    headers = {"Content-Type": "application/zip"}
    put = urllib.request.Request(answer.upload_url, data=buffer.getvalue(), method="PUT", headers=headers)
    urllib.request.urlopen(put).read()
    return {"storage_source": answer.storage_source}

def wanted(source, **more):
    build = {"runtime": "python311", "entry_point": "hello", "source": source}
    service = {"environment_variables": {"A": "1"}, "available_memory": "512Mi", "timeout_seconds": 90}
    return {"build_config": build, "service_config": service, **more}

def code(work):
    try:
        work()
    except exceptions.GoogleAPICallError as error:
        return type(error).__name__
    return "none"

def sync(transport):
    client = functions_v2.FunctionServiceClient(transport=transport)
    name = f"{region}/functions/by-{transport}"
    source = upload(client.generate_upload_url(request={"parent": region}), MAIN)
    create = {"parent": region, "function_id": f"by-{transport}", "function": wanted(source)}
    operation = client.create_function(request=create)
    made = operation.result(timeout=120)
    stages = [stage.name.name for stage in operation.metadata.stages]
    seen = {"state": made.state.name, "environment": made.environment.name, "stages": stages}
    seen["again"] = code(lambda: client.create_function(request=create))
    changed = {"name": name, "service_config": {"environment_variables": {"A": "2"}}}
    mask = {"paths": ["service_config.environment_variables"]}
    updated = client.update_function(request={"function": changed, "update_mask": mask}).result(timeout=120)
    seen["kept"] = [updated.service_config.available_memory, updated.service_config.timeout_seconds]
    for address in (updated.service_config.uri, updated.url):
        seen.setdefault("answers", []).append(urllib.request.urlopen(address + "/x?name=me").read().decode())
    listed = client.list_functions(request={"parent": region, "filter": 'environment="GEN_2"'})
    seen["listed"] = name in [f.name for f in listed]
    runtimes = client.list_runtimes(request={"parent": region, "filter": "name=python37 AND environment=GEN_1"})
    seen["runtimes"] = [(r.name, r.stage.name, len(r.warnings)) for r in runtimes.runtimes]
    url = client.generate_download_url(request={"name": name}).download_url
    seen["source"] = zipfile.ZipFile(io.BytesIO(urllib.request.urlopen(url).read())).read("main.py").decode() == MAIN
    binding = policy_pb2.Binding(role="roles/viewer", members=["allUsers"])
    policy = policy_pb2.Policy(bindings=[binding])
    client.set_iam_policy(request=iam_policy_pb2.SetIamPolicyRequest(resource=name, policy=policy))
    found = client.get_iam_policy(request=iam_policy_pb2.GetIamPolicyRequest(resource=name))
    seen["policy"] = [b.role for b in found.bindings]
    client.delete_function(name=name).result(timeout=60)
    operations = client.list_operations(request={"name": region, "page_size": 100}).operations
    seen["operations"] = [o.done for o in operations if name.encode() in o.metadata.value].count(True)
    seen["gone"] = code(lambda: client.get_function(name=name))
    bad = {"parent": region, "function_id": "1bad", "function": wanted(source)}
    seen["bad"] = code(lambda: client.create_function(request=bad))
    return seen

async def asynchronous():
    client = functions_v2.FunctionServiceAsyncClient()
    source = upload(await client.generate_upload_url(request={"parent": region}), CLOUD)
    function = wanted(source, event_trigger={
        "event_type": "google.cloud.pubsub.topic.v1.messagePublished", "retry_policy": "RETRY_POLICY_RETRY",
        "pubsub_topic": "projects/local-project/topics/told"})
    function["build_config"]["entry_point"] = "told"
    create = {"parent": region, "function_id": "by-async", "function": function}
    made = await (await client.create_function(request=create)).result(timeout=120)
    return {"state": made.state.name, "trigger": made.event_trigger.pubsub_topic.rpartition("/")[2]}

seen = {"grpc": sync("grpc"), "rest": sync("rest"), "async": asyncio.run(asynchronous())}
entries = cloud_logging.Client(project="local-project").list_entries(
    filter_='resource.type="cloud_run_revision" resource.labels.service_name="by-async"', order_by="timestamp desc")
seen["severities"] = sorted({entry.severity for entry in entries})
print(json.dumps(seen))
"""

FIRST = r"""
import asyncio, io, json, urllib.request, zipfile
from google.cloud import functions_v1

region = "projects/local-project/locations/us-central1"

async def main():
    client = functions_v1.CloudFunctionsServiceAsyncClient()
    name = f"{region}/functions/first"
    url = (await client.generate_upload_url(request={"parent": region})).upload_url
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("main.py", "def handle(event, context):\n    print(context.event_type, event)\n")
    urllib.request.urlopen(urllib.request.Request(url, data=buffer.getvalue(), method="PUT")).read()
    function = {"name": name, "entry_point": "handle", "runtime": "python37", "source_upload_url": url,
                "event_trigger": {"event_type": "google.storage.object.finalize", "failure_policy": {"retry": {}},
                                  "resource": "projects/_/buckets/told"}}
    operation = await client.create_function(location=region, function=function)
    made = await operation.result(timeout=120)
    mask = {"paths": ["event_trigger.failure_policy", "labels"]}
    changed = {"name": name, "labels": {"a": "b"}, "event_trigger": {}}
    updated = await (await client.update_function(request={"function": changed, "update_mask": mask})).result(timeout=120)
    retried = "retry" in made.event_trigger.failure_policy, "retry" in updated.event_trigger.failure_policy
    print(json.dumps({
        "target": operation.metadata.target, "type": operation.metadata.type_.name, "retried": retried,
        "resource": updated.event_trigger.resource, "labels": dict(updated.labels), "version": updated.version_id}))

asyncio.run(main())
"""


@pytest.fixture(scope="module")
def running(make_home):
    with server(make_home()) as made:
        assert made.run("storage", "buckets", "create", "gs://told").returncode == 0
        yield made


def python(running, tmp_path, script):
    path = tmp_path / "script.py"
    path.write_text(script)
    done = running.run("exec", "--", sys.executable, "-W", "ignore", str(path))
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_the_second_generation_s_clients_deploy_change_call_read_and_delete(running, tmp_path):
    found = python(running, tmp_path, SECOND)

    expected = {
        "state": "ACTIVE",
        "environment": "GEN_2",
        "stages": ["BUILD", "SERVICE"],
        "again": "AlreadyExists",
        "kept": ["512Mi", 90],
        "answers": ["2/x", "2/x"],
        "listed": True,
        "runtimes": [["python37", "DECOMMISSIONED", 1]],
        "source": True,
        "policy": ["roles/viewer"],
        "operations": 3,
        "gone": "NotFound",
        "bad": "InvalidArgument",
    }
    assert found["grpc"] == expected
    assert found["rest"] == expected | {"again": "Conflict", "bad": "BadRequest"}
    assert found["async"] == {"state": "ACTIVE", "trigger": "told"}
    assert found["severities"] == ["INFO"]


def test_the_first_generation_s_async_client_deploys_and_changes_by_mask(running, tmp_path):
    found = python(running, tmp_path, FIRST)

    assert found == {
        "target": "projects/local-project/locations/us-central1/functions/first",
        "type": "CREATE_FUNCTION",
        "retried": [True, False],
        "resource": "projects/_/buckets/told",
        "labels": {"a": "b"},
        "version": 2,
    }
