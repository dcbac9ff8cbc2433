"""Scripts about messages: published, pulled, acknowledged, refused, ordered, filtered, replayed."""

import json
import queue
import threading
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from emulator.scripts import Seen, not_over_rest, script, texts
from emulator.wires import Refused


@script
def publishing(seen: Seen) -> None:
    topic, _ = seen.made()
    ids = seen.publish("a", "b", "c")
    seen.note("ids", [len(ids), len(set(ids)), all(i.isdecimal() for i in ids)])

    def tried(what: str, *messages: dict[str, Any], to: str = topic) -> None:
        seen.tried(what, "publisher", "publish", topic=to, messages=list(messages))

    tried("attributes alone", {"attributes": {"a": "b"}})
    tried("nothing in it", {})
    tried("no message")
    tried("no such topic", {"data": b"x"}, to=seen.topic("unknown"))
    tried("1,000 at once", *[{"data": b"x"}] * 1000)
    tried("1,001 at once", *[{"data": b"x"}] * 1001)
    tried("10 MB and more", {"data": b"x" * 10_000_001})
    tried("a key of 256 bytes", {"attributes": {"k" * 256: "v"}})
    tried("a key of 257 bytes", {"attributes": {"k" * 257: "v"}})
    tried("a value of 1,024 bytes", {"attributes": {"k": "v" * 1024}})
    tried("a value of 1,025 bytes", {"attributes": {"k": "v" * 1025}})
    tried("101 attributes", {"attributes": {f"k{n}": "v" for n in range(101)}})
    tried("a key of Google's", {"attributes": {"googclient": "v"}})
    tried("an empty key", {"attributes": {"": "v"}})
    tried("an ordering key of 1,025 bytes", {"data": b"x", "ordering_key": "k" * 1025})
    tried("two ordering keys", {"data": b"x", "ordering_key": "a"}, {"data": b"x", "ordering_key": "b"})


@script
def pulling(seen: Seen) -> None:
    topic, name = seen.made()
    seen.note("empty", seen.nothing())
    sent = {"data": "grüße".encode(), "attributes": {"k": "ä"}, "ordering_key": "key"}
    (number,) = seen.publisher("publish", topic=topic, messages=[sent]).message_ids
    (found,) = seen.pulled()
    seen.note("same id", found.message.message_id == number)
    seen.note("content", [found.message.data.decode(), dict(found.message.attributes), found.message.ordering_key])
    seen.note("recent", abs(found.message.publish_time - datetime.now(UTC)) < timedelta(minutes=5))
    seen.note("delivery attempt", found.delivery_attempt)
    seen.note("not twice", seen.nothing())
    seen.acknowledge([found])
    seen.publish(*"abcde")
    at_once = seen.subscriber("pull", subscription=name, max_messages=2).received_messages
    seen.note("no more than asked", 0 < len(at_once) <= 2)
    seen.tried("none asked", "subscriber", "pull", subscription=name, max_messages=0, return_immediately=True)
    seen.tried(
        "fewer than none asked", "subscriber", "pull", subscription=name, max_messages=-1, return_immediately=True
    )
    seen.tried("unknown", "subscriber", "pull", subscription=seen.subscription("unknown"), max_messages=1)


@script
def before_and_after_subscribing(seen: Seen) -> None:
    seen.publisher("create_topic", name=seen.topic())
    seen.publish("before")
    seen.subscriber("create_subscription", name=seen.subscription(), topic=seen.topic())
    seen.subscriber("create_subscription", name=seen.subscription("second"), topic=seen.topic())
    seen.publish("after")
    seen.note("first", texts(seen.pulled()))
    seen.note("second", texts(seen.pulled(name="second")))


@script
def acknowledging(seen: Seen) -> None:
    _, name = seen.made()
    seen.publish("a")
    (found,) = seen.pulled()

    def tried(what: str, *ack_ids: str, to: str = name) -> None:
        seen.tried(what, "subscriber", "acknowledge", subscription=to, ack_ids=list(ack_ids))

    tried("once", found.ack_id)
    tried("twice", found.ack_id)
    tried("nobody's", "nobody")
    tried("none")
    tried("of no subscription", found.ack_id, to=seen.subscription("unknown"))
    seen.note("gone", seen.nothing())


