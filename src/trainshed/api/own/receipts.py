"""Receipts: why each event did or did not start something."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from trainshed.api import own
from trainshed.clock import parse_rfc3339, rfc3339
from trainshed.duty import off_loop
from trainshed.errors import InvalidArgument
from trainshed.ledger import Account, Receipt, Search, Service

_PAGE = 100
_LARGEST_PAGE = 1000


def routes(ledger: Service) -> list[Route]:
    """List, describe and replay receipts under /trainshed/v1/receipts."""

    async def listing(request: Request) -> JSONResponse:
        found = await off_loop(ledger.search, _wanted(request.query_params))
        document: dict[str, Any] = {"receipts": [as_json(r) for r in found.receipts]}
        if found.token:
            document["nextPageToken"] = found.token
        return JSONResponse(document)

    async def describe(request: Request) -> JSONResponse:
        account = await off_loop(ledger.describe, request.path_params["receipt"])
        return JSONResponse(_account(account))

    async def replay(request: Request) -> JSONResponse:
        wanted = await own.body(request)
        done = await off_loop(ledger.replay, request.path_params["receipt"], dry_run=bool(wanted.get("dryRun", False)))
        return JSONResponse({"done": done})

    return [
        Route("/trainshed/v1/receipts", listing),
        Route("/trainshed/v1/receipts/{receipt}:replay", replay, methods=["POST"]),
        Route("/trainshed/v1/receipts/{receipt}", describe),
    ]


def _wanted(query: Mapping[str, str]) -> Search:
    return Search(
        state=query.get("state", ""),
        kind=query.get("kind", ""),
        trigger=query.get("trigger", ""),
        text=query.get("text", ""),
        since=_time("since", query["since"]) if query.get("since") else None,
        until=_time("until", query["until"]) if query.get("until") else None,
        page_size=own.number(query.get("pageSize") or str(_PAGE), "pageSize", most=_LARGEST_PAGE),
        page_token=query.get("pageToken", ""),
    )


def as_json(receipt: Receipt) -> dict[str, Any]:
    """Write a receipt as JSON, field names in Google's manner."""
    return {
        "receipt": receipt.receipt_id,
        "trigger": receipt.trigger,
        "kind": receipt.kind,
        "stimulus": receipt.stimulus,
        "state": receipt.state,
        "reason": receipt.reason,
        "link": receipt.link,
        "parent": receipt.parent_id,
        "data": dict(receipt.data),
        "createTime": rfc3339(receipt.create_time),
        "updateTime": rfc3339(receipt.update_time),
    }


def _account(account: Account) -> dict[str, Any]:
    deliveries = [
        {k: v for k, v in asdict(d).items() if k not in {"receipt_id", "time"}} | {"time": rfc3339(d.time)}
        for d in account.deliveries
    ]
    children = [as_json(child) for child in account.children]
    return as_json(account.receipt) | {"deliveries": deliveries, "children": children}


def _time(field: str, text: str) -> Any:
    try:
        return parse_rfc3339(str(text))
    except ValueError as error:
        raise InvalidArgument.field(field, f"{text!r} is not a time like 2026-01-31T12:00:00Z") from error
