"""Google's own Pub/Sub and Scheduler clients, and our commands, on a real server."""

import json
import os
import subprocess
import sys

import pytest

from trainshed.testing import server


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with server(tmp_path_factory.mktemp("messages") / "home") as made:
        yield made


def python(running, script):
    environment = {**os.environ, "PUBSUB_EMULATOR_HOST": running.address.removeprefix("http://")}
    environment["SERVER"] = running.address
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script], env=environment, capture_output=True, text=True, timeout=100
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def output(done):
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_s36_topics_are_created_listed_and_deleted_as_with_gcloud(running):
    name = "projects/local-project/topics/trigger-penguins"

    assert output(running.run("pubsub", "topics", "create", "trigger-penguins")) == f"Created topic [{name}].\n"
    assert name in output(running.run("pubsub", "topics", "list"))
    assert (
        json.loads(output(running.run("pubsub", "topics", "describe", "trigger-penguins", "--format", "json")))["name"]
        == name
    )
    again = running.run("pubsub", "topics", "create", "trigger-penguins")
    assert (again.returncode, "ALREADY_EXISTS" in again.stderr) == (2, True)
    assert output(running.run("pubsub", "topics", "delete", name)) == f"Deleted topic [{name}].\n"


def test_s42_the_real_client_publishes_and_subscribes(running):
    found = python(
        running,
        """
import json, threading
from google.cloud import pubsub_v1
publisher, subscriber = pubsub_v1.PublisherClient(), pubsub_v1.SubscriberClient()
topic = publisher.topic_path("local-project", "from-client")
subscription = subscriber.subscription_path("local-project", "from-client-s")
publisher.create_topic(name=topic)
subscriber.create_subscription(name=subscription, topic=topic)
ids = [publisher.publish(topic, str(n).encode(), origin="test").result(30) for n in range(3)]
first = subscriber.pull(subscription=subscription, max_messages=1).received_messages[0]
subscriber.modify_ack_deadline(subscription=subscription, ack_ids=[first.ack_id], ack_deadline_seconds=0)
got, refused, done = {}, [], threading.Event()
def take(message):
    if not refused:
        refused.append(message.message_id)
        return message.nack()
    got[message.message_id] = (message.data.decode(), message.attributes["origin"])
    message.ack()
    if len(got) == 3:
        done.set()
stream = subscriber.subscribe(subscription, take)
assert done.wait(30), got
stream.cancel()
stream.result(timeout=90)
print(json.dumps({"ids": ids, "got": got}))
""",
    )

    assert found["got"] == {i: [str(n), "test"] for n, i in enumerate(found["ids"])}
    assert "Listed 0 items." in output(running.run("pubsub", "subscriptions", "pull", "from-client-s"))


def test_s54_data_has_to_be_bytes(running):
    found = python(
        running,
        """
import json
from google.cloud import pubsub_v1
try:
    pubsub_v1.PublisherClient().publish("projects/local-project/topics/any", "text")
except TypeError as error:
    print(json.dumps(str(error)))
""",
    )

    assert "bytestring" in found


def test_s47_s49_s51_a_created_job_is_echoed_as_gcloud_echoes_it(running):
    running.run("pubsub", "topics", "create", "trigger-cron")
    body = '{"num_epochs": "3", "learning_rate": "1e-2"}'
    create = ("scheduler", "jobs", "create", "pubsub", "cron-penguins", "--schedule", "*/3 * * * *")

    job = json.loads(
        output(running.run(*create, "--topic", "trigger-cron", "--message-body", body, "--format", "json"))
    )

    updated = job.pop("userUpdateTime")
    assert updated.endswith("Z")
    assert job == {
        "name": "projects/local-project/locations/us-central1/jobs/cron-penguins",
        "pubsubTarget": {
            "data": "eyJudW1fZXBvY2hzIjogIjMiLCAibGVhcm5pbmdfcmF0ZSI6ICIxZS0yIn0=",
            "topicName": "projects/local-project/topics/trigger-cron",
        },
        "retryConfig": {
            "maxBackoffDuration": "3600s",
            "maxDoublings": 16,
            "maxRetryDuration": "0s",
            "minBackoffDuration": "5s",
        },
        "schedule": "*/3 * * * *",
        "state": "ENABLED",
        "timeZone": "Etc/UTC",
    }


