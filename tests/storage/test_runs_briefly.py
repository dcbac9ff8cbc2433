"""What accounts and pages read of a run of very many tasks: the same as everywhere else, and little of it."""

import gc
import tracemalloc
from dataclasses import fields, replace
from datetime import UTC, datetime

import pytest
from large_store import SMALL, fill

from trainshed import costs
from trainshed.api import drafted_forms
from trainshed.api.descriptors import from_json, message, message_class, to_json
from trainshed.api.services.pipelines import Pipelines
from trainshed.blobs import Blobs
from trainshed.clock import VirtualClock
from trainshed.lineage import RUN
from trainshed.runs import decided
from trainshed.runs.catalog import Catalog
from trainshed.runs.marks import Brief
from trainshed.runs.outline import outline, outlined
from trainshed.runs.pricing import actual
from trainshed.runs.reading import Reading
from trainshed.sql import Database

V1 = "google.cloud.aiplatform.v1"
WIDE = 600
ROOM = 2_000  # bytes for each task, with its attempt, its decision and whose code it is; a row of it all takes 2,900


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return fill(
        tmp_path_factory.mktemp("many") / "home",
        replace(SMALL, wide_runs=(WIDE,)),
        until=datetime(2026, 11, 20, tzinfo=UTC),
    )


@pytest.fixture(scope="module")
def reading(made):
    db = Database(made.home / "trainshed.db")
    yield Reading(db, Blobs(made.home / "buckets", VirtualClock()), Catalog(), made.home / "runs")
    db.close()


@pytest.fixture(scope="module")
def runs(reading, made):
    return [made.wide_runs[WIDE], *(run.name for run in reading.list(page_size=60)[0])]


def test_tasks_are_told_briefly_as_their_rows_tell_of_them(reading, runs):
    for run in runs:
        whole, brief = reading.describe(run), reading.briefly(run)

        said = [{field.name: getattr(task, field.name) for field in fields(Brief)} for task in whole.tasks]
        assert [{field.name: getattr(task, field.name) for field in fields(Brief)} for task in brief.tasks] == said
        assert (brief.run, brief.attempts, brief.plan) == (whole.run, whole.attempts, whole.plan)


def test_decisions_lines_and_costs_are_the_same_for_tasks_that_are_told_briefly(reading, runs):
    prices = costs.load()
    for run in runs:
        whole, brief = reading.describe(run), reading.briefly(run)

        assert reading.db.read(lambda c: decided.decisions(c, whole.run, whole.tasks)) == reading.decisions(brief)  # noqa: B023
        lines = [(line.path, line.reason) for line in outline(whole.plan, whole.tasks, ())]
        assert [(line.path, line.reason) for line in outlined(brief.plan, brief.tasks)] == lines
        assert actual(prices, brief.tasks, brief.attempts) == actual(prices, whole.tasks, whole.attempts)


def test_whose_code_tasks_are_is_what_their_executions_say(reading, runs):
    for name in runs:
        run = reading.get(name)
        coded, executions = reading.coded(run), [e for e in reading.executions(run) if e.schema_title != RUN]

        assert coded.components == {e.task: (e.code or {}).get("component", "") for e in executions}
        first = {(e.code or {}).get("image", ""): e.execution_id for e in reversed(executions)}
        assert {(e.code or {}).get("image", ""): e.execution_id for e in coded.in_images} == first


def test_an_account_of_very_many_tasks_needs_little_room(reading, made):
    run = reading.get(made.wide_runs[WIDE])
    reading.decisions(reading.briefly(run.name))  # with the plan, and statements compiled
    gc.collect()
    tracemalloc.start()
    try:
        found = reading.briefly(run.name)
        kept = [found, reading.coded(run), reading.decisions(found)]
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert len(found.tasks) == WIDE
    assert most < ROOM * WIDE
    assert kept


def test_vertexs_jobs_are_the_same_whether_a_message_was_made_of_them_or_not(reading, runs):
    for run in runs:
        draft = Pipelines(reading).GetPipelineJob(message(f"{V1}.GetPipelineJobRequest", name=run))
        descriptor, document = draft.DESCRIPTOR, draft.document
        whole = from_json(descriptor.full_name, document)

        assert drafted_forms.JSON.write(descriptor, document) == to_json(whole)
        assert message_class(descriptor.full_name)(**drafted_forms.FIELDS.write(descriptor, document)) == whole
        assert len(whole.job_detail.task_details) == len(reading.rows(run).tasks)


def test_a_job_is_told_to_vertexs_clients_without_planning_its_pipeline(made, monkeypatch):
    db = Database(made.home / "trainshed.db")
    reading = Reading(db, Blobs(made.home / "buckets", VirtualClock()), Catalog(), made.home / "runs")
    monkeypatch.setattr(Catalog, "get", None)

    job = Pipelines(reading).GetPipelineJob(message(f"{V1}.GetPipelineJobRequest", name=made.wide_runs[WIDE]))

    assert job.to_json()["pipelineSpec"]["pipelineInfo"]
    db.close()
