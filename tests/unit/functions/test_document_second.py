from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from trainshed.api.descriptors import from_json, to_json
from trainshed.errors import InvalidArgument
from trainshed.functions import addresses, document, second_configuration, second_document
from trainshed.functions.document_second import memory_text
from trainshed.functions.model import Configuration, Function, Version

NAME = "projects/p/locations/us-central1/functions/trigger_It"
NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
TOPIC = {"eventType": "google.cloud.pubsub.topic.v1.messagePublished", "pubsubTopic": "projects/p/topics/tick"}
BUILD = {"runtime": "python311", "entryPoint": "handle"}


def a_function(configuration, state="ACTIVE", error=""):
    version = Version(
        function=NAME, number=3, source="s", environment="e", python=Path("python"), signature="cloudevent",
        configuration=configuration, deploy_time=NOW,
    )  # fmt: skip
    return Function(
        name=NAME, state=state, version=version, requested=configuration, error=error, create_time=NOW, update_time=NOW
    )


def test_defaults_are_those_of_the_second_generation():
    made = second_configuration(NAME, {"buildConfig": {"runtime": "python311"}, "eventTrigger": TOPIC})

    assert (made.generation, made.entry_point, made.topic) == (2, "trigger_It", "projects/p/topics/tick")
    assert (made.memory_bytes, made.timeout_seconds, made.retry) == (256_000_000, 60, False)


@pytest.mark.parametrize(
    "changes",
    [
        {"eventTrigger": TOPIC | {"retryPolicy": "RETRY_POLICY_RETRY"}},
        {},
        {
            "eventTrigger": {
                "eventType": "google.cloud.storage.object.v1.deleted",
                "eventFilters": [{"attribute": "bucket", "value": "data"}],
            }
        },
        {
            "description": "d",
            "labels": {"a": "b"},
            "serviceConfig": {
                "availableMemory": "1Gi",
                "timeoutSeconds": 3000,
                "environmentVariables": {"A": "1"},
                "secretEnvironmentVariables": [{"key": "S", "secret": "token", "version": "latest"}],
                "maxInstanceCount": 3,
                "minInstanceCount": 1,
                "maxInstanceRequestConcurrency": 8,
                "availableCpu": "2",
                "ingressSettings": "ALLOW_INTERNAL_ONLY",
                "vpcConnector": "c",
            },
            "buildConfig": BUILD | {"environmentVariables": {"B": "2"}, "workerPool": "w"},
        },
    ],
)
def test_what_is_written_is_read_back_the_same(changes):
    wanted = second_configuration(NAME, {"buildConfig": BUILD, **changes})

    written = to_json(from_json("google.cloud.functions.v2.Function", second_document(a_function(wanted))))
    again = second_configuration(NAME, written)

    for field in ("topic", "bucket", "object_event", "http", "retry", "variables", "secrets", "memory_bytes", "labels"):
        assert getattr(again, field) == getattr(wanted, field), field
    for field in ("timeout_seconds", "max_instances", "min_instances", "description", "runtime", "entry_point"):
        assert getattr(again, field) == getattr(wanted, field), field
    for group, kept in wanted.kept.items():
        assert kept.items() <= again.kept[group].items(), group


def test_the_second_api_shows_a_function_of_the_first():
    first = Configuration(entry_point="handle", topic="projects/p/topics/tick", runtime="python37")

    found = second_document(a_function(first))

    assert (found["environment"], found["state"]) == ("GEN_1", "ACTIVE")
    assert found["eventTrigger"]["pubsubTopic"] == "projects/p/topics/tick"
    assert found["eventTrigger"]["eventType"] == "google.pubsub.topic.publish"
    assert "uri" not in found["serviceConfig"]
    assert from_json("google.cloud.functions.v2.Function", found).name == NAME


