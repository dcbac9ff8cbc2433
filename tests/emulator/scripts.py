"""The registry of scripts, and what a script is given: names of its own, calls, and a record of what it saw.

A script is a function of a `Seen`. What it notes must not depend on chance: ids become their order, times are left out.
"""

from collections.abc import Callable
from typing import Any

from emulator.wires import Refused, Wire

SCRIPTS: dict[str, Callable[["Seen"], None]] = {}
NOT_OVER_REST: set[str] = set()


def script(function: Callable[["Seen"], None]) -> Callable[["Seen"], None]:
    """Register a script under its name."""
    SCRIPTS[function.__name__.replace("_", "-")] = function
    return function


def not_over_rest(function: Callable[["Seen"], None]) -> Callable[["Seen"], None]:
    """Register a script for gRPC alone: REST has no streams, and the emulator leaves schemas unanswered there."""
    NOT_OVER_REST.add(function.__name__.replace("_", "-"))
    return script(function)


class Seen:
    """One run of a script over one wire against one server."""

    def __init__(self, name: str, wire: Wire) -> None:
        self.wire = wire
        self.project = f"projects/{name}-{wire.name}"
        self.noted: dict[str, Any] = {}

    def topic(self, name: str = "topic") -> str:
        """Name a topic."""
        return f"{self.project}/topics/{name}"

    def subscription(self, name: str = "subscription") -> str:
        """Name a subscription."""
        return f"{self.project}/subscriptions/{name}"

    def snapshot(self, name: str = "snapshot") -> str:
        """Name a snapshot."""
        return f"{self.project}/snapshots/{name}"

    def schema(self, name: str = "schema") -> str:
        """Name a schema."""
        return f"{self.project}/schemas/{name}"

    def note(self, what: str, found: Any) -> None:
        """Keep what was seen, in JSON's terms."""
        assert what not in self.noted, what
        self.noted[what] = found

    def tried(self, what: str, service: str, method: str, **request: Any) -> Any:
        """Call, and note whether it was taken or which code refused it; answer what came back, None if refused."""
        try:
            found = self.wire.call(service, method, **request)
        except Refused as refusal:
            self.note(what, refusal.code)
            return None
        self.note(what, "OK")
        return found

    def publisher(self, method: str, **request: Any) -> Any:
        """Call the Publisher; it has to work."""
        return self.wire.call("publisher", method, **request)

    def subscriber(self, method: str, **request: Any) -> Any:
        """Call the Subscriber; it has to work."""
        return self.wire.call("subscriber", method, **request)

    def made(self, **options: Any) -> tuple[str, str]:
        """Make a topic and a subscription to it."""
        self.publisher("create_topic", name=self.topic())
        self.subscriber("create_subscription", name=self.subscription(), topic=self.topic(), **options)
        return self.topic(), self.subscription()

    def publish(self, *bodies: str, topic: str = "topic", **common: Any) -> list[str]:
        """Publish texts in one request; answer their ids."""
        messages = [{"data": body.encode(), **common} for body in bodies]
        return list(self.publisher("publish", topic=self.topic(topic), messages=messages).message_ids)

    def pulled(self, most: int = 10, name: str = "subscription", *, expected: int = 1) -> list[Any]:
        """Pull what is there, asking again until as many came as are expected or ten answers were empty."""
        found: list[Any] = []
        empty = 0
        while len(found) < min(expected, most) and empty < 10:
            request = {"subscription": self.subscription(name), "max_messages": most - len(found)}
            answer = self.subscriber("pull", return_immediately=True, **request).received_messages
            found += answer
            empty += not answer
        return found

    def nothing(self, name: str = "subscription") -> bool:
        """Whether a pull that returns at once comes back empty."""
        request = {"subscription": self.subscription(name), "max_messages": 10, "return_immediately": True}
        return not self.subscriber("pull", **request).received_messages

    def acknowledge(self, found: list[Any], name: str = "subscription") -> None:
        """Acknowledge what was pulled."""
        ids = [one.ack_id for one in found]
        self.subscriber("acknowledge", subscription=self.subscription(name), ack_ids=ids)

    def refuse(self, found: list[Any], name: str = "subscription") -> None:
        """Give back what was pulled."""
        ids = [one.ack_id for one in found]
        request = {"subscription": self.subscription(name), "ack_ids": ids, "ack_deadline_seconds": 0}
        self.subscriber("modify_ack_deadline", **request)


def texts(found: list[Any]) -> list[str]:
    """Answer the data of received messages."""
    return [one.message.data.decode() for one in found]


def run(name: str, wire: Wire) -> dict[str, Any]:
    """Run a script; answer what it noted. A call that was to work and did not is noted as well, and ends it."""
    seen = Seen(name, wire)
    try:
        SCRIPTS[name](seen)
    except Refused as refusal:
        seen.noted["ended by"] = refusal.code
    except EOFError:
        seen.noted["ended by"] = "end of stream"
    return seen.noted
