"""From what somebody asks for to a run that can be recorded; everything that can be refused is refused here."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from trainshed import ir, names
from trainshed.blobs import check_bucket, parse_uri
from trainshed.errors import InvalidArgument, TrainshedError
from trainshed.ledger import Cause
from trainshed.runs import given, secret_variables
from trainshed.runs.catalog import Catalog, Template
from trainshed.runs.lifecycle import RUN
from trainshed.runs.model import PARENT, NewRun, Run
from trainshed.runs.workplace import Workplace, Workplaces

T = TypeVar("T")
_JOB_ID = re.compile(r"[a-z][-a-z0-9]{0,127}")
_DISPLAY_NAME_LENGTH = 128
_OWN = {"pipeline_job_id": "jobId", "pipelineRoot": "root"}
_FAILURE_POLICIES = ("FAIL_SLOW", "FAIL_FAST")


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """A request that can be carried out: template, typed parameters, a place for every component."""

    new: NewRun
    template: Template
    parameters: Mapping[str, Any]
    places: Mapping[str, Workplace]
    root: str
    input_artifacts: Mapping[str, Any]


def prepare(
    new: NewRun,
    catalog: Catalog,
    workplaces: Workplaces,
    *,
    secrets: Path,
    find_artifact: given.FindArtifact,
    template: Template | None = None,
) -> Prepared:
    """Check a request. Raises InvalidArgument with every finding."""
    names.parse(PARENT, new.parent, field="parent")
    if new.job_id and not _JOB_ID.fullmatch(new.job_id):
        hint = "use lower-case letters, digits and '-', beginning with a letter, at most 128"
        raise InvalidArgument.field("pipeline_job_id", f"{new.job_id!r} cannot be a job id: {hint}")
    if new.failure_policy not in _FAILURE_POLICIES:
        raise InvalidArgument.field(
            "failurePolicy", f"{new.failure_policy!r} is none of {', '.join(_FAILURE_POLICIES)}"
        )
    if len(new.display_name) > _DISPLAY_NAME_LENGTH:
        raise InvalidArgument.field("displayName", f"longer than {_DISPLAY_NAME_LENGTH} characters")
    template = template or catalog.take(new.spec, new.platform)
    plan, refusals = template.plan, _Refusals()
    values = {**template.parameters, **new.parameters}
    refusals.ask(lambda: _check_secrets(secrets, plan, values), None)
    prepared = Prepared(
        new=new,
        template=template,
        parameters=refusals.ask(lambda: ir.bind(plan.parameters, values), {}),
        places=refusals.ask(lambda: workplaces.of_plan(plan, is_new=True), {}),
        root=refusals.ask(lambda: _root(new, plan), ""),
        input_artifacts=refusals.ask(
            lambda: given.find(plan, template.input_artifacts | dict(new.input_artifacts), new.parent, find_artifact),
            {},
        ),
    )
    refusals.check()
    return prepared


def from_template(
    template: Template,
    parent: str,
    *,
    parameters: Mapping[str, Any],
    job_id: str = "",
    display_name: str = "",
    labels: Mapping[str, str] | None = None,
    root: str = "",
    failure_policy: str = "",
    caching: bool | None = None,
    uri: str = "",
) -> NewRun:
    """Ask for a run of a compiled pipeline; what its document brings along holds where nothing else is said."""
    return NewRun(
        parent=parent,
        spec=template.spec,
        platform=template.platform,
        parameters={**template.parameters, **parameters},
        job_id=job_id,
        display_name=display_name or template.display_name,
        labels={**template.labels, **(labels or {})},
        root=root or _root_in(template.runtime),
        failure_policy=failure_policy or _policy_in(template.runtime),
        caching=caching,
        template_uri=uri,
        input_artifacts=template.input_artifacts,
    )


@contextmanager
def own_names() -> Iterator[None]:
    """Name the fields that an error is about as our own interface calls them; elsewhere they are Vertex AI's."""
    try:
        yield
    except TrainshedError as error:
        error.violations = tuple(replace(v, field=_OWN.get(v.field, v.field)) for v in error.violations)
        raise


