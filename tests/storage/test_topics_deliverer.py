"""Deliveries that we make ourselves: to endpoints and to features."""

import asyncio
import base64
import json

import pytest

from trainshed import topics
from trainshed.duty import Background
from trainshed.topics import DeadLetterPolicy, Deliverer, Kind, Options, PubsubMessage, RetryPolicy, attempts

TOPIC, DEAD, SUB = "projects/p/topics/train", "projects/p/topics/dead", "projects/p/subscriptions/for-f"
INTERNAL = Options(kind=Kind.INTERNAL, target="function:f", retry_policy=RetryPolicy(minimum_seconds=0))


@pytest.fixture
def service(db, clock):
    made = topics.Service(db, clock)
    made.create_topic(TOPIC)
    made.create_topic(DEAD)
    return made


async def turns(deliverer, background):
    """Take turns until everything started has ended and nothing is due."""
    while True:
        await deliverer.run_once()
        if not background._tasks:
            return
        await asyncio.gather(*background._tasks)


def run(service, deliver, *, slots=16, check=None):
    async def main():
        background = Background()
        deliverer = Deliverer(service, deliver, background, slots=slots)
        await turns(deliverer, background)
        if check:
            await check(deliverer, background)
        await background.close()

    asyncio.run(main())


def test_each_attempt_starts_once_and_a_refused_one_comes_again(service):
    service.create_subscription(SUB, TOPIC, INTERNAL)
    service.publish(TOPIC, [PubsubMessage(data=b"%d" % n) for n in range(20)])
    seen = []

    async def deliver(target, delivery):
        seen.append((delivery.message_id, delivery.attempt))
        if delivery.data == b"7":
            raise RuntimeError("the handler broke")
        return delivery.data != b"5" or delivery.attempt == 3

    async def check(deliverer, background):
        service.publish(TOPIC, [PubsubMessage(data=b"next")])
        await turns(deliverer, background)

    limited = DeadLetterPolicy(topic=DEAD, max_delivery_attempts=5)
    service.db.write(
        lambda conn: service.subscribe_in(
            conn,
            SUB,
            TOPIC,
            Options(
                kind=Kind.INTERNAL,
                target="function:f",
                retry_policy=RetryPolicy(minimum_seconds=0),
                dead_letter_policy=limited,
            ),
        )
    )
    run(service, deliver, check=check)

    assert len(seen) == len(set(seen)) == 18 + 3 + 5 + 1
    assert service.counts(SUB) == {"ACKED": 20, "DEAD_LETTERED": 1}


def test_no_more_than_the_slots_are_under_way_at_once(service):
    service.create_subscription(SUB, TOPIC, INTERNAL)
    service.publish(TOPIC, [PubsubMessage(data=b"x")] * 30)
    now, most = 0, 0

    async def deliver(target, delivery):
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0)
        now -= 1
        return True

    run(service, deliver, slots=4)

    assert most == 4
    assert service.counts(SUB) == {"ACKED": 30}


def test_a_handler_that_takes_longer_than_the_deadline_keeps_its_message(service):
    service.create_subscription(SUB, TOPIC, INTERNAL)
    service.publish(TOPIC, [PubsubMessage(data=b"slow")])
    attempts, done = [], asyncio.Event()

    async def deliver(target, delivery):
        attempts.append(delivery.attempt)
        await done.wait()
        return True

    async def main():
        background = Background()
        deliverer = Deliverer(service, deliver, background)
        await deliverer.run_once()
        for _ in range(10):
            service.clock.advance(30)
            await deliverer.run_once()
        done.set()
        await turns(deliverer, background)

    asyncio.run(main())

    assert attempts == [1]
    assert service.counts(SUB) == {"ACKED": 1}


def test_after_a_restart_what_was_under_way_goes_on_at_once_as_the_next_attempt(service):
    service.create_subscription(SUB, TOPIC, INTERNAL)
    service.publish(TOPIC, [PubsubMessage(data=b"x")])
    attempts = []

    async def never(target, delivery):
        attempts.append(delivery.attempt)
        await asyncio.Event().wait()

    async def deliver(target, delivery):
        attempts.append(delivery.attempt)
        return True

    async def crash():
        background = Background()
        await Deliverer(service, never, background).run_once()
        await asyncio.sleep(0)
        for task in background._tasks:
            task.cancel()

    asyncio.run(crash())
    run(service, deliver)

    assert attempts == [1, 2]


def test_the_duty_is_woken_by_a_commit_and_not_by_its_interval(service):
    service.create_subscription(SUB, TOPIC, INTERNAL)
    arrived = asyncio.Event()

    async def deliver(target, delivery):
        arrived.set()
        return True

    async def main():
        background = Background()
        (duty, _) = topics.duties(service, deliver, background=background, interval_seconds=3600)
        background.spawn(duty.run(), name="duty")
        while service.counts(SUB) or duty._loop is None:
            await asyncio.sleep(0)
        await asyncio.to_thread(service.publish, TOPIC, [PubsubMessage(data=b"x")])
        await asyncio.wait_for(arrived.wait(), 10)
        await background.close()

    asyncio.run(main())


