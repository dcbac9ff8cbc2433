"""Runs as a file for other programs: a row each, with every parameter, label and metric. CSV."""

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from trainshed import names, runs
from trainshed.clock import rfc3339
from trainshed.dashboard import asked
from trainshed.dashboard.runs import trend
from trainshed.dashboard.runs.listing import SHEET
from trainshed.dashboard.serve import HEADERS
from trainshed.duty import off_loop

MOST = 1000  # runs of one file
_OF_RUN = ("run", "state", "pipeline", "started_by", "create_time", "seconds", "commit")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a text that begins so would be computed by programs of tables


def routes(service: runs.Service) -> list[BaseRoute]:
    """Answer the route; it reads the same words as the page."""

    async def sheet(request: Request) -> Response:
        found = asked.read(SHEET, {}, request.url.query, trend.WORDS)
        text = await off_loop(lambda: write(everything(service, trend.search(found))))
        headers = HEADERS | {"content-disposition": 'attachment; filename="runs.csv"'}
        return Response(text, media_type="text/csv", headers=headers)

    return [Route(SHEET, sheet)]


def everything(service: runs.Service, wanted: runs.Search) -> list[runs.Measured]:
    """Read runs page by page, the newest first, as far as one file goes. Raises InvalidArgument."""
    found: list[runs.Measured] = []
    while len(found) < MOST:
        page, token = service.measured(wanted)
        found += page
        if not token:
            break
        wanted = replace(wanted, page_token=token)
    return found[:MOST]


def write(found: Sequence[runs.Measured]) -> str:
    """Write them: what every run has, then parameters, labels and metrics by name."""
    parameters = dict.fromkeys(key for each in found for key in each.run.parameters)
    labels = dict.fromkeys(key for each in found for key in each.run.labels)
    metrics = dict.fromkeys(key for each in found for key in each.numbers)
    heads = [("parameter", key) for key in parameters] + [("label", key) for key in labels]
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\r\n")
    rows.writerow([*_OF_RUN, *(_said(f"{kind} {key}") for kind, key in heads), *map(_said, metrics)])
    for each in found:
        run = each.run
        mine = (*(run.parameters.get(key) for key in parameters), *(run.labels.get(key) for key in labels))
        rows.writerow([*_of(run), *map(_said, mine), *map(_said, map(each.numbers.get, metrics))])
    return text.getvalue()


def _of(run: runs.Run) -> list[Any]:
    seconds = runs.worked_seconds(run)
    started_by = names.called(run.trigger) if run.trigger else run.cause_kind or "user"
    words = (names.short(run.name), run.state, run.pipeline, started_by, rfc3339(run.create_time))
    return [*map(_said, words), "" if seconds is None else seconds, run.commit_sha or ""]


def _said(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return f"'{text}" if text.startswith(_FORMULA) else text