@script
def deadlines(seen: Seen) -> None:
    _, name = seen.made()
    seen.publish("a")
    (first,) = seen.pulled()
    seen.refuse([first])
    (second,) = seen.pulled()
    seen.note("again after a refusal", texts([second]))
    seen.note("under another ack id", first.ack_id != second.ack_id)

    def tried(what: str, seconds: int, *ack_ids: str) -> None:
        request = {"subscription": name, "ack_ids": list(ack_ids), "ack_deadline_seconds": seconds}
        seen.tried(what, "subscriber", "modify_ack_deadline", **request)

    tried("600 s", 600, second.ack_id)
    tried("601 s", 601, second.ack_id)
    tried("less than none", -1, second.ack_id)
    tried("nobody's", 10, "nobody")
    tried("none", 10)
    seen.acknowledge([second])
    tried("acknowledged already", 0, second.ack_id)
    seen.note("stays acknowledged", seen.nothing())


@script
def backoff(seen: Seen) -> None:
    seen.made(retry_policy={"minimum_backoff": {"seconds": 300}, "maximum_backoff": {"seconds": 600}})
    seen.publish("a")
    seen.refuse(seen.pulled())
    seen.note("not at once", seen.nothing())


@script
def dead_letters(seen: Seen) -> None:
    seen.publisher("create_topic", name=seen.topic("dead"))
    seen.subscriber("create_subscription", name=seen.subscription("dead"), topic=seen.topic("dead"))
    policy = {"dead_letter_topic": seen.topic("dead"), "max_delivery_attempts": 5}
    seen.made(dead_letter_policy=policy)
    seen.publish("poison", attributes={"k": "v"})
    attempts = []
    for _ in range(5):
        found = seen.pulled()
        attempts += [one.delivery_attempt for one in found]
        seen.refuse(found)
    seen.note("attempts", attempts)
    seen.note("no sixth", seen.nothing())
    letters = seen.pulled(name="dead")
    seen.note("dead letters", texts(letters))
    kept = {k: v for one in letters for k, v in one.message.attributes.items() if not k.endswith("PublishTime")}
    seen.note("attributes", {k: v.replace(seen.project.removeprefix("projects/"), "PROJECT") for k, v in kept.items()})
    number = iter(range(100))
    for what, changed in {
        "4 attempts": {"max_delivery_attempts": 4},
        "101 attempts": {"max_delivery_attempts": 101},
        "no attempts said": {"max_delivery_attempts": 0},
        "an unknown topic": {"dead_letter_topic": seen.topic("unknown")},
        "no topic": {"dead_letter_topic": ""},
    }.items():
        options = {"topic": seen.topic(), "dead_letter_policy": policy | changed}
        seen.tried(what, "subscriber", "create_subscription", name=seen.subscription(f"sub-{next(number)}"), **options)


@script
def order(seen: Seen) -> None:
    seen.made(enable_message_ordering=True)
    for body in "abc":
        seen.publish(body, ordering_key="key")
    seen.publish("free")
    found = seen.pulled(expected=4)
    of_key = [one for one in found if one.message.ordering_key]
    seen.note("in order", texts(of_key))
    seen.note("the rest too", sorted(texts(found)))
    seen.refuse(of_key)
    again = [one for one in seen.pulled(expected=3) if one.message.ordering_key]
    seen.note("in order again", texts(again))
    seen.acknowledge(again)
    seen.note("done", seen.nothing())


@script
def order_held_up(seen: Seen) -> None:
    seen.made(enable_message_ordering=True)
    for body in "ab":
        seen.publish(body, ordering_key="key")
    first = seen.pulled(most=1)
    seen.note("the first", texts(first))
    seen.note("the second waits for it", seen.nothing())
    seen.publish("other", ordering_key="another")
    seen.note("another key does not", texts(seen.pulled(most=1)))
    seen.acknowledge(first)
    seen.note("then the second", texts(seen.pulled()))


