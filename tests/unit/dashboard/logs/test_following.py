"""A log that grows is looked at once for everybody, and everybody sees every line once."""

import asyncio
import json

import httpx
import pytest
from starlette.applications import Starlette

from trainshed.dashboard.logs import Address, Logs, Source, following, serving


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(following, "_LOOK_SECONDS", 0.005)


class Writing:
    """A log that somebody writes, and the channel that says when it is over."""

    def __init__(self, path):
        self.path = path
        self.path.touch()
        self.is_over = False
        self.listeners = []
        self.looks = 0
        self.source = Source(paths=(path,), is_over=self.ask, follows=("done",))
        self.logs = Logs(self.listen)
        (self.route,) = self.logs.routes([Address(path="/log", find=lambda _: self.source)])

    def listen(self, channel, callback):
        assert channel == "done"
        self.listeners.append(callback)
        return lambda: self.listeners.remove(callback)

    def ask(self):
        self.looks += 1
        return self.is_over

    def write(self, text):
        with self.path.open("a") as file:
            file.write(text)

    def end(self):
        self.is_over = True
        for listener in self.listeners:
            listener()

    def events(self, begin=0):
        return self.route.endpoint.__self__._events(self.source, begin)


@pytest.fixture
def writing(tmp_path):
    return Writing(tmp_path / "log")


async def pieces(events, found):
    async for event in events:
        if "data: {" in event:
            found.append(json.loads(event.partition("data: ")[2]))


def texts(found):
    return [text for piece in found for _, _, text in piece["lines"]]


def test_every_line_comes_once_and_the_stream_ends_with_the_log(writing):
    async def watch():
        mine, theirs = [], []
        async with asyncio.timeout(20), asyncio.TaskGroup() as group:
            group.create_task(pieces(writing.events(), mine))
            group.create_task(pieces(writing.events(), theirs))
            for text in ("one\ntw", "o\n", "three\n"):
                writing.write(text)
                await asyncio.sleep(0.03)
            assert len(writing.listeners) == 1
            writing.write("last, without an end")
            writing.end()
        return mine, theirs

    mine, theirs = asyncio.run(watch())

    assert texts(mine) == texts(theirs) == ["one", "two", "three", "last, without an end"]
    assert [piece["start"] for piece in mine[1:]] == [piece["end"] for piece in mine[:-1]]
    assert mine[-1]["is_over"]
    assert writing.listeners == []
    assert writing.looks <= 3  # the store is asked when something was said, not again and again


def test_who_is_far_behind_is_shown_the_end(writing, monkeypatch):
    monkeypatch.setattr(serving, "_BEHIND_BYTES", 1000)
    writing.write("".join(f"line {number}\n" for number in range(1000)))
    writing.is_over = True

    async def watch():
        found = []
        await pieces(writing.events(), found)
        return found

    (only,) = asyncio.run(watch())

    assert only["start"] > 0
    assert (len(only["lines"]), texts([only])[-1]) == (300, "line 999")


def test_a_server_that_stops_sends_everybody_away(writing):
    async def watch():
        found = []
        async with asyncio.timeout(20), asyncio.TaskGroup() as group:
            group.create_task(pieces(writing.events(), found))
            await asyncio.sleep(0.03)
            writing.logs.close()
        return [event async for event in writing.events()]

    assert asyncio.run(watch()) == ["retry: 2000\n\n"]
    assert writing.listeners == []


def test_pieces_are_asked_for_by_place_line_and_text(writing):
    writing.write("".join(f"line {number}\n" for number in range(1, 101)))
    writing.is_over = True
    transport = httpx.ASGITransport(app=Starlette(routes=[writing.route]))

    async def asked(params, headers):
        async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
            return await client.get("/log", params=params, headers=headers)

    def get(headers=None, **params):
        return asyncio.run(asked(params, headers))

    tail = get(count=2).json()
    assert [line[1:] for line in tail["lines"]] == [[99, "line 99"], [100, "line 100"]]
    before = get(before=tail["start"], count=1).json()
    assert texts([before]) == ["line 98"]
    assert texts([get(after=0, count=1).json()]) == ["line 1"]
    around = get(line=50, count=3).json()
    assert texts([around]) == ["line 48", "line 49", "line 50"]
    assert around["lines"][-1][0] == around["target"]
    assert get(locate=around["target"]).json() == {"number": 50}
    assert get(find="LINE 100").json()["matches"] == [tail["lines"][1][0]]
    again = get(follow=0, headers={"last-event-id": str(tail["end"])})
    assert f"id: {tail['end']}\ndata: " in again.text
    assert '"lines":[]' in again.text
    whole = get(download=1)
    assert whole.text.splitlines()[-1] == "line 100"
    assert whole.headers["content-disposition"] == "attachment; filename*=UTF-8''log.txt"
    assert "default-src 'none'" in whole.headers["content-security-policy"]
