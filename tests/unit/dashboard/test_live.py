"""A page that changes is made once for everybody who looks; whoever the server leaves comes again, unless it is final."""

import asyncio
import json
from contextlib import aclosing

import pytest

from trainshed.dashboard import live
from trainshed.dashboard.live import Live
from trainshed.dashboard.page import Page
from trainshed.dashboard.render import Drawn
from trainshed.errors import NotFound


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(live, "_LEAST_SECONDS", 0.0)
    monkeypatch.setattr(live, "_SHARE", 0)


class Changing:
    """A page with one part, the channel that says when it is another, and who looks at it."""

    def __init__(self):
        self.text = "first"
        self.follows = ("news",)
        self.error = None
        self.drawings = 0
        self.listeners = []
        self.live = Live(self.listen)

    def listen(self, channel, callback):
        self.listeners.append(callback)
        return lambda: self.listeners.remove(callback)

    def drawn(self):
        page = Page(title="It", section="", parts=(), follows=self.follows)
        return Drawn(page=page, head="", parts={"part": self.text})

    async def draw(self):
        self.drawings += 1
        if self.error is not None:
            raise self.error
        return self.drawn()

    def becomes(self, text, follows=("news",)):
        self.text, self.follows = text, follows
        self.tell()

    def tell(self):
        for listener in tuple(self.listeners):
            listener()

    def look(self):
        """Load the page, and follow it from there."""
        seen = self.drawn()
        return aclosing(self.live.follow("/it", seen, seen.version, self.draw))


@pytest.fixture
def changing():
    return Changing()


async def text_of(events):
    """Answer what the next news say, or the name of what comes instead."""
    async for event in events:
        if event.startswith("data:"):
            return json.loads(event.partition("data: ")[2])["parts"].get("part")
        if event.startswith("event:"):
            return event.partition("event: ")[2].partition("\n")[0]
    return "nothing more"


def within(seconds, work):
    async def limited():
        async with asyncio.timeout(seconds):
            return await work()

    return asyncio.run(limited())


async def settled(changing):
    """Let whoever has begun to look be looking."""
    while not changing.listeners:
        await asyncio.sleep(0)


def test_everybody_is_told_of_one_drawing_and_nobody_listens_once_all_have_left(changing):
    async def watch():
        async with changing.look() as mine, changing.look() as theirs:
            both = asyncio.gather(text_of(mine), text_of(theirs))
            await settled(changing)
            assert len(changing.listeners) == 1
            changing.becomes("second")
            return await both

    assert within(20, watch) == ["second", "second"]
    assert changing.drawings <= 2  # one more, at most, for what happened before anybody listened
    assert changing.listeners == []


def test_a_page_that_is_final_says_that_it_is(changing):
    async def watch():
        async with changing.look() as events:
            found = asyncio.ensure_future(text_of(events))
            await settled(changing)
            changing.becomes("done", follows=())
            return [await found, await text_of(events), await text_of(events)]

    assert within(20, watch) == ["done", "end", "nothing more"]


def test_a_server_that_stops_does_not_say_that_the_page_is_final(changing):
    async def watch():
        async with changing.look() as events:
            found = asyncio.ensure_future(text_of(events))
            await settled(changing)
            changing.live.close()
            return await found

    assert within(20, watch) == "nothing more"
    assert changing.listeners == []


def test_a_drawing_that_fails_ends_the_news_without_a_claim_and_whoever_comes_next_sees_the_page(changing, caplog):
    async def watch():
        async with changing.look() as events:
            found = asyncio.ensure_future(text_of(events))
            await settled(changing)
            changing.error = NotFound("It is gone.")
            changing.tell()
            said = [await found]
            changing.error = None
            changing.text = "back"
            async with changing.look() as again:  # while the first one has not left yet
                found = asyncio.ensure_future(text_of(again))
                await settled(changing)
                changing.becomes("changed")
                return [*said, await found]

    assert within(20, watch) == ["nothing more", "changed"]
    assert "never retrieved" not in caplog.text


def test_who_comes_with_a_newer_page_is_not_sent_back_to_an_older_one(changing, monkeypatch):
    monkeypatch.setattr(live, "_LEAST_SECONDS", 0.2)  # the page is not drawn again for a while

    async def watch():
        async with changing.look() as mine:
            earlier = asyncio.ensure_future(text_of(mine))
            await settled(changing)
            while not changing.drawings:
                await asyncio.sleep(0)
            changing.becomes("second")
            async with changing.look() as theirs:  # they have the second one already
                later = asyncio.ensure_future(text_of(theirs))
                assert await earlier == "second"
                changing.becomes("third")
                return await later

    assert within(20, watch) == "third"


def test_who_leaves_at_once_leaves_nobody_listening(changing):
    async def watch():
        async with changing.look() as events:
            await anext(events)
        await asyncio.sleep(0.01)

    within(20, watch)

    assert changing.listeners == []
