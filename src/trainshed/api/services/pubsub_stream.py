"""One StreamingPull: what it has out, what it may have out, and the answers that come on it."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from trainshed.api.descriptors import message
from trainshed.api.services.pubsub_resources import PACKAGE, handed_over
from trainshed.clock import Clock
from trainshed.duty import settled
from trainshed.errors import InvalidArgument
from trainshed.topics import UNBOUNDED, Answered, Arrivals, Delivery, Options, Room, Service, message_bytes

_RESPONSE = f"{PACKAGE}.StreamingPullResponse"
_SHORTEST, _LONGEST = 10, 600
_ONCE = ("subscription", "max_outstanding_messages", "max_outstanding_bytes", "protocol_version")


class Streams:
    """The open streams, by what they have out: acks may come by unary calls as well."""

    def __init__(self) -> None:
        self._holders: dict[str, Stream] = {}

    def hold(self, ack_ids: Iterable[str], stream: "Stream") -> None:
        """Note that a stream has these out."""
        self._holders.update(dict.fromkeys(ack_ids, stream))

    def answered(self, ack_ids: Iterable[str], answered: Answered) -> None:
        """Note that these were acknowledged or refused, by whatever call; what came out of its order is still out."""
        for ack_id in ack_ids:
            if ack_id not in answered.unordered and (stream := self._holders.pop(ack_id, None)) is not None:
                stream.let_go(ack_id)

    def extended(self, ack_ids: Iterable[str], seconds: int) -> None:
        """Note that these have more time."""
        for ack_id in ack_ids:
            if (stream := self._holders.get(ack_id)) is not None:
                stream.prolong(ack_id, seconds)

    def forget(self, ack_ids: Iterable[str]) -> None:
        """Note that a stream is gone, or that the deadlines of these have passed."""
        for ack_id in ack_ids:
            self._holders.pop(ack_id, None)


class Stream:
    """Hands out messages as they come, within the flow control of the first request."""

    def __init__(self, topics: Service, streams: Streams, first: Any, clock: Clock) -> None:
        """Read the first request. Raises InvalidArgument for one that opens no stream."""
        if not first.subscription:
            raise InvalidArgument.field("subscription", "is empty; the first request of a stream names it")
        self._topics = topics
        self._streams = streams
        self._clock = clock
        self._subscription = first.subscription
        self._deadline_seconds = _deadline(first.stream_ack_deadline_seconds)
        self._most_messages = first.max_outstanding_messages if first.max_outstanding_messages > 0 else UNBOUNDED
        self._most_bytes = first.max_outstanding_bytes if first.max_outstanding_bytes > 0 else UNBOUNDED
        self._is_bounded = min(self._most_messages, self._most_bytes) < UNBOUNDED
        self._out: dict[str, tuple[int, datetime]] = {}  # ack id: bytes and deadline
        self._bytes = 0
        self._is_full = False
        self._may_go_on = asyncio.Event()
        self._responses: asyncio.Queue[Any] = asyncio.Queue(maxsize=1)  # None: over; an exception: broken

    async def run(self, first: Any, requests: AsyncIterator[Any], arrivals: Arrivals) -> AsyncIterator[Any]:
        """Yield responses until the client ends its half, or something is wrong with it."""
        works = [
            asyncio.ensure_future(self._end_with(self._listen(first, requests))),
            asyncio.ensure_future(self._end_with(self._hand_out(arrivals))),
        ]
        try:
            while (response := await self._responses.get()) is not None:
                if isinstance(response, Exception):
                    raise response
                yield response
        finally:
            for work in works:
                work.cancel()
            await asyncio.gather(*works, return_exceptions=True)
            self._streams.forget(self._out)

    def let_go(self, ack_id: str) -> None:
        """Count a message no longer: it was answered."""
        size, _ = self._out.pop(ack_id, (0, None))
        self._bytes -= size
        if self._is_full:  # otherwise it waits for messages, not for room
            self._may_go_on.set()

    def prolong(self, ack_id: str, seconds: int) -> None:
        """Count a message for longer."""
        size, _ = self._out[ack_id]
        self._out[ack_id] = (size, self._clock.now() + timedelta(seconds=seconds))

    async def _end_with(self, work: Any) -> None:
        try:
            await work
        except Exception as error:  # noqa: BLE001  (told to the client by whoever yields the responses)
            await self._responses.put(error)
        else:
            await self._responses.put(None)

    async def _hand_out(self, arrivals: Arrivals) -> None:
        found = arrivals.follow(
            self._subscription,
            room=self._room,
            deadline_seconds=lambda: self._deadline_seconds,
            may_go_on=self._may_go_on,
            freed_time=lambda: min((deadline for _, deadline in self._out.values()), default=None),
        )
        async for pulled in found:
            self._note(pulled.deliveries)
            response = handed_over(_RESPONSE, pulled.deliveries)
            if pulled.options is not None:
                self._tell_properties(response, pulled.options)
            await self._responses.put(response)

    def _tell_properties(self, response: Any, options: Options) -> None:
        if options.is_exactly_once or options.is_ordered:
            response.subscription_properties.exactly_once_delivery_enabled = options.is_exactly_once
            response.subscription_properties.message_ordering_enabled = options.is_ordered

    def _note(self, deliveries: Sequence[Delivery]) -> None:
        if not self._is_bounded:
            return
        deadline = self._clock.now() + timedelta(seconds=self._deadline_seconds)
        for delivery in deliveries:
            size = message_bytes(delivery)
            self._out[delivery.ack_id] = (size, deadline)
            self._bytes += size
        self._streams.hold((d.ack_id for d in deliveries), self)

    def _room(self) -> Room:
        if len(self._out) >= self._most_messages or self._bytes >= self._most_bytes:
            self._drop_late()
        room = Room(messages=self._most_messages - len(self._out), byte_count=self._most_bytes - self._bytes)
        self._is_full = room.messages <= 0 or room.byte_count <= 0
        return room

    def _drop_late(self) -> None:
        now = self._clock.now()
        late = [ack_id for ack_id, (_, deadline) in self._out.items() if deadline <= now]
        for ack_id in late:
            self.let_go(ack_id)
        self._streams.forget(late)

    async def _listen(self, first: Any, requests: AsyncIterator[Any]) -> None:
        await self._answer(first)
        async for request in requests:
            for name in _ONCE:
                if getattr(request, name):
                    field = request.DESCRIPTOR.fields_by_name[name].json_name
                    raise InvalidArgument.field(field, "belongs in the first request of a stream")
            if request.stream_ack_deadline_seconds:
                self._deadline_seconds = _deadline(request.stream_ack_deadline_seconds)
            await self._answer(request)

    async def _answer(self, request: Any) -> None:
        """Take the acknowledgements and deadlines of one request. Raises InvalidArgument for malformed ack ids."""
        ids, seconds = request.modify_deadline_ack_ids, request.modify_deadline_seconds
        if len(ids) != len(seconds):
            raise InvalidArgument.field("modifyDeadlineSeconds", "is not as long as modifyDeadlineAckIds")
        if request.ack_ids:
            answered = await settled(self._topics.begin_acknowledge(self._subscription, request.ack_ids))
            self._streams.answered(request.ack_ids, answered)
            await self._confirm("acknowledge_confirmation", answered)
        asked: dict[int, list[str]] = {}
        for ack_id, wanted in zip(ids, seconds, strict=True):
            asked.setdefault(wanted, []).append(ack_id)
        for wanted, ack_ids in asked.items():
            answered = await settled(self._topics.begin_modify(self._subscription, ack_ids, wanted))
            if wanted:
                self._streams.extended(ack_ids, wanted)
            else:
                self._streams.answered(ack_ids, answered)
            await self._confirm("modify_ack_deadline_confirmation", answered)

    async def _confirm(self, field: str, answered: Answered) -> None:
        if not (answered.done or answered.invalid or answered.unordered):
            return  # not exactly once: nothing is said
        response = message(_RESPONSE)
        confirmation = getattr(response, field)
        confirmation.ack_ids.extend(answered.done)
        confirmation.invalid_ack_ids.extend(answered.invalid)
        with suppress(AttributeError):  # deadlines are moved in any order
            confirmation.unordered_ack_ids.extend(answered.unordered)
        response.subscription_properties.exactly_once_delivery_enabled = True
        await self._responses.put(response)


def _deadline(seconds: int) -> int:
    if not _SHORTEST <= seconds <= _LONGEST:
        raise InvalidArgument.field("streamAckDeadlineSeconds", f"{seconds} is outside {_SHORTEST}..{_LONGEST}")
    return seconds
