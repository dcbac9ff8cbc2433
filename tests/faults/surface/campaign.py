"""Broken requests against a real server: `python -m tests.faults.surface.campaign --requests 10000`.

Each service gets as many. Whatever comes in, an answer comes out, in time, that blames the request: never INTERNAL,
never a hang, never an end of the server.
"""

import argparse
import asyncio
import contextlib
import json
import re
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import grpc
import grpc.aio
import httpx

from trainshed.api.descriptors import METHODS, SERVICES
from trainshed.testing import server

from . import requests, routes
from .examples import things

_AT_ONCE = 8
_LIMIT_SECONDS = 45.0  # a Pull waits for messages, a WaitOperation for the end, each at most 30 s
_STREAM_SECONDS = 0.5
_SHOWN = 700  # characters of a request or a trace
_BAD = {grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN, grpc.StatusCode.UNAVAILABLE}
_CLIENTS_OWN = "Internal error from Core"  # what the client says of a write to a stream that has ended
_BAD_HTTP = {500, 502, 503, 504}
_STORAGE, _OWN = "storage", "our own"


@dataclass
class Report:
    """What became of the requests."""

    requests: int = 0
    slowest_seconds: float = 0.0
    answers: dict[str, Counter[str]] = field(default_factory=dict)  # by service
    wrong: list[str] = field(default_factory=list)

    def note(self, service, answer, seconds):
        """Count one answer."""
        self.requests += 1
        self.slowest_seconds = max(self.slowest_seconds, seconds)
        self.answers.setdefault(service, Counter())[answer] += 1


def names(wanted=""):
    """Answer the services, those of a part of the name only when one is given."""
    return [name for name in (*SERVICES, _STORAGE, _OWN) if wanted in name]


class Campaign:
    """Requests of several services against one server."""

    def __init__(self, address, *, seed):
        self._address = address
        self._random = Random(seed)
        self._own = routes.own_routes()
        self.report = Report()

    async def run(self, services, count):
        """Send `count` requests of each service, some of them at once."""
        async with (
            httpx.AsyncClient(base_url=self._address, timeout=_LIMIT_SECONDS) as http,
            grpc.aio.insecure_channel(self._address.removeprefix("http://")) as channel,
        ):
            for service in services:
                await furnish(http)
                todo = [self._one(service, http, channel) for _ in range(count)]
                for start in range(0, count, _AT_ONCE * 8):
                    await _at_once(todo[start : start + _AT_ONCE * 8])

    def _one(self, service, http, channel):
        random = Random(self._random.getrandbits(64))
        if service == _STORAGE:
            return self._by_http(service, http, lambda: routes.storage(random))
        if service == _OWN:
            return self._by_http(service, http, lambda: routes.own(random, self._own))
        method = random.choice([m for m in METHODS.values() if m.service == service])
        streams = method.client_streaming or method.server_streaming
        if method.rules and not streams and random.random() < 0.5:
            return self._by_http(service, http, lambda: requests.by_rest(random, method))
        if streams:
            return self._by_stream(random, channel, method)
        return self._by_grpc(random, channel, method)

    async def _by_http(self, service, http, make):
        made, started = make(), time.monotonic()
        target, headers = made.target, dict(made.headers)
        if target.startswith("https://"):
            host, _, path = target.removeprefix("https://").partition("/")
            target, headers["host"] = f"/{path}", host
        try:
            url = httpx.URL(self._address).copy_with(raw_path=target.encode("latin-1", "replace"))
            head = {k: v.encode("latin-1") for k, v in headers.items()}
            async with http.stream(made.verb, url, headers=head, content=made.body) as answer:
                text = b"".join([part async for part in answer.aiter_raw()]).decode("utf-8", "replace")
        except httpx.HTTPError as error:
            self._wrong(service, made, f"{type(error).__name__}: {error}")
            return
        said = str(answer.status_code)
        if answer.status_code in _BAD_HTTP:
            self._wrong(service, made, f"{said} {text[:500]}")
        elif "Traceback (most recent" in text:
            self._wrong(service, made, f"{said} shows a traceback")
        self.report.note(service, said, time.monotonic() - started)

    async def _by_grpc(self, random, channel, method):
        data, started = requests.by_grpc(random, method), time.monotonic()
        code = grpc.StatusCode.OK
        try:
            await channel.unary_unary(method.path)(data, timeout=_LIMIT_SECONDS)
        except grpc.aio.AioRpcError as error:
            code = error.code()
            if code in _BAD or (code is grpc.StatusCode.DEADLINE_EXCEEDED):
                self._wrong(method.path, data, f"{code.name}: {error.details()}")
        self.report.note(method.service, code.name, time.monotonic() - started)

    async def _by_stream(self, random, channel, method):
        sent = [requests.by_grpc(random, method) for _ in range(random.randint(1, 3))]
        call = channel.stream_stream(method.path)(timeout=_LIMIT_SECONDS)
        code, started = grpc.StatusCode.OK, time.monotonic()
        try:
            async with asyncio.timeout(_STREAM_SECONDS):
                with contextlib.suppress(asyncio.InvalidStateError, grpc.aio.AioRpcError):
                    for data in sent:  # the stream may be over before the last one
                        await call.write(data)
                await call.read()
                code = await call.code()
        except TimeoutError:
            pass
        except grpc.aio.AioRpcError as error:
            code = error.code()
        finally:
            call.cancel()
        details = await call.details() if code in _BAD else ""
        if details and details != _CLIENTS_OWN:
            self._wrong(method.path, sent, f"{code.name}: {details}")
        self.report.note(method.service, "CLOSED" if details == _CLIENTS_OWN else code.name, time.monotonic() - started)

    def _wrong(self, where, request, answer):
        self.report.wrong.append(f"{where}: {answer}\n    {str(request)[:_SHOWN]}")


