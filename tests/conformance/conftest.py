"""A tiny set of servicers behind the whole surface, and real clients in processes of their own."""

import asyncio
import collections
import json
import os
import subprocess
import sys
import threading

import pytest

from trainshed import errors
from trainshed.api import caller, fields
from trainshed.api.descriptors import message
from trainshed.api.serve import Surface
from trainshed.api.services.operations import Operations
from trainshed.api.services.projects import Locations, Projects
from trainshed.settings import load

TOPIC = "google.pubsub.v1.Topic"


class Publisher:
    SERVICE = "google.pubsub.v1.Publisher"

    def __init__(self):
        self.topics = {}

    def CreateTopic(self, request):  # noqa: N802
        if request.name in self.topics:
            raise errors.AlreadyExists(f"The topic {request.name} exists.", reason="TOPIC_EXISTS")
        labels = dict(request.labels) | {"by": caller.current().principal}
        self.topics[request.name] = message(TOPIC, name=request.name, labels=labels)
        return self.topics[request.name]

    def GetTopic(self, request):  # noqa: N802
        if request.topic not in self.topics:
            raise errors.NotFound(f"There is no topic {request.topic}.", reason="TOPIC_NOT_FOUND")
        return self.topics[request.topic]

    def DeleteTopic(self, request):  # noqa: N802
        self.topics.pop(request.topic)

    def ListTopics(self, request):  # noqa: N802
        if request.page_size > 1000:
            violation = errors.FieldViolation(field="page_size", description="is above 1000")
            raise errors.InvalidArgument("page_size: is above 1000", violations=(violation,))
        return fields.listing("google.pubsub.v1.ListTopicsResponse", "topics", self.topics.values())

    def Publish(self, request):  # noqa: N802
        ids = [f"{len(m.data)}" for m in request.messages]
        return message("google.pubsub.v1.PublishResponse", message_ids=ids)

    def UpdateTopic(self, request):  # noqa: N802
        raise ZeroDivisionError(request.topic.name)


class Subscriber:
    SERVICE = "google.pubsub.v1.Subscriber"

    async def StreamingPull(self, requests):  # noqa: N802
        async for request in requests:
            received = {"ack_id": request.subscription, "message": {"data": b"hello", "message_id": "1"}}
            yield message("google.pubsub.v1.StreamingPullResponse", received_messages=[received])


class PipelineService:
    SERVICE = "google.cloud.aiplatform.v1.PipelineService"

    def __init__(self):
        self.jobs = {}

    def CreatePipelineJob(self, request):  # noqa: N802
        job = message("google.cloud.aiplatform.v1.PipelineJob")
        job.CopyFrom(request.pipeline_job)
        job.name = f"{request.parent}/pipelineJobs/{request.pipeline_job_id}"
        job.state = "PIPELINE_STATE_RUNNING"
        self.jobs[job.name] = job
        return job

    async def GetPipelineJob(self, request):  # noqa: N802
        return self.jobs[request.name]

    def DeletePipelineJob(self, request):  # noqa: N802
        return fields.operation(f"{request.name}/operations/1", done=True)


class Tiny:
    """The surface on an event loop in a thread of its own."""

    def __init__(self, home):
        self.surface = Surface(
            load({}, home=home, port=0, tunnel="elsewhere.test"),
            [
                Publisher(),
                Subscriber(),
                PipelineService(),
                Operations(lambda name: fields.operation(name, done=True) if name.endswith("/1") else None),
                Projects("local-project"),
                Locations("us-central1"),
            ],
        )
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self.address = self.do(self.surface.start())

    def do(self, work):
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    @property
    def port(self):
        return int(self.address.rsplit(":", 1)[1])

    def python(self, script, principal="user", **variables):
        """Run a script in the environment of Google's clients; answer the JSON that it prints."""
        environment = {**os.environ, **self.surface.reach.environment(principal), **variables}
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", script], env=environment, capture_output=True, text=True, timeout=100
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def close(self):
        self.do(self.surface.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    opened = Tiny(tmp_path_factory.mktemp("surface"))
    yield opened
    opened.close()


def pytest_terminal_summary(terminalreporter):
    """Count what the pipelines came to; tests say it as the property `conformance`."""
    reports = (r for found in terminalreporter.stats.values() for r in found if getattr(r, "when", "") == "call")
    said = (value for r in reports for name, value in r.user_properties if name == "conformance")
    for (suite, outcome), count in sorted(collections.Counter(map(tuple, said)).items()):
        terminalreporter.write_line(f"conformance, {suite}: {count} {outcome}")