def test_s47_a_job_is_run_paused_resumed_changed_previewed_and_deleted(running):
    running.run("pubsub", "topics", "create", "trigger-verbs")
    running.run("pubsub", "subscriptions", "create", "verbs", "--topic", "trigger-verbs")
    create = ("scheduler", "jobs", "create", "pubsub", "verbs", "--schedule", "30 2 * * *")
    flags = ("--topic", "trigger-verbs", "--message-body", "{}", "--time-zone", "Europe/Berlin")
    output(running.run(*create, *flags, "--daylight-saving", "run_next,first_only", "--overlap", "skip"))

    assert output(running.run("scheduler", "jobs", "run", "verbs")) == "Job has been run.\n"
    assert "{}" in output(running.run("pubsub", "subscriptions", "pull", "verbs", "--auto-ack"))
    assert output(running.run("scheduler", "jobs", "pause", "verbs")) == "Job has been paused.\n"
    assert "PAUSED" in output(running.run("scheduler", "jobs", "list"))
    assert output(running.run("scheduler", "jobs", "resume", "verbs")) == "Job has been resumed.\n"
    running.run("scheduler", "jobs", "update", "pubsub", "verbs", "--schedule", "0 1 * * *", "--catch-up", "3")
    described = output(running.run("scheduler", "jobs", "describe", "verbs"))
    assert "schedule: 0 1 * * *" in described
    assert "daylightSaving: run_next,first_only" in described
    assert "overlap: skip" in described
    assert "catchUp: 3,newest" in described
    shown = output(running.run("scheduler", "jobs", "preview", "verbs")).splitlines()
    assert len(shown) == 11
    assert all("T01:00:00+0" in line for line in shown[1:])
    assert "Deleted job" in output(running.run("scheduler", "jobs", "delete", "verbs"))


def test_s50_json_encoded_twice_is_told_and_sent_as_it_is(running):
    running.run("pubsub", "topics", "create", "trigger-twice")
    running.run("pubsub", "subscriptions", "create", "twice", "--topic", "trigger-twice")

    done = running.run("pubsub", "topics", "publish", "trigger-twice", "--message", json.dumps('{"num_epochs": "3"}'))

    assert done.returncode == 0
    assert "encoded twice" in done.stderr
    assert '\\"num_epochs\\"' in output(running.run("pubsub", "subscriptions", "pull", "twice"))


@pytest.mark.parametrize(
    ("flags", "named"),
    [
        (("--schedule", "0 0 30 2 *"), "never fires"),
        (("--schedule", "* * * * *", "--time-zone", "Mars/Olympus"), "timeZone"),
        (("--schedule", "@daily"), "0 0 * * *"),
        (("--schedule", "* * * * *", "--daylight-saving", "maybe"), "daylightSaving"),
    ],
)
def test_a_schedule_that_cannot_be_is_refused_in_one_sentence(running, flags, named):
    running.run("pubsub", "topics", "create", "trigger-bad")
    done = running.run(
        "scheduler", "jobs", "create", "pubsub", "bad", "--topic", "trigger-bad", "--message-body", "{}", *flags
    )

    assert done.returncode == 2
    assert named in done.stderr
    assert "Traceback" not in done.stderr
    assert running.run("scheduler", "jobs", "describe", "bad").returncode == 2


def test_s53_names_of_another_form_are_refused_as_invalid_arguments(running):
    script = """
import json
from google.api_core import exceptions
from google.cloud import pubsub_v1, scheduler_v1
publisher, client = pubsub_v1.PublisherClient(), scheduler_v1.CloudSchedulerClient()
parent, topic = "projects/local-project/locations/us-central1", "projects/local-project/topics/any"
def job(name, topic):
    target = scheduler_v1.PubsubTarget(topic_name=topic, data=b"{}")
    made = scheduler_v1.Job(name=name, pubsub_target=target, schedule="* * * * *")
    return lambda: client.create_job(scheduler_v1.CreateJobRequest(parent=parent, job=made))
calls = {
    "topic": lambda: publisher.create_topic(name="trigger-penguins", retry=None),
    "job": job("cron-penguins", topic),
    "job in no location": job("projects/local-project/jobs/cron-penguins", topic),
    "topic of a job": job(f"{parent}/jobs/cron-penguins", "trigger-penguins"),
}
seen = {}
for name, call in calls.items():
    try:
        call()
        seen[name] = "accepted"
    except exceptions.GoogleAPICallError as error:
        seen[name] = type(error).__name__
print(json.dumps(seen))
"""
    done = running.run("exec", "--", sys.executable, "-W", "ignore", "-c", script)

    assert done.returncode == 0, done.stderr
    assert set(json.loads(done.stdout).values()) == {"InvalidArgument"}, done.stdout


def test_s52_the_real_scheduler_client_creates_a_job(running):
    found = python(
        running,
        """
import json, os
from google.auth.credentials import AnonymousCredentials
from google.cloud import scheduler_v1
client = scheduler_v1.CloudSchedulerClient(
    transport="rest", credentials=AnonymousCredentials(), client_options={"api_endpoint": os.environ["SERVER"]}
)
parent = "projects/local-project/locations/us-central1"
target = scheduler_v1.PubsubTarget(topic_name="projects/local-project/topics/any", data=b"{}")
job = scheduler_v1.Job(name=f"{parent}/jobs/api", pubsub_target=target, schedule="*/3 * * * *")
made = client.create_job(scheduler_v1.CreateJobRequest(parent=parent, job=job))
listed = [j.name for j in client.list_jobs(parent=parent)]
client.delete_job(name=made.name)
print(json.dumps([made.name, made.state.name, made.time_zone, made.retry_config.max_doublings, made.name in listed]))
""",
    )

    assert found == ["projects/local-project/locations/us-central1/jobs/api", "ENABLED", "Etc/UTC", 5, True]
