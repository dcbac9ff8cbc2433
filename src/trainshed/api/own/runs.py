"""Runs beyond Google's PipelineJob: submit text, plan, graph, logs while they grow, outputs, triggers."""

from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from trainshed import costs
from trainshed.api import caller, own
from trainshed.api.own import runs_logs
from trainshed.api.own.runs_json import PRICES, brief_json, outline_json, run_json, trigger_json
from trainshed.api.services.pipelines import CauseOf, NextOrdinal
from trainshed.duty import off_loop
from trainshed.errors import InvalidArgument
from trainshed.runs import (
    RUN,
    STOPPED,
    NewRun,
    Run,
    Service,
    Trigger,
    Triggers,
    estimate,
    from_template,
    labels,
    own_names,
    tally_ahead,
)

_WAIT_SECONDS = 30.0
_OF_LABELS = ("updateLabels", "removeLabels")
_OF_TRIGGER = ("spec", "topic", "bucket")  # what can be changed of a run trigger, beside whether it is disabled


def routes(
    runs: Service,
    triggers: Triggers,
    *,
    cause_of: CauseOf = lambda _: None,
    next_ordinal: NextOrdinal = lambda *_: 0,
) -> list[Route]:
    """Everything under /trainshed/v1/runs and /trainshed/v1/runTriggers."""
    api = _Api(runs, triggers, cause_of, next_ordinal)
    base = "/trainshed/v1/{parent:path}/runs"
    return [
        Route(base, api.create, methods=["POST"]),
        Route(base, api.listing),
        Route(f"{base}:plan", api.plan, methods=["POST"]),
        Route(f"{base}/{{job}}:retry", api.retry, methods=["POST"]),
        Route(f"{base}/{{job}}:clone", api.clone, methods=["POST"]),
        Route(f"{base}/{{job}}", api.describe),
        Route(f"{base}/{{job}}", api.change, methods=["PATCH"]),
        Route(f"{base}/{{job}}/outline", api.outline),
        Route(f"{base}/{{job}}/graph", api.graph),
        Route(f"{base}/{{job}}/logs", api.logs),
        Route(f"{base}/{{job}}/wait", api.wait),
        Route("/trainshed/v1/runTriggers", api.triggers),
        Route("/trainshed/v1/{parent:path}/runTriggers", api.create_trigger, methods=["POST"]),
        Route("/trainshed/v1/runTriggers/{trigger}", api.describe_trigger),
        Route("/trainshed/v1/runTriggers/{trigger}", api.change_trigger, methods=["PATCH"]),
        Route("/trainshed/v1/runTriggers/{trigger}", api.delete_trigger, methods=["DELETE"]),
    ]


