"""Google's own clients, unmodified, against the surface: by gRPC, by REST, through the proxy and without it."""

import os
import shutil
import subprocess

import pytest

PUBSUB = """
import json
from google.api_core import exceptions
from google.cloud import pubsub_v1

client = pubsub_v1.PublisherClient()
topic = "projects/p/topics/by-grpc"
seen = {"created": dict(client.create_topic(request={"name": topic, "labels": {"a": "b"}}).labels)}
seen["published"] = client.publish(topic, b"12345", key="value").result(timeout=90)
seen["topics"] = [t.name for t in client.list_topics(request={"project": "projects/p"}) if t.name == topic]
for name, call in {
    "exists": lambda: client.create_topic(request={"name": topic}, retry=None),
    "missing": lambda: client.get_topic(request={"topic": "projects/p/topics/none"}, retry=None),
    "field": lambda: client.list_topics(request={"project": "projects/p", "page_size": 2000}, retry=None),
    "defect": lambda: client.update_topic(request={"topic": {"name": topic}, "update_mask": "labels"}, retry=None),
    "unserved": lambda: client.list_topic_snapshots(request={"topic": topic}, retry=None),
}.items():
    try:
        call()
    except exceptions.GoogleAPICallError as error:
        violations = [v.field for d in error.details if hasattr(d, "field_violations") for v in d.field_violations]
        seen[name] = [type(error).__name__, error.reason, error.message, violations]
client.delete_topic(request={"topic": topic})

subscriber = pubsub_v1.SubscriberClient()
stream = subscriber.api.streaming_pull(iter([{"subscription": "one"}])) if hasattr(subscriber, "api") else (
    subscriber.streaming_pull(requests=iter([pubsub_v1.types.StreamingPullRequest(subscription="one")])))
seen["streamed"] = [r.received_messages[0].ack_id for r in stream]
print(json.dumps(seen))
"""

EMULATOR = """
import json
from google.cloud import pubsub_v1

topic = pubsub_v1.PublisherClient().create_topic(request={"name": "projects/p/topics/by-emulator"})
print(json.dumps({"by": topic.labels["by"]}))
"""

REST = """
import json, os
from google.api_core import client_options, exceptions
from google.auth.credentials import AnonymousCredentials
from google.pubsub_v1 import PublisherClient

client = PublisherClient(
    transport="rest",
    credentials=AnonymousCredentials(),
    client_options=client_options.ClientOptions(api_endpoint=os.environ["TRAINSHED_ADDRESS"]),
)
topic = client.create_topic(request={"name": "projects/p/topics/by-rest", "labels": {"a": "b"}})
seen = {"created": dict(topic.labels)}
seen["published"] = list(client.publish(request={"topic": topic.name, "messages": [{"data": b"123"}]}).message_ids)
try:
    client.get_topic(request={"topic": "projects/p/topics/none"}, retry=None)
except exceptions.NotFound as error:
    seen["missing"] = [error.reason, error.message]
print(json.dumps(seen))
"""

VERTEX = """
import json
from google.cloud import aiplatform_v1, resourcemanager_v3
from google.cloud.aiplatform_v1.services.pipeline_service import PipelineServiceClient
from google.protobuf import struct_pb2

options = {"api_endpoint": "us-central1-aiplatform.googleapis.com"}
seen = {}
for transport in ("grpc", "rest"):
    client = PipelineServiceClient(client_options=options, transport=transport)
    spec = struct_pb2.Struct()
    spec.update({"schemaVersion": "2.1.0", "tasks": [1, 2.5, None]})
    parent = "projects/local-project/locations/us-central1"
    job = aiplatform_v1.PipelineJob(
        display_name="d", pipeline_spec=spec, runtime_config={"parameter_values": {"epochs": 3}}
    )
    made = client.create_pipeline_job(parent=parent, pipeline_job=job, pipeline_job_id=f"by-{transport}")
    got = client.get_pipeline_job(name=made.name)
    gone = client.delete_pipeline_job(name=made.name)
    seen[transport] = {
        "name": got.name,
        "state": got.state.name,
        "epochs": got.runtime_config.parameter_values["epochs"],
        "tasks": list(got.pipeline_spec["tasks"]),
        "deleted": gone.operation.done,
    }
seen["project"] = resourcemanager_v3.ProjectsClient().get_project(name="projects/local-project").name
print(json.dumps(seen))
"""

