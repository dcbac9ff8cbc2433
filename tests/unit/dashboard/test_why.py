"""Accounts are kept as files of two kinds, and no other."""

import asyncio
from types import SimpleNamespace

import httpx
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse

from trainshed.dashboard import links
from trainshed.dashboard.asked import Asked
from trainshed.dashboard.cells import Badge
from trainshed.dashboard.why import Why
from trainshed.errors import NotFound
from trainshed.explain import Account, Named, Step


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


def test_the_account_of_an_artifact_leads_to_the_comparison_of_its_run():
    parent = "projects/p/locations/l/pipelineJobs"
    account = Account(
        kind="artifact", name="artifacts/24", title="Why", state="SUCCEEDED", says="It succeeded.",
        before=Named(text="one", name=f"{parent}/one"), run=f"{parent}/two",
    )  # fmt: skip
    service = SimpleNamespace(explain=lambda _: account)

    page = Why(service).page(Asked(path="/why/artifacts/24", names={"name": "artifacts/24"}))

    assert page.about[-1].href == links.compare(f"{parent}/one", f"{parent}/two")


def test_states_in_tables_of_an_account_look_as_on_every_page():
    steps = [
        Step(id="build", heading="The build", says="It ran.", columns=("Name", "State"), rows=[("Predict", "SUCCESS"), ("Push", "")]),
        Step(id="event", heading="The event", says="It came.", columns=("Delivery", "Outcome"), rows=[(1, "started")]),
    ]  # fmt: skip
    account = Account(kind="build", name="builds/b", title="Why", state="SUCCESS", says="It succeeded.", steps=steps)

    page = Why(SimpleNamespace(explain=lambda _: account)).page(Asked(path="/why/builds/b", names={"name": "builds/b"}))

    assert page.parts[1].rows == [["Predict", Badge(state="SUCCESS")], ["Push", ""]]
    assert page.parts[2].rows == [[1, Badge(state="STARTED")]]
