"""Background duties of topics: delivering to endpoints and to ourselves, cleaning; and waiting for arrivals."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from trainshed import webhook
from trainshed.addresses import hide
from trainshed.clock import Clock, SystemClock
from trainshed.duty import Background, Duty, off_loop, post, settled
from trainshed.errors import FailedPrecondition, InvalidArgument, TrainshedError
from trainshed.topics import attempts
from trainshed.topics.envelope import ACKNOWLEDGED, push_request
from trainshed.topics.model import Delivery, Kind, Options, PushIdentity, Room, Subscription
from trainshed.topics.service import Pulled, Service

log = logging.getLogger(__name__)
Deliver = Callable[[str, Delivery], Awaitable[bool]]  # target, delivery → acknowledged?

_SLOTS = 16  # attempts under way at once at one subscription
_CLEAN_SECONDS = 60.0
_ANSWER_BYTES = 10_000_000
_TOKEN_AGE = timedelta(minutes=30)  # a token of an hour is sent again until then


@dataclass(frozen=True, kw_only=True)
class Endpoints:
    """What pushes need of the surface."""

    token: Callable[[str, str], str]  # e-mail of a service account, audience → a signed token
    near: Callable[[str], str]  # address of this server for a URL that is answered here; empty for all others


def _unsigned(_email: str, _audience: str) -> str:
    raise FailedPrecondition("Nobody here signs identity tokens; push without one.")


_BARE = Endpoints(token=_unsigned, near=lambda _url: "")


def duties(
    service: Service,
    deliver: Deliver,
    *,
    background: Background,
    interval_seconds: float,
    endpoints: Endpoints | None = None,
) -> list[Duty]:
    """Make the background duties. `deliver` returns once what the message asks for is durable.

    Attempts run in `background`, whose owner ends them.
    """
    deliverer = Deliverer(service, deliver, background, endpoints=endpoints)
    delivering = Duty("deliveries", deliverer.run_once, interval_seconds=interval_seconds, clock=service.clock)
    deliverer.when_free = delivering.wake
    service.db.listen(attempts.PUSHING, delivering.wake)
    service.db.listen(attempts.CHANGED, deliverer.forget_subscriptions)
    service.db.listen(attempts.CHANGED, delivering.wake)

    async def clean() -> None:
        await off_loop(service.clean)

    return [delivering, Duty("messages-clean", clean, interval_seconds=_CLEAN_SECONDS, clock=service.clock)]


class Deliverer:
    """Leases what is due at push and internal subscriptions and carries it there, a bounded number at a time.

    An attempt is leased on disk before it starts, so the same attempt never starts twice; its lease is the ack
    deadline, moved on while it is under way. What a former server had under way is taken back at the first turn.
    """

    def __init__(
        self,
        service: Service,
        deliver: Deliver,
        background: Background,
        *,
        slots: int = _SLOTS,
        endpoints: Endpoints | None = None,
    ) -> None:
        self._service = service
        self._endpoints = endpoints or _BARE
        self._tokens: dict[PushIdentity, tuple[str, datetime]] = {}
        self._deliver = deliver
        self._slots = slots
        self._background = background
        self._subscriptions: list[Subscription] = []
        self._must_read = True  # whether they came or went since they were read
        self._under_way: dict[tuple[int, str], tuple[Subscription, Delivery]] = {}
        self._kept_until: datetime | None = None
        self._is_first_turn = True
        self.when_free: Callable[[], None] = lambda: None

    def forget_subscriptions(self) -> None:
        """Read the subscriptions anew at the next turn. Callable from every thread."""
        self._must_read = True

    async def run_once(self) -> datetime | None:
        """Start every attempt that is due and has a slot; answer when to look again."""
        if self._is_first_turn:
            await off_loop(self._service.handover.abandon)
            self._is_first_turn = False
        subscriptions = await self._read_subscriptions()
        dues = await off_loop(self._service.handover.dues, subscriptions)
        while wanted := self._wanted(subscriptions, dues):
            leased = await self._lease(wanted)
            dues = await off_loop(self._service.handover.dues, subscriptions)
            if not leased:
                break
        return await self._next(dues)

    async def _read_subscriptions(self) -> list[Subscription]:
        if self._must_read:
            self._must_read = False  # before reading: a change while we read asks for another
            try:
                self._subscriptions = await off_loop(self._service.handover.pushing)
            except BaseException:
                self._must_read = True
                raise
        return self._subscriptions

    def _wanted(
        self, subscriptions: list[Subscription], dues: Mapping[int, datetime | None]
    ) -> list[tuple[Subscription, int]]:
        now = self._service.clock.now()
        free = [(s, self._free(s)) for s in subscriptions if (due := dues[s.subscription_id]) and due <= now]
        return [(s, slots) for s, slots in free if slots > 0]

    async def _next(self, dues: Mapping[int, datetime | None]) -> datetime | None:
        now = self._service.clock.now()
        if self._under_way and self._kept_until is not None and self._kept_until <= now:
            await self._lease([])
        times = [due for due in dues.values() if due is not None and due > now]
        if self._under_way and self._kept_until is not None:
            times.append(self._kept_until)
        return min(times, default=None)

    def _free(self, subscription: Subscription) -> int:
        busy = sum(1 for key in self._under_way if key[0] == subscription.subscription_id)
        return self._slots - busy

    async def _lease(self, wanted: list[tuple[Subscription, int]]) -> int:
        now = self._service.clock.now()
        under_way = [(s, int(d.message_id), d.attempt) for s, d in self._under_way.values()]
        leased = await off_loop(self._service.handover.lease_for, wanted, under_way)
        by_id = {s.subscription_id: s for s, _ in wanted}
        for delivery in leased:
            subscription = by_id[delivery.subscription_id]
            self._under_way[delivery.subscription_id, delivery.message_id] = (subscription, delivery)
            self._background.spawn(self._carry(subscription, delivery), name=f"delivery {delivery.message_id}")
        deadlines = [s.options.ack_deadline_seconds for s, _ in self._under_way.values()]
        if deadlines:
            self._kept_until = now + timedelta(seconds=min(deadlines) / 2)
        return len(leased)

    async def _carry(self, subscription: Subscription, delivery: Delivery) -> None:
        try:
            is_acked = await self._attempt(subscription, delivery)
            await settled(self._service.handover.settle(subscription, delivery, is_acked=is_acked))
        finally:
            self._under_way.pop((delivery.subscription_id, delivery.message_id), None)
            self.when_free()

    async def _attempt(self, subscription: Subscription, delivery: Delivery) -> bool:
        try:
            if subscription.options.kind is Kind.PUSH:
                return await self._push(subscription, delivery)
            return await self._deliver(subscription.options.target, delivery)
        except Exception as error:  # whatever it is, the message must come again
            log.warning(
                "Message %s could not be delivered to %s: %s",
                delivery.message_id,
                hide(delivery.target),
                error,
                exc_info=not isinstance(error, TrainshedError),
                extra={"action": "delivery_failed", **delivery.log_context()},
            )
            return False

    async def _push(self, subscription: Subscription, delivery: Delivery) -> bool:
        options = subscription.options
        headers, body = push_request(delivery, options.push_wrapper)
        if options.push_identity is not None:
            headers = {**headers, "Authorization": f"Bearer {await self._token(options)}"}
        status = await webhook.send(
            options.push_endpoint,
            headers=headers,
            body=body,
            timeout_seconds=options.ack_deadline_seconds,
            at=self._endpoints.near(options.push_endpoint),
        )
        return status in ACKNOWLEDGED

    async def _token(self, options: Options) -> str:
        identity = options.push_identity
        assert identity is not None
        named = PushIdentity(email=identity.email, audience=identity.audience or options.push_endpoint)
        now = SystemClock().now()  # tokens are checked against the machine's clock
        token, made = self._tokens.get(named, ("", now))
        if not token or now - made > _TOKEN_AGE:
            token = await off_loop(self._endpoints.token, named.email, named.audience)
            self._tokens[named] = (token, now)
        return token


class Arrivals:
    """Lets pulling clients wait for messages of a subscription instead of asking again and again."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._waiting: dict[int, set[Callable[[], None]]] = {}
        service.upkeep.watch(self._awaited)

    async def pull(self, name: str, *, max_messages: int, wait_seconds: float) -> list[Delivery]:
        """Pull, waiting up to `wait_seconds` for the first message; [] when none came."""
        if max_messages <= 0:
            raise InvalidArgument.field("maxMessages", "ask for at least one message")
        room = Room(messages=max_messages, byte_count=_ANSWER_BYTES)
        async for found in self.follow(name, room=lambda: room, wait_seconds=wait_seconds):
            return found.deliveries
        return []

    async def follow(
        self,
        name: str,
        *,
        room: Callable[[], Room],
        wait_seconds: float | None = None,
        deadline_seconds: Callable[[], float] = lambda: 0,
        may_go_on: asyncio.Event | None = None,
        freed_time: Callable[[], datetime | None] = lambda: None,
    ) -> AsyncIterator[Pulled]:
        """Yield deliveries as they come, for ever or until none came for `wait_seconds`.

        `room` says how much may be handed out now; while it says nothing, `may_go_on` is waited for, or the
        `freed_time`. What is handed out has the ack deadline of the subscription unless `deadline_seconds` names another.
        """
        service = self._service
        arrived = asyncio.Event() if may_go_on is None else may_go_on
        key = (await off_loop(service.get_subscription, name)).subscription_id
        wake = self._register(key, arrived)
        until = None if wait_seconds is None else service.clock.now() + timedelta(seconds=wait_seconds)
        try:
            while True:
                arrived.clear()
                now = room()
                if now.messages > 0 and now.byte_count > 0:
                    begun = service.begin_pull(name, room=now, deadline_seconds=deadline_seconds())
                    found = await settled(begun)
                else:
                    found = Pulled(deliveries=[], next_due=freed_time(), options=None)
                if found.deliveries:
                    yield found
                elif until is not None and service.clock.now() >= until:
                    return
                await _first(arrived, service.clock, min((t for t in (found.next_due, until) if t), default=None))
        finally:
            self._waiting[key].discard(wake)

    def _awaited(self) -> list[int]:
        """Answer the subscriptions that somebody waits at, messages or not. Callable from every thread."""
        return [key for key, waiting in list(self._waiting.items()) if waiting]

    def _register(self, key: int, arrived: asyncio.Event) -> Callable[[], None]:
        wake = partial(post().call, arrived.set)
        if key not in self._waiting:
            self._waiting[key] = set()
            self._service.db.listen(attempts.arrival(key), lambda: self._tell(key))
        self._waiting[key].add(wake)
        return wake

    def _tell(self, key: int) -> None:
        for wake in list(self._waiting[key]):
            wake()


async def _first(event: asyncio.Event, clock: Clock, until: datetime | None) -> None:
    """Wait for the event, or for the time, whichever is first."""
    if event.is_set() or (until is not None and until <= clock.now()):
        return
    if until is None:
        await event.wait()
        return
    timer = asyncio.ensure_future(clock.sleep_until(until))
    timer.add_done_callback(lambda ended: None if ended.cancelled() else event.set())
    try:
        await event.wait()
    finally:
        timer.cancel()