async def endpoint(answers, received):
    async def serve(reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(next(x for x in head.split(b"\r\n") if x.lower().startswith(b"content-length")).split(b":")[1])
        received.append((head.decode(), await reader.readexactly(length)))
        writer.write(b"HTTP/1.1 %d X\r\nContent-Length: 0\r\n\r\n" % answers.pop(0))
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    return server, server.sockets[0].getsockname()[1]


def test_an_endpoint_gets_googles_envelope_until_it_answers_well(service):
    received = []

    async def main():
        server, port = await endpoint([500, 204], received)
        options = Options(
            kind=Kind.PUSH,
            push_endpoint=f"http://127.0.0.1:{port}/hook?a=1",
            retry_policy=RetryPolicy(minimum_seconds=0),
        )
        await asyncio.to_thread(service.create_subscription, SUB, TOPIC, options)
        await asyncio.to_thread(service.publish, TOPIC, [PubsubMessage(data=b"hello", attributes={"k": "v"})])
        background = Background()
        await turns(Deliverer(service, None, background), background)
        server.close()

    asyncio.run(main())

    head, body = received[1]
    envelope = json.loads(body)
    assert len(received) == 2
    assert head.startswith("POST /hook?a=1 HTTP/1.1\r\nHost: 127.0.0.1:")
    assert envelope["subscription"] == SUB
    assert base64.b64decode(envelope["message"]["data"]) == b"hello"
    assert envelope["message"]["attributes"] == {"k": "v"}
    assert envelope["message"]["messageId"] == envelope["message"]["message_id"]
    assert envelope["message"]["publishTime"] == "2026-01-01T00:00:00Z"
    assert "deliveryAttempt" not in envelope
    assert service.counts(SUB) == {"ACKED": 1}


def test_a_subscription_made_while_the_others_are_read_is_delivered_to(service, monkeypatch):
    """The change is told while the duty reads what was there before it."""
    seen, read = [], service.handover.pushing

    def slow():
        found = read()
        if not found:
            service.create_subscription(SUB, TOPIC, INTERNAL)
            service.publish(TOPIC, [PubsubMessage(data=b"1")])
        return found

    async def deliver(target, delivery):
        seen.append(delivery.data)
        return True

    async def main():
        background = Background()
        deliverer = Deliverer(service, deliver, background)
        service.db.listen(attempts.CHANGED, deliverer.forget_subscriptions)
        monkeypatch.setattr(service.handover, "abandon", lambda: 0)
        monkeypatch.setattr(service.handover, "pushing", slow)
        await turns(deliverer, background)
        await turns(deliverer, background)
        await background.close()

    asyncio.run(main())

    assert seen == [b"1"]


def test_g3_an_endpoint_gets_one_message_of_an_ordering_key_at_a_time(service):
    ordered = Options(kind=Kind.INTERNAL, target="f", is_ordered=True, retry_policy=RetryPolicy(minimum_seconds=0))
    service.create_subscription(SUB, TOPIC, ordered)
    for key in ("a", "b"):
        service.publish(TOPIC, [PubsubMessage(data=b"%s%d" % (key.encode(), n), ordering_key=key) for n in range(4)])
    under_way, seen = set(), []

    async def deliver(target, delivery):
        assert delivery.ordering_key not in under_way
        under_way.add(delivery.ordering_key)
        await asyncio.sleep(0)
        under_way.discard(delivery.ordering_key)
        seen.append(delivery.data)
        return delivery.data != b"a1" or delivery.attempt == 2

    run(service, deliver)

    assert [d for d in seen if d.startswith(b"a")] == [b"a0", b"a1", b"a1", b"a2", b"a3"]
    assert [d for d in seen if d.startswith(b"b")] == [b"b0", b"b1", b"b2", b"b3"]
    assert service.counts(SUB) == {"ACKED": 8}


def test_a_push_to_a_host_that_is_answered_here_never_leaves_the_machine(service, monkeypatch):
    elsewhere = "https://us-central1-p.cloudfunctions.net/train"
    identity = topics.PushIdentity(email="a@p.iam")
    service.create_subscription(SUB, TOPIC, Options(kind=Kind.PUSH, push_endpoint=elsewhere, push_identity=identity))
    service.publish(TOPIC, [PubsubMessage(data=b"x"), PubsubMessage(data=b"y")])
    sent, signed = [], []

    async def send(url, *, headers, body, timeout_seconds, at):
        sent.append((url, at, headers["Authorization"]))
        return 200

    def token(email, audience):
        signed.append((email, audience))
        return "signed"

    async def main():
        background = Background()
        endpoints = topics.Endpoints(token=token, near=lambda url: "http://127.0.0.1:1")
        await turns(Deliverer(service, None, background, endpoints=endpoints), background)
        await background.close()

    monkeypatch.setattr("trainshed.webhook.send", send)
    asyncio.run(main())

    assert sent == [(elsewhere, "http://127.0.0.1:1", "Bearer signed")] * 2
    assert set(signed) == {("a@p.iam", elsewhere)}