def _policy_in(wrapped: Mapping[str, Any]) -> str:
    """Answer the failure policy that a PipelineJob document brings along."""
    named = str(wrapped.get("failurePolicy") or wrapped.get("failure_policy") or "")
    return "FAIL_FAST" if named.endswith("FAIL_FAST") else "FAIL_SLOW"


def _root_in(wrapped: Mapping[str, Any]) -> str:
    """Answer where a document wants its outputs; a place of the machine that compiled it counts as none."""
    root = str(wrapped.get("gcsOutputDirectory") or "")
    return root if root.startswith("gs://") else ""


class _Refusals:
    """Collects what is wrong with each part of a request, so that it is said all at once."""

    def __init__(self) -> None:
        self._found: list[InvalidArgument] = []

    def ask(self, part: Callable[[], T], otherwise: T) -> T:
        """Answer a part, or what goes in its place until everything is known."""
        try:
            return part()
        except InvalidArgument as error:
            self._found.append(error)
            return otherwise

    def check(self) -> None:
        """Raise InvalidArgument when anything was wrong; its reason is that of the first part."""
        if self._found:
            raise InvalidArgument(
                "\n".join(error.message for error in self._found),
                reason=self._found[0].reason,
                violations=tuple(violation for error in self._found for violation in error.violations),
            )


def workers(plan: ir.Plan) -> int:
    """Count the tasks of a plan that have something to do: imports name what exists already."""
    return sum(task.kind == "container" for _, task in plan.leaves())


def draft(
    prepared: Prepared,
    cause: Cause | None,
    *,
    run_key: str | None,
    job: str,
    context_id: int,
    now: datetime,
    trigger: str = "",
) -> Run:
    """Answer the run that a request asks for, as it is before anything has happened."""
    new, template = prepared.new, prepared.template
    return Run(
        name=f"{new.parent}/pipelineJobs/{job}",
        number=new.number or names.numeric_id(),
        pipeline=template.plan.name,
        spec_digest=template.digest,
        parameters=prepared.parameters,
        display_name=new.display_name or template.display_name or template.plan.name,
        labels={**template.labels, **new.labels},
        root=prepared.root,
        failure_policy=new.failure_policy,
        caching=new.caching,
        service_account=new.service_account,
        template_uri=new.template_uri,
        origin=new.origin,
        input_artifacts=prepared.input_artifacts,
        carried=dict(new.carried),
        cause_kind=cause.kind if cause else "user",
        receipt_id=cause.receipt_id if cause else "",
        trigger=trigger,
        run_key=run_key,
        logical_time=(cause.time if cause else None) or now,
        context_id=context_id,
        tasks_total=workers(template.plan),
        tasks_ran=None,
        tasks_left_out=None,
        outputs=None,
        usage=None,
        error="",
        state=RUN.initial[0],
        create_time=now,
        start_time=None,
        end_time=None,
        update_time=now,
    )


def job_id(pipeline: str, now: datetime) -> str:
    """Make an id from a pipeline's name and the time."""
    slug = re.sub(r"[^-a-z0-9]+", "-", pipeline.lower()).strip("-")[:90] or "run"
    slug = slug if slug[0].isalpha() else f"run-{slug}"
    return f"{slug}-{now:%Y%m%d%H%M%S}-{names.short_id(5)}"


def _check_secrets(secrets: Path, plan: ir.Plan, parameters: Mapping[str, Any]) -> None:
    if missing := secret_variables.findings(secrets, plan, parameters):
        raise InvalidArgument.findings(missing, reason="SECRET_MISSING")


def _root(new: NewRun, plan: ir.Plan) -> str:
    project = new.parent.split("/")[1]
    default = plan.default_root if plan.default_root.startswith("gs://") else f"gs://{project}-pipelines"
    root = new.root or default
    if not root.startswith("gs://"):
        raise InvalidArgument.field("pipelineRoot", f"{root!r} is not a gs:// location")
    bucket, _ = parse_uri(root, field="pipelineRoot")
    check_bucket(bucket, field="pipelineRoot")
    return root.rstrip("/")
