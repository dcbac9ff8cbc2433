"""Schedules that call an endpoint."""

import asyncio
import base64

import pytest

from trainshed import schedules
from trainshed.api.reach import Reach
from trainshed.app import ports
from trainshed.duty import Background
from trainshed.errors import InvalidArgument
from trainshed.schedules import Firer, HttpTarget, Options, RetryConfig
from trainshed.settings import Settings

NAME = "projects/p/locations/us-central1/jobs/call"


async def endpoint(answers, received):
    async def serve(reader, writer):
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        headers = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if line)
        body = await reader.readexactly(int(headers["Content-Length"]))
        received.append((head.split("\r\n", 1)[0], headers, body))
        writer.write(b"HTTP/1.1 %d X\r\nContent-Length: 0\r\n\r\n" % answers.pop(0))
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    return server, server.sockets[0].getsockname()[1]


def never(conn, topic, messages):
    raise AssertionError("nothing is published")


async def turn(firer, background):
    await firer.run_once()
    await asyncio.gather(*background._tasks)


def test_a_call_carries_googles_headers_and_the_same_time_on_every_retry(db, clock):
    service, received = schedules.Service(db, clock, publish=never), []

    async def main():
        server, port = await endpoint([503, 200], received)
        target = HttpTarget(
            uri=f"http://127.0.0.1:{port}/train?x=1",
            headers={"X-Mine": "1", "X-CloudScheduler-JobName": "forged"},
            body=base64.b64encode(b"{}").decode(),
        )
        options = Options(schedule="*/3 * * * *", target=target, retry=RetryConfig(retry_count=1))
        await asyncio.to_thread(service.create, NAME, options)
        background = Background()
        firer = Firer(service, background)
        for seconds in (180, 4, 1):
            clock.advance(seconds)
            await turn(firer, background)
        server.close()

    asyncio.run(main())

    assert [line for line, _, _ in received] == ["POST /train?x=1 HTTP/1.1"] * 2
    for _, headers, body in received:
        assert headers["X-CloudScheduler"] == "true"
        assert headers["X-CloudScheduler-JobName"] == "call"
        assert headers["X-CloudScheduler-ScheduleTime"] == "2026-01-01T00:03:00Z"
        assert headers["User-Agent"] == "Google-Cloud-Scheduler"
        assert headers["Content-Type"] == "application/octet-stream"
        assert headers["X-Mine"] == "1"
        assert body == b"{}"
    assert service.get(NAME).status_code == ""


def test_an_endpoint_that_is_not_there_fails_the_firing_and_no_other(db, clock):
    service = schedules.Service(db, clock, publish=never)
    service.create(NAME, Options(schedule="*/3 * * * *", target=HttpTarget(uri="http://127.0.0.1:1/")))

    async def main():
        background = Background()
        firer = Firer(service, background)
        for _ in range(2):
            clock.advance(180)
            await turn(firer, background)

    asyncio.run(main())

    assert service.get(NAME).status_code == "UNAVAILABLE"
    count = db.read(lambda conn: conn.exec_driver_sql("SELECT count(*) FROM receipts WHERE state = 'FAILED'").scalar())
    assert count == 2


def test_a_call_carries_the_token_of_its_service_account_and_stays_on_this_machine_where_it_may(db, clock):
    service, received, asked = schedules.Service(db, clock, publish=never), [], []

    def token(target):
        asked.append((target.token, target.token_email, target.token_for))
        return "made-here"

    async def main():
        server, port = await endpoint([200], received)
        target = HttpTarget(
            uri="https://us-central1-p.cloudfunctions.net/train",
            headers={"Authorization": "forged", "Host": "elsewhere", "User-Agent": "mine"},
            token="oidc",
            token_email="caller@p.iam.gserviceaccount.com",
            token_for="https://audience",
        )
        await asyncio.to_thread(service.create, NAME, Options(schedule="*/3 * * * *", target=target))
        background = Background()
        endpoints = schedules.Endpoints(token=token, near=lambda _uri: f"http://127.0.0.1:{port}")
        firer = Firer(service, background, endpoints)
        clock.advance(180)
        await turn(firer, background)
        server.close()

    asyncio.run(main())

    ((line, headers, _),) = received
    assert line == "POST /train HTTP/1.1"
    assert headers["Host"] == "us-central1-p.cloudfunctions.net"
    assert headers["Authorization"] == "Bearer made-here"
    assert headers["User-Agent"] == "mine"
    assert "Content-Type" not in headers
    assert asked == [("oidc", "caller@p.iam.gserviceaccount.com", "https://audience")]


def with_an_access_token(uri):
    target = HttpTarget(uri=uri, token="oauth", token_email="caller@p.iam.gserviceaccount.com")
    return Options(schedule="*/3 * * * *", target=target)


FOREIGN = with_an_access_token("http://127.0.0.1:1/")


@pytest.fixture
def endpoints(tmp_path):
    reach = Reach(Settings(home=tmp_path / "reach"))
    reach.address = "http://127.0.0.1:1"
    return ports.endpoints(reach)


def test_a_schedule_that_would_send_an_access_token_elsewhere_is_refused(db, clock, endpoints):
    service = schedules.Service(db, clock, publish=never, near=endpoints.near)
    bare = Options(schedule=FOREIGN.schedule, target=HttpTarget(uri=FOREIGN.target.uri))
    service.create(NAME, bare)

    for verb in (lambda: service.create(f"{NAME}-2", FOREIGN), lambda: service.update(NAME, lambda _: FOREIGN)):
        with pytest.raises(InvalidArgument, match="use oidcToken") as refused:
            verb()
        assert refused.value.violations[0].field == "httpTarget.oauthToken"

    assert service.get(NAME).options == bare
    service.create(f"{NAME}-3", with_an_access_token("https://aiplatform.googleapis.com/v1/x"))


def test_a_schedule_of_before_that_rule_sends_no_access_token_elsewhere(db, clock, endpoints):
    service = schedules.Service(db, clock, publish=never, near=lambda _uri: "http://127.0.0.1:1")
    service.create(NAME, FOREIGN)
    asked = []
    endpoints = schedules.Endpoints(token=asked.append, near=endpoints.near)

    async def main():
        background = Background()
        clock.advance(180)
        await turn(Firer(service, background, endpoints), background)

    asyncio.run(main())

    assert asked == []
    assert service.get(NAME).status_code == "INVALID_ARGUMENT"
    assert "use oidcToken" in service.get(NAME).status_message