class _Api:
    def __init__(self, runs: Service, triggers: Triggers, cause_of: CauseOf, next_ordinal: NextOrdinal) -> None:
        self._runs = runs
        self._triggers = triggers
        self._cause_of = cause_of
        self._next_ordinal = next_ordinal

    async def create(self, request: Request) -> Response:
        document = await own.body(request)
        principal = caller.current().principal
        with own_names():
            run = await off_loop(self._create, request.path_params["parent"], document, principal)
        return JSONResponse(await off_loop(self._whole, run.name))

    async def plan(self, request: Request) -> Response:
        document = await own.body(request)
        with own_names():
            new = await off_loop(self._new, request.path_params["parent"], document)
            steps = await off_loop(self._runs.plan, new)
        cost = estimate(PRICES, steps, await off_loop(self._runs.seconds_of_tasks, new))
        done = tally_ahead(steps).said(would=True)
        return JSONResponse({"steps": [asdict(step) for step in steps], "done": done, "cost": costs.to_document(cost)})

    async def listing(self, request: Request) -> Response:
        wanted = request.query_params
        found, token = await off_loop(
            self._runs.list,
            request.path_params["parent"],
            page_token=wanted.get("pageToken", ""),
            state=wanted.get("state", ""),
            commit=wanted.get("commit", ""),
            filter=wanted.get("filter", ""),
            order_by=wanted.get("orderBy", ""),
        )
        stopped = [run.name for run in found if run.state in STOPPED]
        asked = await off_loop(self._runs.cancellations, stopped)
        going = await off_loop(self._runs.done_of, found)
        page = {"runs": [brief_json(run, asked.get(run.name), going.get(run.name)) for run in found]}
        return JSONResponse(page | ({"nextPageToken": token} if token else {}))

    async def describe(self, request: Request) -> Response:
        return JSONResponse(await off_loop(self._whole, _name(request)))

    async def change(self, request: Request) -> Response:
        """Write a run's labels anew: `{"labels": {"KEY": "VALUE"}}`, or a list of texts KEY=VALUE.

        Or change some, and leave the rest as it is: `{"updateLabels": {"KEY": "VALUE"}, "removeLabels": ["KEY"]}`.
        """
        document = await own.body(request)
        if unknown := sorted(set(document) - {"labels", *_OF_LABELS}):
            raise InvalidArgument.field(unknown[0], f"cannot be changed; labels can, or {' and '.join(_OF_LABELS)}")
        if "labels" not in document:
            return JSONResponse(brief_json(await off_loop(self._relabel, _name(request), document)))
        if beside := sorted(set(document) & {*_OF_LABELS}):
            raise InvalidArgument.field(
                beside[0], "stands beside labels, which writes all anew; leave one of the two away"
            )
        run = await off_loop(self._runs.label, _name(request), labels(document["labels"]))
        return JSONResponse(brief_json(run))

    def _relabel(self, name: str, document: Mapping[str, Any]) -> Run:
        if not any(document.get(key) for key in _OF_LABELS):
            raise InvalidArgument.field("labels", f"is missing, and so are {' and '.join(_OF_LABELS)}")
        update, remove = document.get("updateLabels") or {}, document.get("removeLabels") or []
        if not isinstance(remove, list) or not all(isinstance(key, str) for key in remove):
            raise InvalidArgument.field("removeLabels", 'is no list of keys, such as ["team"]')
        return self._runs.relabel(name, labels(update), remove)

    async def outline(self, request: Request) -> Response:
        details = await off_loop(self._runs.describe, _name(request))
        return JSONResponse(await off_loop(outline_json, details))

    async def retry(self, request: Request) -> Response:
        run = await off_loop(self._runs.retry, _name(request), cause=caller.current().said)
        return JSONResponse(brief_json(run))

    async def clone(self, request: Request) -> Response:
        document = await own.body(request)
        parameters, caching = own.mapping(document, "parameters"), own.choice(document, "caching")
        job_id = str(document.get("jobId") or "")
        with own_names():
            run = await off_loop(self._runs.clone, _name(request), parameters, job_id=job_id, caching=caching)
        return JSONResponse(brief_json(run))

    async def graph(self, request: Request) -> Response:
        return JSONResponse(await off_loop(self._runs.graph, _name(request)))

    async def wait(self, request: Request) -> Response:
        """Answer the run once it has ended, or as it is when the client should ask again."""
        run = await self._runs.ended(_name(request), seconds=_WAIT_SECONDS)
        is_over = RUN.is_final(run.state)
        return JSONResponse(await off_loop(self._whole, run.name) if is_over else brief_json(run))

    async def logs(self, request: Request) -> Response:
        run = await off_loop(self._runs.get, _name(request))
        task = request.query_params.get("task", "")
        chosen = await off_loop(self._runs.choose, run.name, task) if task else None
        is_followed = request.query_params.get("stream", "") not in {"", "0", "false"}
        lines = runs_logs.lines(self._runs, run, chosen, is_followed=is_followed)
        return StreamingResponse(lines, media_type="text/plain; charset=utf-8")

    async def triggers(self, _request: Request) -> Response:
        found = await off_loop(self._triggers.list)
        return JSONResponse({"triggers": [trigger_json(t) for t in found]})

    async def create_trigger(self, request: Request) -> Response:
        document = await own.body(request)
        made = await off_loop(
            self._triggers.create,
            str(document.get("name", "")),
            request.path_params["parent"],
            spec_uri=str(document.get("spec", "")),
            topic=str(document.get("topic", "")),
            bucket=str(document.get("bucket", "")),
            parameters=own.mapping(document, "parameters"),
        )
        return JSONResponse(await off_loop(self._trigger_json, made))

    async def describe_trigger(self, request: Request) -> Response:
        found = await off_loop(self._triggers.get, request.path_params["trigger"])
        return JSONResponse(await off_loop(self._trigger_json, found))

    async def change_trigger(self, request: Request) -> Response:
        """Change what starts it, or what it starts; disable or enable it by `{"disabled": true}`, as a build trigger."""
        document, name = await own.body(request), request.path_params["trigger"]
        given = {key: str(document[key]) for key in _OF_TRIGGER if document.get(key)}
        wanted = own.choice(document, "disabled")
        parameters = own.mapping(document, "parameters") if "parameters" in document else None
        every = ", ".join((*_OF_TRIGGER, "parameters"))
        if unknown := sorted(set(document) - {*_OF_TRIGGER, "parameters", "disabled"}):
            raise InvalidArgument.field(unknown[0], f"is none of disabled, {every}")
        if wanted is None and parameters is None and not given:
            raise InvalidArgument.field("disabled", f"is missing, and so are {every}")
        found = await off_loop(self._change_trigger, name, given, parameters, wanted)
        return JSONResponse(await off_loop(self._trigger_json, found))

    def _trigger_json(self, trigger: Trigger) -> dict[str, Any]:
        """Write a run trigger, and why it can start nothing now; empty where it can."""
        return trigger_json(trigger) | {"problem": self._triggers.problem(trigger)}

    def _change_trigger(
        self, name: str, given: Mapping[str, str], parameters: Mapping[str, Any] | None, is_disabled: bool | None
    ) -> Trigger:
        if given or parameters is not None:
            spec, source = given.get("spec", ""), {key: given.get(key, "") for key in ("topic", "bucket")}
            found = self._triggers.change(name, spec_uri=spec, parameters=parameters, **source)
        if is_disabled is not None:
            found = self._triggers.switch(name, is_disabled=is_disabled)
        return found

    async def delete_trigger(self, request: Request) -> Response:
        await off_loop(self._triggers.delete, request.path_params["trigger"])
        return JSONResponse({})

    def _whole(self, name: str) -> dict[str, Any]:
        details = self._runs.describe(name)
        return run_json(details, self._runs.traces(details.run))

    def _create(self, parent: str, document: dict[str, Any], principal: str) -> Run:
        new = self._new(parent, document)
        return self._runs.create(new, self._cause_of(principal), partial(self._next_ordinal, principal))

    def _new(self, parent: str, document: dict[str, Any]) -> NewRun:
        """Read a request: `text` or `uri` of a compiled pipeline, and what the command line may say about a run."""
        if document.get("uri"):
            template = self._runs.read_template(str(document["uri"]))
        else:
            template = self._runs.catalog.read(str(document.get("text", "")).encode("utf-8", "surrogatepass"))
        return from_template(
            template,
            parent,
            parameters=own.mapping(document, "parameters"),
            job_id=str(document.get("jobId") or ""),
            display_name=str(document.get("displayName") or ""),
            labels=own.mapping(document, "labels"),
            root=str(document.get("root") or ""),
            failure_policy=str(document.get("failurePolicy") or ""),
            caching=own.choice(document, "caching"),
            uri=str(document.get("uri") or ""),
        )


def _name(request: Request) -> str:
    return f"{request.path_params['parent']}/pipelineJobs/{request.path_params['job']}"