@pytest.mark.parametrize(
    ("state", "first", "second"),
    [("ACTIVE", "ACTIVE", "ACTIVE"), ("OFFLINE", "OFFLINE", "FAILED"), ("DEPLOY_IN_PROGRESS",) * 2 + ("DEPLOYING",)],
)
def test_states_have_the_names_of_each_generation(state, first, second):
    found = a_function(Configuration(entry_point="f", http=True), state=state, error="no such package")

    assert document(found)["status"] == first
    assert second_document(found)["state"] == second
    assert second_document(found)["stateMessages"][0]["message"] == "no such package"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"buildConfig": {}}, "buildConfig.runtime"),
        ({"environment": "GEN_1"}, "environment: only GEN_2"),
        ({"buildConfig": BUILD | {"source": {"repoSource": {"repoName": "r"}}}}, "buildConfig.source.repoSource"),
        ({"serviceConfig": {"secretVolumes": [{"mountPath": "/x"}]}}, "serviceConfig.secretVolumes"),
        ({"serviceConfig": {"availableMemory": "1M"}}, "serviceConfig.availableMemory: '1M'"),
        ({"serviceConfig": {"availableMemory": "9" * 40}}, "serviceConfig.availableMemory"),
        ({"serviceConfig": {"timeoutSeconds": 3601}}, "serviceConfig.timeoutSeconds"),
        ({"serviceConfig": {"timeoutSeconds": 541}, "eventTrigger": TOPIC}, "540"),
        ({"serviceConfig": {"maxInstanceCount": -1}}, "serviceConfig.maxInstanceCount"),
        ({"serviceConfig": {"maxInstanceRequestConcurrency": 1001}}, "Concurrency"),
        ({"serviceConfig": {"environmentVariables": {"PORT": "1"}}}, "PORT is set by the runtime"),
        ({"serviceConfig": {"secretEnvironmentVariables": [{"key": "A", "secret": "../x"}]}}, "name of a secret"),
        ({"eventTrigger": {"eventType": TOPIC["eventType"]}}, "eventTrigger.pubsubTopic: is not given"),
        ({"eventTrigger": TOPIC | {"pubsubTopic": "projects/q/topics/tick"}}, "in the function's project"),
        ({"eventTrigger": {"eventType": "x"}}, "eventTrigger.eventType: 'x' is not served"),
        ({"eventTrigger": {"eventType": "google.cloud.storage.object.v1.finalized"}}, "'bucket'"),
        ({"eventTrigger": TOPIC | {"eventFilters": [{"attribute": "x", "value": "y"}]}}, "attribute 'x' is not served"),
        ({"labels": {"A": "b"}}, "labels: the key 'A'"),
        ({"labels": {"a": "B"}}, "labels: the value 'B'"),
        ({"labels": {f"k{n}": "" for n in range(65)}}, "65 labels"),
    ],
)
def test_a_bad_document_is_refused_naming_the_field(changes, words):
    with pytest.raises(InvalidArgument, match=words):
        second_configuration(NAME, {"buildConfig": BUILD, **changes})


def test_memory_is_written_in_google_s_units():
    assert [memory_text(n) for n in (256_000_000, 512 << 20, 1 << 30, 7)] == ["256M", "512Mi", "1Gi", "7"]


def test_addresses_are_google_s():
    assert addresses.url(NAME) == "https://us-central1-p.cloudfunctions.net/trigger_It"
    assert addresses.uri(NAME).startswith("https://trigger-it-")
    assert addresses.uri(NAME).endswith("-uc.a.run.app")
    assert addresses.at_place("us-central1-p", "trigger_It") == NAME
    assert addresses.at_place("nowhere", "f") == ""


def test_each_generation_names_its_subscription_and_operations_in_its_manner():
    assert addresses.subscription(NAME, "projects/p/topics/t", 2).startswith(
        "projects/p/subscriptions/eventarc-us-central1-trigger_It-"
    )
    assert addresses.operation(NAME, 1, NOW).startswith("operations/p-us-central1-trigger_It-")
    assert addresses.operation(NAME, 2, NOW).startswith("projects/p/locations/us-central1/operations/operation-")


def test_fields_kept_for_google_are_those_of_the_own_generation():
    made = second_configuration(NAME, {"buildConfig": BUILD, "kmsKeyName": "k"})

    assert second_document(a_function(made))["kmsKeyName"] == "k"
    assert "kmsKeyName" not in document(a_function(replace(made, generation=1, kept={"": {"kmsKeyName": "k"}})))