@script
def filters(seen: Seen) -> None:
    seen.publisher("create_topic", name=seen.topic())
    wanted = {
        "equal": 'attributes.kind = "a"',
        "unequal": 'attributes.kind != "a"',
        "there": "attributes:other",
        "not there": "NOT attributes:other",
        "begins": 'hasPrefix(attributes.kind, "ab")',
        "both": 'attributes.kind = "b" AND attributes:other',
        "either": 'attributes.kind = "a" OR attributes:other',
        "grouped": '(attributes.kind = "a" OR attributes.kind = "b") AND NOT attributes:other',
    }
    refused = {
        "nonsense": "what is this",
        "of data": 'data = "a"',
        "AND with OR": 'attributes.kind = "a" AND attributes:other OR attributes:more',
        "257 bytes": 'attributes.kind = "' + "a" * 237 + '"',
        "256 bytes": 'attributes.kind = "' + "a" * 236 + '"',
    }
    for number, (what, text) in enumerate((wanted | refused).items()):
        request = {"name": seen.subscription(f"sub-{number}"), "topic": seen.topic(), "filter": text}
        made = seen.tried(what, "subscriber", "create_subscription", **request)
        if what in wanted:
            seen.note(f"{what}: said again", bool(made) and made.filter == text)
    for body, attributes in {
        "a": {"kind": "a"}, "b": {"kind": "b"}, "abc": {"kind": "abc"}, "b, other": {"kind": "b", "other": "1"}, "none": {},
    }.items():  # fmt: skip
        seen.publish(body, attributes=attributes)
    for number, what in enumerate(wanted):
        if seen.noted[what] == "OK":
            seen.note(f"{what}: got", sorted(texts(seen.pulled(name=f"sub-{number}", expected=5))))


@script
def seeking(seen: Seen) -> None:
    _, name = seen.made(retain_acked_messages=True)
    seen.publish("a", "b")
    seen.acknowledge(seen.pulled(expected=2))
    hour = timedelta(hours=1)
    seen.tried("back", "subscriber", "seek", subscription=name, time=datetime.now(UTC) - hour)
    found = seen.pulled(expected=2)
    seen.note("there again", sorted(texts(found)))
    seen.tried("on", "subscriber", "seek", subscription=name, time=datetime.now(UTC) + hour)
    seen.refuse(found)
    seen.note("nothing left", seen.nothing())
    seen.publish("later")
    seen.note("later ones before that time", texts(seen.pulled()))
    seen.tried(
        "of no subscription", "subscriber", "seek", subscription=seen.subscription("unknown"), time=datetime.now(UTC)
    )
    seen.tried("to nothing", "subscriber", "seek", subscription=name)


@script
def exactly_once(seen: Seen) -> None:
    _, name = seen.made(enable_exactly_once_delivery=True)
    seen.note("says so", seen.subscriber("get_subscription", subscription=name).enable_exactly_once_delivery)
    seen.publish("a")
    (first,) = seen.pulled()
    seen.refuse([first])
    (second,) = seen.pulled()
    seen.tried("under the former ack id", "subscriber", "acknowledge", subscription=name, ack_ids=[first.ack_id])
    seen.tried("under the latest", "subscriber", "acknowledge", subscription=name, ack_ids=[second.ack_id])
    seen.note("gone", seen.nothing())
    seen.tried("once more", "subscriber", "acknowledge", subscription=name, ack_ids=[second.ack_id])


@script
def push_and_back(seen: Seen) -> None:
    _, name = seen.made(push_config={"push_endpoint": "http://127.0.0.1:9/push"})
    seen.tried("pulled", "subscriber", "pull", subscription=name, max_messages=1, return_immediately=True)
    seen.tried("no endpoint", "subscriber", "modify_push_config", subscription=name, push_config={})
    seen.publish("a")
    seen.note("pulled then", texts(seen.pulled()))
    bad = {"push_endpoint": "nowhere"}
    seen.tried("to no URL", "subscriber", "modify_push_config", subscription=name, push_config=bad)
    unknown = seen.subscription("unknown")
    seen.tried("unknown", "subscriber", "modify_push_config", subscription=unknown, push_config={})


@script
def pushes(seen: Seen) -> None:
    with _endpoint() as (address, posted):
        seen.publisher("create_topic", name=seen.topic())
        options = {"push_config": {"push_endpoint": address}, "topic": seen.topic()}
        seen.subscriber("create_subscription", name=seen.subscription(), **options)
        (number,) = seen.publish("pushed", attributes={"k": "v"}, ordering_key="key")
        first = posted.get(timeout=60)
        again = posted.get(timeout=60)  # the first answer was a failure
    seen.note("content type", first.pop("content type"))
    seen.note("fields", sorted(first))
    seen.note("fields of the message", sorted(first["message"]))
    seen.note("data", [b64decode(one["message"]["data"]).decode() for one in (first, again)])
    seen.note("same id", [one["message"]["messageId"] == number for one in (first, again)])
    seen.note("subscription", first["subscription"] == seen.subscription())


