"""Runs beyond Google's PipelineJob: submit text, plan, graph, logs while they grow, outputs, triggers."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from trainshed import costs
from trainshed.api import caller, own
from trainshed.api.services.pipelines import CauseOf, NextOrdinal, job_json
from trainshed.clock import rfc3339
from trainshed.duty import off_loop
from trainshed.errors import InvalidArgument
from trainshed.runs import RUN, TASK, Details, NewRun, Run, Service, Trigger, Triggers, actual, estimate

_PRICES = costs.load()
_LOOK_SECONDS = 0.05
_WAIT_SECONDS = 30.0
_CHUNK = 1 << 16


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
        Route(f"{base}/{{job}}", api.describe),
        Route(f"{base}/{{job}}/graph", api.graph),
        Route(f"{base}/{{job}}/logs", api.logs),
        Route(f"{base}/{{job}}/wait", api.wait),
        Route("/trainshed/v1/runTriggers", api.triggers),
        Route("/trainshed/v1/{parent:path}/runTriggers", api.create_trigger, methods=["POST"]),
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
        run = await off_loop(self._create, request.path_params["parent"], document, principal)
        return JSONResponse(run_json(await off_loop(self._runs.describe, run.name)))

    async def plan(self, request: Request) -> Response:
        document = await own.body(request)
        new = await off_loop(self._new, request.path_params["parent"], document)
        steps = await off_loop(self._runs.plan, new)
        cost = estimate(_PRICES, steps, await off_loop(self._runs.seconds_of_tasks, new))
        return JSONResponse({"steps": [asdict(step) for step in steps], "cost": costs.to_document(cost)})

    async def listing(self, request: Request) -> Response:
        wanted = request.query_params
        found, token = await off_loop(
            self._runs.list,
            request.path_params["parent"],
            page_token=wanted.get("pageToken", ""),
            state=wanted.get("state", ""),
        )
        page = {"runs": [brief_json(run) for run in found]}
        return JSONResponse(page | ({"nextPageToken": token} if token else {}))

    async def describe(self, request: Request) -> Response:
        return JSONResponse(run_json(await off_loop(self._runs.describe, _name(request))))

    async def graph(self, request: Request) -> Response:
        return JSONResponse(await off_loop(self._runs.graph, _name(request)))

    async def wait(self, request: Request) -> Response:
        """Answer the run once it has ended, or as it is when the client should ask again."""
        loop = asyncio.get_running_loop()
        until = loop.time() + _WAIT_SECONDS
        while not RUN.is_final((await off_loop(self._runs.get, _name(request))).state) and loop.time() < until:  # noqa: ASYNC110  (the store is asked)
            await asyncio.sleep(_LOOK_SECONDS)
        return await self.describe(request)

    async def logs(self, request: Request) -> Response:
        details = await off_loop(self._runs.describe, _name(request))
        task = request.query_params.get("task", "")
        if task and task not in {t.name for t in details.tasks}:
            known = ", ".join(t.name for t in details.tasks)
            raise InvalidArgument.field("task", f"the run has no task {task!r}; it has {known}")
        is_followed = request.query_params.get("stream", "") not in {"", "0", "false"}
        lines = self._lines(details.run, task, is_followed=is_followed)
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
        )
        return JSONResponse(trigger_json(made))

    async def delete_trigger(self, request: Request) -> Response:
        await off_loop(self._triggers.delete, request.path_params["trigger"])
        return JSONResponse({})

    def _create(self, parent: str, document: dict[str, Any], principal: str) -> Run:
        new = self._new(parent, document)
        return self._runs.create(new, self._cause_of(principal), partial(self._next_ordinal, principal))

    def _new(self, parent: str, document: dict[str, Any]) -> NewRun:
        """Read a request: `text` or `uri` of a compiled pipeline, and what the command line may say about a run."""
        if document.get("uri"):
            template = self._runs.read_template(str(document["uri"]))
        else:
            template = self._runs.catalog.read(str(document.get("text", "")).encode("utf-8", "surrogatepass"))
        wrapped = template.runtime
        inside = wrapped.get("parameterValues") or wrapped.get("parameter_values") or {}
        legacy = {k: next(iter(v.values()), None) for k, v in (wrapped.get("parameters") or {}).items()}
        return NewRun(
            parent=parent,
            spec=template.spec,
            platform=template.platform,
            parameters={**legacy, **inside, **(document.get("parameters") or {})},
            job_id=str(document.get("jobId") or ""),
            display_name=str(document.get("displayName") or template.display_name),
            labels={**template.labels, **(document.get("labels") or {})},
            root=str(document.get("root") or wrapped.get("gcsOutputDirectory") or ""),
            failure_policy=str(document.get("failurePolicy") or "FAIL_SLOW"),
            caching=document.get("caching"),
            template_uri=str(document.get("uri") or ""),
        )

    async def _lines(self, run: Run, task: str, *, is_followed: bool) -> AsyncIterator[bytes]:
        read: dict[Path, int] = {}
        while True:
            details = await off_loop(self._runs.describe, run.name)
            for data in await off_loop(self._news, details, task, read):
                yield data
            if not is_followed or RUN.is_final(details.run.state):
                return
            await asyncio.sleep(_LOOK_SECONDS * 2)

    def _news(self, details: Details, task: str, read: dict[Path, int]) -> list[bytes]:
        """Read what the logs have gained; of several tasks each line names its own."""
        found: list[bytes] = []
        for row in details.tasks:
            for attempt in range(1, row.attempt + 1) if task in {"", row.name} else ():
                path = self._runs.log_file(details.run, row.name, attempt)
                is_over = attempt < row.attempt or TASK.is_final(row.state)
                data, read[path] = _tail(path, read.get(path, 0), is_over=is_over)
                prefix = b"" if task else f"[{row.name}] ".encode()
                found += [prefix + line + b"\n" for line in data.split(b"\n")[:-1]] if data else []
        return found


def run_json(details: Details) -> dict[str, Any]:
    """Write a run as Google's JSON, and beside it what Google has no field for."""
    run = details.run
    attempts: dict[str, list[dict[str, Any]]] = {}
    for attempt in details.attempts:
        known = asdict(attempt) | {"start_time": rfc3339(attempt.start_time), "end_time": rfc3339(attempt.end_time)}
        attempts.setdefault(attempt.task_id, []).append(known)
    tasks = [
        {
            "name": task.name,
            "state": task.state,
            "cachedFrom": task.cached_from,
            "error": task.error,
            "outputs": task.outputs,
            "cpus": task.cpus,
            "memoryBytes": task.memory_bytes,
            "machineType": task.machine_type,
            "cpuSeconds": task.cpu_seconds,
            "peakMemoryBytes": task.peak_memory_bytes,
            "environment": task.environment,
            "attempts": attempts.get(task.id, []),
        }
        for task in details.tasks
    ]
    cost = costs.to_document(actual(_PRICES, details.tasks))
    return {
        "job": job_json(run, details),
        **brief_json(run),
        "outputs": run.outputs or {},
        "tasks": tasks,
        "cost": cost,
    }


