"""What running a build reports: one transaction each."""

import base64
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import Connection

from trainshed.builds import config, store
from trainshed.builds.model import Build, Config
from trainshed.clock import Clock, rfc3339
from trainshed.errors import StaleState
from trainshed.sql import Database

Announce = Callable[[Connection, Build], None]  # said in the transaction that changes a build's state


class Reports:
    """Which builds are next, and what becomes of those that run."""

    def __init__(self, db: Database, clock: Clock, announce: Announce) -> None:
        self._db = db
        self._clock = clock
        self._announce = announce

    def waiting(self, limit: int) -> tuple[str, ...]:
        """Answer the queued builds that are next."""
        return tuple(self._db.read(lambda conn: store.waiting(conn, limit)))

    def working(self) -> tuple[str, ...]:
        """Answer the builds whose row says that they run."""
        found = self._db.read(lambda conn: store.list_builds(conn, states=("WORKING",), limit=10_000))
        return tuple(b.build_id for b in found)

    def expire(self) -> None:
        """End the builds that have waited too long."""
        now = self._clock.now()
        for build_id in self._db.read(lambda conn: store.overdue(conn, now)):
            detail = "queueTtl passed before the build could start"
            self.finish(build_id, "expire", detail=detail)

    def start(self, build_id: str) -> tuple[Build, Config]:
        """Let a build begin. Raises StaleState when somebody cancelled it."""
        now = self._clock.now()

        def verb(conn: Connection) -> Build:
            store.fire_build(conn, build_id, "start", now=now, start_time=now)
            return self.changed(conn, build_id)

        build = self._db.write(verb)
        return build, config.read(build.resolved, values=build.substitutions)

    def begin_step(self, build_id: str, number: int) -> None:
        """Note that a step starts."""
        now = self._clock.now()
        self._db.write(
            partial(store.fire_step, build_id=build_id, number=number, name="begin", now=now, start_time=now)
        )

    def end_step(
        self, build_id: str, number: int, transition: str, *, when: datetime, exit_code: int | None, output: bytes = b""
    ) -> None:
        """Note how a step ended, and when."""
        values = {"exit_code": exit_code, "output": base64.b64encode(output).decode()}
        self._db.write(lambda conn: store.fire_step(conn, build_id, number, transition, now=when, **values))

    def phase(self, build_id: str, name: str, start: datetime, end: datetime) -> None:
        """Note how long a phase took."""

        def verb(conn: Connection) -> None:
            timing = dict(store.get_build(conn, build_id).timing)
            timing[name] = {"startTime": rfc3339(start), "endTime": rfc3339(end)}
            store.set_values(conn, build_id, timing=timing)

        self._db.write(verb)

    def finish(
        self,
        build_id: str,
        transition: str,
        *,
        detail: str = "",
        failure: Mapping[str, str] | None = None,
        results: Mapping[str, Any] | None = None,
    ) -> bool:
        """Note how a build ended; False when it had ended otherwise before."""

        def verb(conn: Connection) -> None:
            now = self._clock.now()
            store.abandon_steps(conn, build_id, now=now)
            store.fire_build(
                conn,
                build_id,
                transition,
                now=now,
                status_detail=detail,
                failure=dict(failure or {}) or None,
                results=dict(results or {}) or None,
            )
            self.changed(conn, build_id)

        try:
            self._db.write(verb)
        except StaleState:
            return False
        return True

    def changed(self, conn: Connection, build_id: str) -> Build:
        """Announce a build as it is now, in the caller's transaction; answer it."""
        build = store.get_build(conn, build_id)
        self._announce(conn, build)
        return build
