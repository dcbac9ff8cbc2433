"""The function that stands for a run trigger on Google Cloud: one run for an event, however often it is delivered."""

import base64
import json
from types import SimpleNamespace

import pytest

from trainshed.api import jsonpb
from trainshed.targets.run_trigger import main

SPEC = {
    "pipelineInfo": {"name": "Hello World"},
    "schemaVersion": "2.1.0",
    "root": {
        "inputDefinitions": {
            "parameters": {
                "epochs": {"parameterType": "NUMBER_INTEGER"},
                "object_uri": {"parameterType": "STRING"},
                "generation": {"parameterType": "STRING"},
            }
        }
    },
}


class Answer:
    def __init__(self, status, text=""):
        self.status_code, self.text, self.ok = status, text, status < 400

    def raise_for_status(self):
        if not self.ok:
            raise OSError(self.status_code)


class Session:
    """Stands in for Google: the compiled pipeline, and what creating a run answers."""

    def __init__(self, status=200, spec=SPEC):
        self.status, self.spec, self.posted = status, spec, []

    def get(self, url, params, timeout):
        assert url == "https://storage.googleapis.com/storage/v1/b/bucket/o/specs%2Fpipeline.json"
        return Answer(200, json.dumps(self.spec))

    def post(self, url, params, json, timeout):
        assert url == "https://r1-aiplatform.googleapis.com/v1/projects/p/locations/r1/pipelineJobs"
        self.posted.append((params["pipelineJobId"], json))
        return Answer(self.status, "no such image")


@pytest.fixture
def started(monkeypatch, capsys):
    variables = {
        "PIPELINE_SPEC": "gs://bucket/specs/pipeline.json",
        "PROJECT": "p",
        "REGION": "r1",
        "TRIGGER": "new-rows",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(main.google.auth, "default", lambda **_: (None, None))

    def start(event, session, event_id="77"):
        monkeypatch.setattr(main, "AuthorizedSession", lambda _: session)
        main.start(event, SimpleNamespace(event_id=event_id))
        return capsys.readouterr().out

    return start


def message(document):
    return {"data": base64.b64encode(json.dumps(document).encode()).decode()}


def test_a_message_starts_a_run_with_its_parameters(started):
    session = Session()

    said = started(message({"epochs": "3"}), session)

    ((name, job),) = session.posted
    assert name == "hello-world-new-rows-77"
    assert said == "Started run hello-world-new-rows-77 for event 77\n"
    assert job["runtimeConfig"] == {"gcsOutputDirectory": "gs://bucket/runs", "parameterValues": {"epochs": 3}}
    jsonpb.parse(job, "google.cloud.aiplatform.v1.PipelineJob")


def test_a_new_object_gives_what_the_pipeline_asks_for(started):
    session = Session()

    started({"bucket": "bucket", "name": "rows/1.csv", "generation": 5}, session)

    assert session.posted[0][1]["runtimeConfig"]["parameterValues"] == {
        "object_uri": "gs://bucket/rows/1.csv",
        "generation": "5",
    }


def test_fixed_values_are_given_where_the_event_gives_none(started, monkeypatch):
    monkeypatch.setenv("PARAMETERS", '{"epochs": "5", "generation": "1"}')
    session = Session()

    started(message({}), session, event_id="1")
    started(message({"epochs": 3}), session, event_id="2")

    given = [job["runtimeConfig"]["parameterValues"] for _, job in session.posted]
    assert given == [{"epochs": 5, "generation": "1"}, {"epochs": 3, "generation": "1"}]


def test_an_event_that_is_delivered_again_joins_its_run(started):
    session = Session(status=409)

    assert started(message({}), session) == "Joined: event 77 had started run hello-world-new-rows-77 before\n"
    started(message({}), session)
    started(message({}), session, event_id="78")
    assert [name for name, _ in session.posted] == ["hello-world-new-rows-77"] * 2 + ["hello-world-new-rows-78"]


@pytest.mark.parametrize(("event", "why"), [
    ({"data": base64.b64encode(b"[1]").decode()}, "not a JSON object"),
    ({"data": base64.b64encode(b"{").decode()}, "Expecting"),
    (message({"epoch": 1}), "no parameter epoch"),
    (message({"epochs": "many"}), "Expecting value"),
    (message({"epochs": "1.5"}), "not an integer"),
])  # fmt: skip
def test_an_event_that_no_run_can_be_made_of_is_refused_for_good(started, event, why):
    session = Session()

    assert why in started(event, session)
    assert session.posted == []


def test_a_run_that_is_not_taken_is_refused_and_an_outage_tried_again(started):
    assert "Refused: run hello-world-new-rows-77 is not taken: no such image" in started(message({}), Session(400))
    for status in (429, 500, 503):
        with pytest.raises(OSError, match=str(status)):
            started(message({}), Session(status))


def test_ids_have_what_google_takes(monkeypatch):
    monkeypatch.setenv("TRIGGER", "T" * 90)
    import re

    for spec, event in ((SPEC, "9" * 200), ({"pipelineInfo": {"name": "9 lives"}}, "a/b"), ({}, "-1")):
        assert re.fullmatch(r"[a-z][-a-z0-9]{0,127}", main.job_id(spec, event)), main.job_id(spec, event)
