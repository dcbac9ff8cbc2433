"""Accounts are kept as files of two kinds, and no other."""

import asyncio

import httpx
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse

from trainshed.dashboard.why import Why
from trainshed.errors import NotFound


def test_a_kind_of_file_that_there_is_not_is_not_found():
    def refuse(name):
        raise AssertionError(f"{name} was read for nothing")

    class Service:
        explain = staticmethod(refuse)

    async def refused(_request, error):
        return PlainTextResponse(error.message, error.http_status)

    async def ask():
        app = Starlette(routes=Why(Service()).routes(), exception_handlers={NotFound: refused})
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://here") as client:
            return await client.get("/why-file/exe/receipts/r1")

    answer = asyncio.run(ask())

    assert answer.status_code == 404
    assert "html and json" in answer.text
