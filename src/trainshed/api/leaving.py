"""What a browser still listens to ends with its session: whoever signed out, also elsewhere, is told nothing more."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from typing import Any

from trainshed.duty import post

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Answer = Callable[[Send], Awaitable[None]]
WhenEnded = Callable[[str, Callable[[], None]], Callable[[], None]]  # proof, what to call → forget it


async def answered(answer: Answer, send: Send, proof: str, when_ended: WhenEnded) -> bool:
    """Answer a request as long as the session that it came in lasts; False where that ended before anything was said."""
    said = _Said(send)
    ended, tells = asyncio.Event(), post()
    forget = when_ended(proof, lambda: tells.call(ended.set))
    tasks = asyncio.ensure_future(answer(said.send)), asyncio.ensure_future(ended.wait())
    answering, ending = tasks
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        if answering.done():
            answering.result()
            return True
    finally:
        forget()
        ending.cancel()
        await _stopped(answering)
    return await said.end()


async def _stopped(task: "asyncio.Future[None]") -> None:
    if not task.done():
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


class _Said:
    """How far an answer has come."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._has_begun = False
        self._is_whole = False

    async def send(self, message: MutableMapping[str, Any]) -> None:
        """Say the next piece."""
        self._has_begun = True
        await self._send(message)
        self._is_whole = message["type"] == "http.response.body" and not message.get("more_body", False)

    async def end(self) -> bool:
        """Say no more than was said; False where that was nothing."""
        if self._has_begun and not self._is_whole:
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})
        return self._has_begun
