"""Tables and SQL of custom jobs. Every function works inside the caller's transaction."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Column, Connection, ForeignKey, Table, Text, delete, select

from trainshed.errors import NotFound
from trainshed.runs.custom_jobs.model import CustomJob, TrainingPipeline
from trainshed.runs.model import Run
from trainshed.runs.store import runs
from trainshed.sql import Json, metadata

custom_jobs = Table(
    "custom_jobs",
    metadata,
    Column("name", Text, primary_key=True),
    Column("display_name", Text, nullable=False),
    Column("spec", Json, nullable=False),
    Column("labels", Json, nullable=False),
    Column("run", Text, ForeignKey("runs.name", ondelete="CASCADE"), nullable=False),
)
training_pipelines = Table(
    "training_pipelines",
    metadata,
    Column("name", Text, primary_key=True),
    Column("display_name", Text, nullable=False),
    Column("document", Json, nullable=False),
    Column("labels", Json, nullable=False),
    Column("job", Text, ForeignKey("custom_jobs.name", ondelete="CASCADE"), nullable=False),
)
_JOINED = custom_jobs.join(runs, runs.c.name == custom_jobs.c.run)
_MINE = [column.label(f"job_{column.name}") for column in custom_jobs.c]


def insert(conn: Connection, values: Mapping[str, Any]) -> None:
    """Add a custom job whose run is there."""
    conn.execute(custom_jobs.insert(), dict(values))


def insert_pipeline(conn: Connection, values: Mapping[str, Any]) -> None:
    """Add a training pipeline whose job is there."""
    conn.execute(training_pipelines.insert(), dict(values))


def get(conn: Connection, name: str) -> CustomJob:
    """Read a custom job with its run. Raises NotFound."""
    query = select(*_MINE, runs).select_from(_JOINED).where(custom_jobs.c.name == name)
    row = conn.execute(query).one_or_none()
    if row is None:
        raise NotFound(f"There is no custom job {name!r}.", reason="CUSTOM_JOB_NOT_FOUND")
    return _job(row)


def listing(conn: Connection, parent: str = "", *, project: str = "") -> list[CustomJob]:
    """Read the custom jobs of a place, or of a project wherever they are, newest first."""
    prefix = f"projects/{project}/locations/" if project else f"{parent}/customJobs/"
    query = select(*_MINE, runs).select_from(_JOINED)
    query = query.where(custom_jobs.c.name.startswith(prefix, autoescape=True))
    return [_job(row) for row in conn.execute(query.order_by(runs.c.create_time.desc(), runs.c.name))]


def get_pipeline(conn: Connection, name: str) -> TrainingPipeline:
    """Read a training pipeline. Raises NotFound."""
    row = conn.execute(select(training_pipelines).where(training_pipelines.c.name == name)).one_or_none()
    if row is None:
        raise NotFound(f"There is no training pipeline {name!r}.", reason="TRAINING_PIPELINE_NOT_FOUND")
    return _pipeline(row, get(conn, row.job))


def list_pipelines(conn: Connection, parent: str) -> list[TrainingPipeline]:
    """Read the training pipelines of a place, newest first."""
    jobs = {job.name: job for job in listing(conn, parent)}
    query = select(training_pipelines)
    query = query.where(training_pipelines.c.name.startswith(f"{parent}/trainingPipelines/", autoescape=True))
    found = [_pipeline(row, jobs[row.job]) for row in conn.execute(query)]
    return sorted(found, key=lambda p: (p.job.run.create_time, p.name), reverse=True)


def is_of_a_pipeline(conn: Connection, job: str) -> bool:
    """Whether a training pipeline has this job."""
    return conn.execute(select(training_pipelines.c.name).where(training_pipelines.c.job == job)).first() is not None


def remove(conn: Connection, name: str) -> None:
    """Forget a custom job."""
    conn.execute(delete(custom_jobs).where(custom_jobs.c.name == name))


def remove_pipeline(conn: Connection, name: str) -> None:
    """Forget a training pipeline."""
    conn.execute(delete(training_pipelines).where(training_pipelines.c.name == name))


def _job(row: Any) -> CustomJob:
    values = dict(row._mapping)  # noqa: SLF001  (SQLAlchemy's public mapping of a row)
    mine = {column.name: values.pop(f"job_{column.name}") for column in custom_jobs.c}
    return CustomJob(**{**mine, "run": Run(**values)})


def _pipeline(row: Any, job: CustomJob) -> TrainingPipeline:
    return TrainingPipeline(**{**row._mapping, "job": job})  # noqa: SLF001