TOKENS = """
import json, os
import google.auth.transport.requests
from google.oauth2 import id_token, service_account

request = google.auth.transport.requests.Request()
path = os.environ["GOOGLE_APPLICATION_CREDENTIALS"]
account = service_account.Credentials.from_service_account_file(path, scopes=["cloud-platform"])
account.refresh(request)
session = google.auth.transport.requests.AuthorizedSession(account)
who = session.get("https://openidconnect.googleapis.com/v1/userinfo").json()
identity = service_account.IDTokenCredentials.from_service_account_file(path, target_audience="https://f.run.app")
identity.refresh(request)
print(json.dumps({"who": who["email"], "segments": identity.token.count(".") + 1}))
"""


@pytest.fixture(scope="module")
def pubsub(tiny):
    return tiny.python(PUBSUB, principal="f-1@local-project.iam.gserviceaccount.com")


def test_a_grpc_client_in_the_environment_reaches_the_server_as_its_principal(pubsub):
    assert pubsub["created"] == {"a": "b", "by": "f-1@local-project.iam.gserviceaccount.com"}
    assert pubsub["published"] == "5"
    assert pubsub["topics"] == ["projects/p/topics/by-grpc"]


def test_a_stream_answers_and_ends_when_the_client_has_sent_all(pubsub):
    assert pubsub["streamed"] == ["one"]


@pytest.mark.parametrize(
    ("case", "kind", "reason"),
    [
        ("exists", "AlreadyExists", "TOPIC_EXISTS"),
        ("missing", "NotFound", "TOPIC_NOT_FOUND"),
        ("field", "InvalidArgument", "INVALID_ARGUMENT"),
        ("defect", "InternalServerError", "INTERNAL"),
        ("unserved", "MethodNotImplemented", "RPC_NOT_SUPPORTED"),
    ],
)
def test_errors_arrive_as_the_classes_of_the_client_library(pubsub, case, kind, reason):
    assert pubsub[case][:2] == [kind, reason]


def test_a_field_at_fault_is_named_in_the_details(pubsub):
    assert pubsub["field"][3] == ["page_size"]


def test_a_defect_shows_an_identifier_and_nothing_of_the_code(pubsub):
    text = pubsub["defect"][2]

    assert "defect of Trainshed" in text
    assert "ZeroDivisionError" not in text


def test_the_emulator_variable_needs_no_credentials(tiny):
    seen = tiny.python(EMULATOR, PUBSUB_EMULATOR_HOST=f"127.0.0.1:{tiny.port}")

    assert seen == {"by": "user"}


def test_the_rest_transport_needs_no_credentials(tiny):
    seen = tiny.python(REST)

    assert seen["created"] == {"a": "b", "by": "user"}
    assert seen["published"] == ["3"]
    assert seen["missing"][0] == "TOPIC_NOT_FOUND"
    assert seen["missing"][1].endswith("There is no topic projects/p/topics/none.")


def test_vertex_clients_see_the_same_by_grpc_and_by_rest(tiny):
    seen = tiny.python(VERTEX)

    rest, grpc = seen["rest"], seen["grpc"]
    assert grpc.pop("name").endswith("/pipelineJobs/by-grpc")
    assert rest.pop("name").endswith("/pipelineJobs/by-rest")
    assert grpc == rest
    assert grpc == {
        "state": "PIPELINE_STATE_RUNNING",
        "epochs": 3.0,
        "tasks": [1.0, 2.5, None],
        "deleted": True,
    }
    assert seen["project"] == "projects/100000000001"


def test_credentials_fetch_tokens_that_the_server_knows(tiny):
    email = "f-2@local-project.iam.gserviceaccount.com"

    assert tiny.python(TOKENS, principal=email) == {"who": email, "segments": 3}


@pytest.mark.skipif(shutil.which("gcloud") is None, reason="gcloud is not installed")
def test_gcloud_reaches_the_server(tiny):
    environment = {**os.environ, **tiny.surface.reach.environment()}

    made = subprocess.run(
        ["gcloud", "pubsub", "topics", "create", "by-gcloud"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert made.returncode == 0, made.stderr
    assert "Created topic [projects/local-project/topics/by-gcloud]" in made.stderr