def brief_json(run: Run) -> dict[str, Any]:
    """Write what lists show."""
    return {
        "name": run.name,
        "pipeline": run.pipeline,
        "displayName": run.display_name,
        "state": run.state,
        "needless": run.is_needless,
        "tasksTotal": run.tasks_total,
        "tasksRan": run.tasks_ran,
        "cause": run.cause_kind,
        "receipt": run.receipt_id,
        "error": run.error,
        "parameters": dict(run.parameters),
        "createTime": rfc3339(run.create_time),
        "startTime": rfc3339(run.start_time) if run.start_time else "",
        "endTime": rfc3339(run.end_time) if run.end_time else "",
    }


def trigger_json(trigger: Trigger) -> dict[str, Any]:
    """Write a run trigger."""
    return {
        "name": trigger.name,
        "topic": trigger.topic,
        "bucket": trigger.bucket,
        "spec": trigger.spec_uri,
        "subscription": trigger.subscription,
        "createTime": rfc3339(trigger.create_time),
    }


def _name(request: Request) -> str:
    return f"{request.path_params['parent']}/pipelineJobs/{request.path_params['job']}"


def _tail(path: Path, position: int, *, is_over: bool) -> tuple[bytes, int]:
    """Read whole lines from a position on; the last one of a log that is over may lack its end."""
    try:
        with path.open("rb") as file:
            file.seek(position)
            data = file.read()
    except OSError:
        return b"", position
    if is_over and data and not data.endswith(b"\n"):
        return data + b"\n", position + len(data)
    whole = data[: data.rfind(b"\n") + 1]
    return whole, position + len(whole)
