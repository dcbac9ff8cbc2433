"""The verbs of functions: one transaction each. Processes are the host's business, not theirs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import Connection

from trainshed import ledger, names, policies
from trainshed.clock import Clock
from trainshed.errors import Aborted, AlreadyExists, InvalidArgument, NotFound, StaleState, TrainshedError, Unavailable
from trainshed.functions import calls, document_second, metrics, store, store_minutes, store_operations
from trainshed.functions.addresses import PARENT, check_name, uri
from trainshed.functions.addresses import operation as operation_name
from trainshed.functions.calls import Begun, Call
from trainshed.functions.document import document
from trainshed.functions.feeding import Subscriptions, fed_by, feed
from trainshed.functions.model import (
    Configuration,
    Ended,
    Function,
    Invocation,
    Operation,
    Version,
)
from trainshed.functions.stretches import Stretches
from trainshed.sql import Database, after_commit


@dataclass(frozen=True, kw_only=True)
class Asked:
    """How a change was asked for: the name of its operation, the API's generation, and create or update if it matters."""

    operation: str
    generation: int = 1
    verb: str = ""  # "": whatever it is


class Service:
    """Functions, their versions and their invocations."""

    def __init__(self, db: Database, clock: Clock, subscriptions: Subscriptions) -> None:
        self._db = db
        self._clock = clock
        self._subscriptions = subscriptions
        self._past = Stretches()
        self._hosts: dict[str, str] = {}  # a name belongs to one address for ever

    # -- functions

    def get(self, name: str) -> Function:
        """Read a function. Raises NotFound."""
        check_name(name)
        return self._db.read(partial(store.get_function, name=name))

    def list(self, parent: str) -> Sequence[Function]:
        """Read the functions of `projects/P/locations/L` (`-`: of all locations)."""
        names.parse(PARENT, parent, field="parent")
        return self._db.read(partial(store.list_functions, parent=parent))

    def search(self, wanted: store.Sought) -> tuple[Sequence[Function], str]:
        """Read a page of functions by name, and the name after which there are more ("": no more)."""
        return self._db.read(partial(store.search_functions, wanted=wanted))

    def versions(self, name: str) -> Sequence[Version]:
        """Read the versions of a function, newest first."""
        self.get(name)
        return self._db.read(partial(store.list_versions, name=name))

    def open_deployment(self, name: str, requested: Configuration, asked: Asked | None = None) -> int:
        """Record that a version is being deployed; answer its number. Raises Aborted while another is."""
        now = self._clock.now()
        asked = asked or Asked(operation=operation_name(name, 1, self._clock.now()))

        def verb(conn: Connection) -> int:
            if requested.bucket:
                self._subscriptions.require(conn, bucket=requested.bucket)
            is_new = store.insert_function(conn, name, requested, now)
            if not is_new:
                if asked.verb == "create":
                    raise AlreadyExists(f"There is a function {name!r} already; update it.")
                if (there := store.get_function(conn, name).generation) != requested.generation:
                    raise InvalidArgument.field(
                        "generation", f"{names.short(name)} is of generation {there} for ever; delete it first"
                    )
                try:
                    store.fire_function(conn, name, "deploy", now=now, requested=requested.as_json())
                except StaleState:
                    raise _busy(name) from None
            kind = asked.verb or ("create" if is_new else "update")
            store_operations.begin(
                conn, asked.operation, function=name, verb=kind, generation=asked.generation, now=now
            )
            return store.next_version(conn, name)

        return self._db.write(verb)

    def complete_deployment(self, version: Version) -> Function:
        """Let a version that started well serve, and feed it from its topic."""
        now = self._clock.now()

        def verb(conn: Connection) -> Function:
            before = store.get_function(conn, version.function)
            store.insert_version(conn, version)
            store.fire_function(conn, version.function, "deployed", now=now, version=version.number, error="")
            feed(conn, self._subscriptions, before.version, version)
            function = store.get_function(conn, version.function)
            responses = {1: document(function), 2: document_second.document(function)}
            store_operations.end(conn, version.function, now=now, responses=responses)
            return function

        return self._db.write(verb)

    def fail_deployment(self, name: str, error: TrainshedError) -> None:
        """Record why a version is no good; the one before it goes on serving."""
        self._db.write(partial(_fail_deployment, name=name, error=error, now=self._clock.now()))

    def operation(self, name: str) -> Operation | None:
        """Find an operation by its name."""
        return self._db.read(partial(store_operations.find, name=name))

    def operations(self, parent: str) -> Sequence[Operation]:
        """Read the operations of `projects/P/locations/L`, oldest first."""
        return self._db.read(partial(store_operations.of_parent, parent=parent))

    def at_service(self, host: str) -> str:
        """Answer the name of the function behind `HOST.a.run.app`. Raises NotFound."""
        if (known := self._hosts.get(host)) is not None:
            return known
        for function in self._db.read(partial(store.list_functions, parent="projects/-/locations/-")):
            self._hosts[uri(function.name).removeprefix("https://")] = function.name
        if host not in self._hosts:
            raise NotFound(f"No function answers at {host}; `gcloud functions describe` shows addresses.")
        return self._hosts[host]

    def delete(self, name: str, asked: Asked | None = None) -> None:
        """Remove a function and stop feeding it. Raises NotFound; Aborted while it is being deployed."""
        asked = asked or Asked(operation=operation_name(name, 1, self._clock.now()))

        def verb(conn: Connection) -> None:
            function = store.get_function(conn, name)
            if function.state == "DEPLOY_IN_PROGRESS":
                raise _busy(name)
            if function.version is not None and (fed := fed_by(function.version)):
                self._subscriptions.detach(conn, subscription=fed)
            now = self._clock.now()
            for receipt in ledger.pending(conn, trigger=name):  # the event will not come again
                ledger.settle(conn, receipt.receipt_id, "fail", now=now, reason="the function was deleted")
            store.delete_function(conn, name, now)
            policies.forget(conn, name)
            store_operations.begin(
                conn, asked.operation, function=name, verb="delete", generation=asked.generation, now=now
            )
            store_operations.end(conn, name, now=now)

        self._db.write(verb)

    def recover(self) -> int:
        """Close what a dead server left open: calls are interrupted, deployments end; answer how many calls."""
        now = self._clock.now()

        def verb(conn: Connection) -> int:
            for function in store.deploying(conn):
                error = Unavailable("the server ended while this was deployed; deploy again")
                _fail_deployment(conn, function.name, error, now)
            left = store.open_invocations(conn)
            for invocation in left:
                ended = Ended(transition="interrupt", error="the server ended under it")
                self._end(conn, invocation, ended, asked=False, was_started=False)
            return len(left)

        return self._db.write(verb)

    # -- calls

    def begin(self, version: Version, call: Call, *, instance: str) -> Begun:
        """Record a call and open the receipt of what it is about, before the user's code sees it."""
        now = self._clock.now()
        return self._db.write(lambda conn: calls.begin(conn, version, call, instance=instance, now=now))

    def finish(self, begun: Begun, ended: Ended, *, asked: bool) -> None:
        """Record how a call ended; `asked`: it asked for a run, which settled the receipt itself."""
        self._db.write(
            lambda conn: self._end(conn, begun.invocation, ended, asked=asked, was_started=begun.was_started)
        )

    def invocations(
        self,
        name: str,
        *,
        limit: int = 100,
        before: datetime | None = None,
        skip: int = 0,
        wanted: store.Wanted = store.EVERY,
    ) -> Sequence[Invocation]:
        """Read the invocations of a function, newest first; those before a time, or after the first `skip` of that time."""
        return self._db.read(
            partial(store.list_invocations, name=name, limit=limit, before=before, skip=skip, wanted=wanted)
        )

    def invocation(self, invocation_id: str) -> Invocation:
        """Read one invocation. Raises NotFound."""
        return self._db.read(partial(store.get_invocation, invocation_id=invocation_id))

    def metrics(self, name: str, *, window: timedelta, version: int | None = None) -> dict[str, Any]:
        """Compute the figures of the window that now is in, in whole steps; of one version or all. Raises NotFound."""
        self.get(name)
        since, until, step = metrics.window_of(self._clock.now(), window)
        found = self._past.read(self._db, name, version=version, since=since, until=until, step=step)
        total = metrics.figures(found, seconds=(until - since).total_seconds())
        series = metrics.series(found, since=since, until=until, step=step)
        return {**total, "since": since, "until": until, "stepSeconds": step.total_seconds(), "series": series}

    def last_calls(self, names: Sequence[str], window: timedelta) -> dict[str, tuple[int, int]]:
        """Answer for each function that was called lately how many calls ended well, and how many not."""
        since = metrics.floored(self._clock.now() - window, metrics.MINUTE) + metrics.MINUTE
        return self._db.read(partial(store_minutes.count_calls, names=names, since=since))

    def _end(self, conn: Connection, invocation: Invocation, ended: Ended, *, asked: bool, was_started: bool) -> None:
        now = self._clock.now()
        calls.end(conn, invocation, ended, asked=asked, was_started=was_started, now=now)
        if ended.transition != "interrupt":  # the server's doing: it says nothing about the function
            store_minutes.add_call(conn, invocation, ended, now)
            first = metrics.minutes_of(invocation, now)[0]
            after_commit(conn, partial(self._past.drop, invocation.function, first))


def _fail_deployment(conn: Connection, name: str, error: TrainshedError, now: datetime) -> None:
    serves = store.get_function(conn, name).version is not None
    store.fire_function(conn, name, "kept" if serves else "failed", now=now, error=error.message)
    told = {"code": error.code, "reason": error.reason, "message": error.message}
    store_operations.end(conn, name, now=now, error=told)


def _busy(name: str) -> Aborted:
    return Aborted(
        f"An operation on {names.short(name)} is under way already; wait until that is done.", reason="DEPLOYING"
    )
