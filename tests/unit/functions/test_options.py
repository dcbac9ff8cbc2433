import click
import pytest

from trainshed.cli.functions_options import document, pairs

NONE = dict.fromkeys(
    ("trigger_topic", "trigger_bucket", "entry_point", "runtime", "retry", "memory", "timeout", "max_instances",
     "min_instances", "set_env_vars", "update_env_vars", "remove_env_vars", "update_labels", "service_account",
     "stage_bucket", "gen2")
) | {"trigger_http": False, "clear_env_vars": False}  # fmt: skip


def test_s37_every_flag_of_the_seed_lands_in_the_document():
    flags = NONE | {
        "trigger_topic": "trigger-penguins", "entry_point": "trigger_pipeline", "runtime": "python37",
        "stage_bucket": "gs://b", "update_env_vars": "PROJECT=p,REGION=us-central1,GCS=gs://b/x.json",
    }  # fmt: skip

    assert document({}, "p", flags) == {
        "eventTrigger": {"eventType": "google.pubsub.topic.publish", "resource": "projects/p/topics/trigger-penguins"},
        "entryPoint": "trigger_pipeline",
        "runtime": "python37",
        "stageBucket": "gs://b",
        "environmentVariables": {"PROJECT": "p", "REGION": "us-central1", "GCS": "gs://b/x.json"},
        "labels": {},
    }


def test_update_adds_set_replaces_remove_removes():
    current = {"httpsTrigger": {}, "environmentVariables": {"A": "1", "B": "2"}}

    def variables(**flags):
        return document(current, "p", NONE | flags)["environmentVariables"]

    assert variables(update_env_vars="B=3") == {"A": "1", "B": "3"}
    assert variables(set_env_vars="C=4") == {"C": "4"}
    assert variables(remove_env_vars="A") == {"B": "2"}
    assert variables(clear_env_vars=True) == {}


def test_amounts_and_durations_are_read_as_gcloud_reads_them():
    made = document({"httpsTrigger": {}}, "p", NONE | {"memory": "1Gi", "timeout": "1m30s"})

    assert (made["availableMemoryMb"], made["timeout"]) == (1024, "90s")
    assert document({"httpsTrigger": {}}, "p", NONE | {"timeout": "60"})["timeout"] == "60s"


def test_retry_is_the_trigger_s():
    made = document({}, "p", NONE | {"trigger_topic": "t", "retry": True})

    assert made["eventTrigger"]["failurePolicy"] == {"retry": {}}
    assert "failurePolicy" not in document(made, "p", NONE | {"retry": False})["eventTrigger"]


def test_another_separator_can_be_named():
    assert pairs("^;^A=1,2;B=3", "--x") == {"A": "1,2", "B": "3"}


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ({}, "--trigger-topic"),
        ({"trigger_topic": "t", "trigger_http": True}, "one of"),
        ({"trigger_topic": "t", "memory": "much"}, "--memory"),
        ({"trigger_topic": "t", "timeout": ""}, "--timeout"),
        ({"trigger_topic": "t", "update_env_vars": "A"}, "'A' is not of the form KEY=VALUE"),
    ],
)
def test_bad_flag_is_named(flags, words):
    given = NONE | flags
    if flags.get("timeout") == "":
        given["timeout"] = "soon"
    with pytest.raises(click.UsageError, match=words):
        document({}, "p", given)