async def furnish(http):
    """Make something of each kind, so that requests find what they name; what is there already stays."""
    for path, found in things():
        is_named = re.search(r"/(topics|subscriptions)/[^:]*$", path)
        body = found if isinstance(found, bytes) else json.dumps(found).encode()
        await http.request("PUT" if is_named else "POST", path, content=body)


async def _at_once(calls):
    gate = asyncio.Semaphore(_AT_ONCE)

    async def through(call):
        async with gate:
            await call

    await asyncio.gather(*(through(call) for call in calls))


def internal_errors(home):
    """Answer what the server's log calls internal errors."""
    found = []
    for file in sorted((home / "logs").glob("server.jsonl*")):
        for line in file.read_text(errors="replace").splitlines():
            if '"internal_error"' in line:
                entry = json.loads(line)
                found.append(f"{entry['message']} … {entry.get('trace', '')[-_SHOWN:]}")
    return found


def campaign(home, *, services, count, seed):
    """Run a campaign on a server of its own; answer the report."""
    with server(home) as running:
        campaign = Campaign(running.address, seed=seed)
        asyncio.run(campaign.run(services, count))
        alive = httpx.get(f"{running.address}/v1/projects/local-project/topics", timeout=_LIMIT_SECONDS)
        if alive.status_code != httpx.codes.OK:
            campaign.report.wrong.append(f"afterwards the server answers {alive.status_code}")
    campaign.report.wrong += [f"log: {line}" for line in internal_errors(home)]
    return campaign.report


def main():
    """Run the campaign; the exit status says whether anything went wrong."""
    parser = argparse.ArgumentParser(description="Broken requests against a real server.")
    parser.add_argument("--requests", type=int, default=10_000, help="of each service")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--service", default="", help="only services with this in their name")
    parser.add_argument("--most", type=int, default=40, help="how many wrong answers to print")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="trainshed-surface-") as folder:
        home = Path(folder) / "home"
        home.mkdir()
        report = campaign(home, services=names(given.service), count=given.requests, seed=given.seed)
    for wrong in report.wrong[: given.most]:
        print(wrong, flush=True)  # noqa: T201
    answers = {service: dict(found) for service, found in report.answers.items()}
    summary = {"requests": report.requests, "wrong": len(report.wrong), "slowest_seconds": report.slowest_seconds}
    print(json.dumps(summary | {"answers": answers}))  # noqa: T201
    return 1 if report.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