@not_over_rest
def streams(seen: Seen) -> None:
    _, name = seen.made()
    seen.publish("a", "b")
    with seen.wire.stream(subscription=name, stream_ack_deadline_seconds=10) as stream:
        found: list[Any] = []
        while len(found) < 2:
            found += stream.receive().received_messages
        seen.note("got", sorted(texts(found)))
        back = [one.ack_id for one in found if one.message.data == b"a"]
        stream.send(modify_deadline_ack_ids=back, modify_deadline_seconds=[0])
        again = stream.receive().received_messages
        seen.note("again after a refusal", texts(again))
        done = [one.ack_id for one in (*found, *again) if one.ack_id not in back]
        stream.send(ack_ids=done)
        seen.publish("c")
        (last,) = stream.receive().received_messages
        seen.note("what comes later", texts([last]))
        stream.send(ack_ids=[last.ack_id])
    seen.note("nothing left", seen.nothing())


@not_over_rest
def streams_refused(seen: Seen) -> None:
    _, name = seen.made()
    seen.publish("a")
    for what, first in {
        "a deadline of 9 s": {"subscription": name, "stream_ack_deadline_seconds": 9},
        "a deadline of 601 s": {"subscription": name, "stream_ack_deadline_seconds": 601},
        "unknown": {"subscription": seen.subscription("unknown"), "stream_ack_deadline_seconds": 10},
        "no subscription": {"stream_ack_deadline_seconds": 10},
    }.items():
        with seen.wire.stream(**first) as stream:
            _note_end(seen, what, stream)
    for what, second in {
        "another subscription named": {"subscription": name},
        "nobody's ack id": {"ack_ids": ["nobody"]},
        "fewer deadlines than ack ids": {"modify_deadline_ack_ids": ["nobody"], "modify_deadline_seconds": []},
    }.items():
        with seen.wire.stream(subscription=name, stream_ack_deadline_seconds=600) as stream:
            found = stream.receive().received_messages
            stream.send(**second)
            _note_end(seen, what, stream)
        seen.refuse(found)  # the next stream gets it


@not_over_rest
def streams_in_order(seen: Seen) -> None:
    _, name = seen.made(enable_message_ordering=True)
    for body in "abc":
        seen.publish(body, ordering_key="key")
    with seen.wire.stream(subscription=name, stream_ack_deadline_seconds=10) as stream:
        found: list[Any] = []
        while len(found) < 3:
            more = stream.receive().received_messages
            stream.send(ack_ids=[one.ack_id for one in more])
            found += more
    seen.note("in order", texts(found))


@not_over_rest
def streams_of_few(seen: Seen) -> None:
    _, name = seen.made()
    seen.publish(*"abcd")
    first = {"subscription": name, "stream_ack_deadline_seconds": 60, "max_outstanding_messages": 2}
    with seen.wire.stream(**first) as stream:
        found: list[Any] = []
        while len(found) < 2:
            found += stream.receive().received_messages
        seen.note("no more than allowed", len(found))
        stream.send(ack_ids=[one.ack_id for one in found])
        while len(found) < 4:
            more = stream.receive().received_messages
            stream.send(ack_ids=[one.ack_id for one in more])
            found += more
        seen.note("then the rest", sorted(texts(found)))


@not_over_rest
def streams_exactly_once(seen: Seen) -> None:
    _, name = seen.made(enable_exactly_once_delivery=True)
    seen.publish("a")
    with seen.wire.stream(subscription=name, stream_ack_deadline_seconds=60) as stream:
        opened = stream.receive()
        seen.note("says so", opened.subscription_properties.exactly_once_delivery_enabled)
        (found,) = opened.received_messages
        confirmed: list[str] = []
        for body in "bc":
            stream.send(ack_ids=[found.ack_id])
            seen.publish(body)
            answer = stream.receive()
            while not answer.received_messages:
                confirmed += answer.acknowledge_confirmation.ack_ids
                answer = stream.receive()
            confirmed += answer.acknowledge_confirmation.ack_ids
            (found,) = answer.received_messages
        seen.note("confirmed", opened.received_messages[0].ack_id in confirmed)


def _note_end(seen: Seen, what: str, stream: Any) -> None:
    try:
        stream.receive()
    except Refused as refusal:
        seen.note(what, refusal.code)
    else:
        seen.note(what, "OK")


@contextmanager
def _endpoint() -> Iterator[tuple[str, "queue.SimpleQueue[Any]"]]:
    """Listen for pushes; the first is answered by an error."""
    posted: queue.SimpleQueue[Any] = queue.SimpleQueue()
    answers = iter([500])

    class Endpoint(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            posted.put(body | {"content type": self.headers["Content-Type"]})
            self.send_response(next(answers, 204))
            self.end_headers()

        def log_message(self, *_said: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/push", posted
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
