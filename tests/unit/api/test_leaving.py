"""What a browser listens to ends with its session, whole for whoever reads it."""

import asyncio

import pytest

from trainshed.api import leaving
from trainshed.api.ended import Ended

START = {"type": "http.response.start", "status": 200, "headers": []}


def piece(text, *, is_last=False):
    return {"type": "http.response.body", "body": text, "more_body": not is_last}


class Session:
    """Ends when it is told to."""

    def __init__(self):
        self.listeners = []

    def when_ended(self, proof, tell):
        assert proof == "Bearer x"
        self.listeners.append(tell)
        return lambda: self.listeners.remove(tell)

    def end(self):
        for tell in tuple(self.listeners):
            tell()


def answered(answer, session):
    """Answer a request; answers what was sent, and whether anything was."""
    sent = []

    async def send(message):
        sent.append(message)

    async def main():
        async with asyncio.timeout(10):
            return await leaving.answered(answer, send, "Bearer x", session.when_ended)

    return asyncio.run(main()), sent


def test_what_ends_by_itself_is_said_as_it_is():
    session = Session()

    async def answer(send):
        await send(START)
        await send(piece(b"all", is_last=True))

    assert answered(answer, session) == (True, [START, piece(b"all", is_last=True)])
    assert session.listeners == []


def test_what_goes_on_ends_with_the_session_and_cleans_up():
    session, left = Session(), []

    async def answer(send):
        try:
            await send(START)
            await send(piece(b"first"))
            session.end()
            await asyncio.Event().wait()
        finally:
            left.append("it")

    assert answered(answer, session) == (True, [START, piece(b"first"), piece(b"", is_last=True)])
    assert left == ["it"]
    assert session.listeners == []


def test_where_nothing_was_said_yet_that_is_told():
    session = Session()

    async def answer(_send):
        session.end()
        await asyncio.Event().wait()

    assert answered(answer, session) == (False, [])


def test_what_fails_fails_as_before():
    session = Session()

    async def answer(_send):
        raise ValueError("a defect")

    with pytest.raises(ValueError, match="a defect"):
        answered(answer, session)
    assert session.listeners == []


def test_a_session_that_is_ended_tells_whoever_listens_and_those_who_come_later(tmp_path):
    ended, told = Ended(tmp_path / "ended.json"), []
    forget = ended.when("one", lambda: told.append("forgotten"))
    ended.when("one", lambda: told.append("one"))
    ended.when("two", lambda: told.append("two"))

    forget()
    ended.add("one", 1e12)
    late = Ended(tmp_path / "ended.json").when("one", lambda: told.append("late"))
    late()

    assert told == ["one", "late"]
