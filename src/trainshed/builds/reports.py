"""What running a build reports: one transaction each."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from sqlalchemy import Connection

from trainshed.builds import config, store
from trainshed.builds.endings import Ending, StepNote
from trainshed.builds.lifecycle import STEP
from trainshed.builds.model import Build, Config
from trainshed.clock import Clock
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
            self.finish(build_id, Ending(transition="expire", when=now, detail=detail))

    def start(self, build_id: str) -> tuple[Build, Config]:
        """Let a build begin. Raises StaleState when somebody cancelled it."""
        now = self._clock.now()

        def verb(conn: Connection) -> Build:
            store.fire_build(conn, build_id, "start", now=now, start_time=now)
            return self.changed(conn, build_id)

        build = self._db.write(verb)
        return build, config.read(build.resolved, values=build.substitutions)

    def note_steps(self, build_id: str, notes: Sequence[StepNote]) -> None:
        """Write what became of steps so far; what is written already, or was abandoned, stays."""
        self._db.write(partial(_note, build_id=build_id, notes=notes))

    def phase(self, build_id: str, timing: Mapping[str, Any]) -> None:
        """Write how long phases took."""

        def verb(conn: Connection) -> None:
            store.set_values(conn, build_id, timing={**store.get_build(conn, build_id).timing, **timing})

        self._db.write(verb)

    def finish(self, build_id: str, ending: Ending) -> bool:
        """Write how a build ended, with all that was not written of it before; False when it had ended otherwise."""

        def verb(conn: Connection) -> None:
            _note(conn, build_id, ending.steps)
            store.abandon_steps(conn, build_id, now=ending.when)
            store.fire_build(
                conn,
                build_id,
                ending.transition,
                now=ending.when,
                status_detail=ending.detail,
                failure=dict(ending.failure) or None,
                results=dict(ending.results) or None,
                timing={**store.get_build(conn, build_id).timing, **ending.timing},
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


def _note(conn: Connection, build_id: str, notes: Sequence[StepNote]) -> None:
    states = {step.number: step.state for step in store.steps_of(conn, build_id)}
    for note in notes:
        if states[note.number] == "QUEUED":
            begun = {"now": note.start_time, "start_time": note.start_time}
            store.fire_step(conn, build_id, note.number, "begin", **begun)
        if note.end_time is not None and not STEP.is_final(states[note.number]):
            values = {"exit_code": note.exit_code, "output": note.output}
            store.fire_step(conn, build_id, note.number, note.transition, now=note.end_time, **values)
