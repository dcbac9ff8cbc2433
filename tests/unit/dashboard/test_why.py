"""Accounts are kept as files of two kinds, and no other."""

import asyncio
from datetime import UTC, datetime
from types import SimpleNamespace

import httpx
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse

from trainshed.dashboard import links
from trainshed.dashboard.asked import Asked
from trainshed.dashboard.cells import Badge
from trainshed.dashboard.why import Why
from trainshed.errors import NotFound
from trainshed.explain import Account, Advice, Named, Step


async def asked(service, path):
    async def refused(_request, error):
        return PlainTextResponse(error.message, error.http_status)

    app = Starlette(routes=Why(service).routes(), exception_handlers={NotFound: refused})
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://here") as client:
        return await client.get(path)


def test_a_kind_of_file_that_there_is_not_is_not_found():
    def refuse(name):
        raise AssertionError(f"{name} was read for nothing")

    answer = asyncio.run(asked(SimpleNamespace(explain=refuse), "/why-file/exe/receipts/r1"))

    assert answer.status_code == 404
    assert "html and json" in answer.text


def test_an_account_is_kept_as_one_file_whatever_stands_in_it():
    when = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
    named = Named(text="the trigger", name="projects/p/topics/t")
    values = ("words", 7, 0.5, when, named, None, "succeeded")
    columns = ("Text", "Number", "Share", "Time", "Of", "Nothing", "State")
    step = Step(id="s", heading="One", says="It ran.", state="SUCCEEDED", when=when, about=named,
                facts=list(zip(columns, values, strict=True)), columns=columns, rows=[values])  # fmt: skip
    advice = [Advice(text="Type", command="trainshed up", about=named)]
    account = Account(kind="run", name="runs/r", title="Why", state="", says="So.", steps=[step], advice=advice)

    answer = asyncio.run(asked(SimpleNamespace(explain=lambda _: account), "/why-file/html/runs/r"))

    assert answer.status_code == 200
    row = answer.text.partition("<tbody>")[2].partition("</tbody>")[0]
    cells = [cell.partition("</td>")[0] for cell in row.split("<td>")[1:]]
    assert cells == ["words", "7", "0.5", "2026-03-04 05:06:07 UTC", "the trigger", "–", "SUCCEEDED"]
    assert "<code>trainshed up</code>" in answer.text


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
