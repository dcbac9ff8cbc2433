"""The verbs of builds: one transaction each, calling pure code and the store."""

import base64
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from trainshed import names
from trainshed.builds import config, store
from trainshed.builds.lifecycle import BUILD
from trainshed.builds.model import Build, Config
from trainshed.builds.substitutions import OF_TRIGGERS
from trainshed.builds.workspace import Workspace
from trainshed.clock import Clock, rfc3339
from trainshed.errors import FailedPrecondition, InvalidArgument, NotFound, StaleState
from trainshed.ledger import Cause
from trainshed.sql import Database

_PRINCIPAL = re.compile(r"build-([0-9a-f-]{36})@.+")
_FILTER = re.compile(r'\s*(status|trigger_id|trigger|id)\s*=\s*"?([\w./-]+)"?\s*')


class Service:
    """Builds: create, look, cancel; and what their execution reports."""

    def __init__(self, db: Database, clock: Clock, *, folder: Path, project_number: str = names.PROJECT_NUMBER) -> None:
        self._db = db
        self._clock = clock
        self._folder = folder
        self.project_number = project_number

    # What users ask for

    def create(
        self,
        document: Mapping[str, Any],
        *,
        project: str,
        region: str,
        substitutions: Mapping[str, str] | None = None,
        of_trigger: Mapping[str, str] | None = None,
        trigger: str = "",
    ) -> Build:
        """Check a build document and queue it. Raises InvalidArgument with every finding."""
        build_id = names.uid()
        checked = self.check(document, build_id, project, region, substitutions, of_trigger)
        return self._db.write(
            lambda conn: self.create_in(
                conn, checked, build_id=build_id, project=project, region=region, trigger=trigger
            )
        )

    def check(
        self,
        document: Mapping[str, Any],
        build_id: str,
        project: str,
        region: str,
        substitutions: Mapping[str, str] | None = None,
        of_trigger: Mapping[str, str] | None = None,
    ) -> config.Checked:
        """Check a document; `of_trigger` are the substitutions of a triggered build, which is loose and dynamic."""
        built_in = {
            "PROJECT_ID": project,
            "BUILD_ID": build_id,
            "PROJECT_NUMBER": self.project_number,
            "LOCATION": region,
            "SERVICE_ACCOUNT_EMAIL": f"{self.project_number}@cloudbuild.gserviceaccount.com",
            **(of_trigger or {}),
        }
        own = {**(document.get("substitutions") or {}), **(substitutions or {})}
        built_in = {k: v for k, v in built_in.items() if k not in own or k not in OF_TRIGGERS}
        return config.check(document, built_in=built_in, given=substitutions, is_triggered=of_trigger is not None)

    def create_in(
        self, conn: Connection, checked: config.Checked, *, build_id: str, project: str, region: str, trigger: str = ""
    ) -> Build:
        """Store a checked build and queue it, in the caller's transaction."""
        now = self._clock.now()
        values = {
            "id": build_id,
            "project": project,
            "region": region,
            "document": dict(checked.document),
            "resolved": dict(checked.resolved),
            "substitutions": dict(checked.values),
            "trigger": trigger,
            "create_time": now,
            "expire_time": now + timedelta(seconds=checked.config.queue_ttl_seconds),
            "warnings": [str(w) for w in checked.warnings],
            "log_uri": self._log_uri(checked.config, build_id),
        }
        steps = ({"number": s.number, "step_id": s.id, "name": s.name} for s in checked.config.steps)
        store.insert_build(conn, values, steps)
        store.fire_build(conn, build_id, "queue", now=now)
        return store.get_build(conn, build_id)

    def get(self, build_id: str, *, project: str = "") -> Build:
        """Read one build. Raises NotFound."""
        build = self._db.read(lambda conn: store.get_build(conn, build_id))
        if project and project not in {build.project, self.project_number}:
            raise NotFound(f"There is no build {build_id!r} in project {project!r}.", reason="BUILD_NOT_FOUND")
        return build

    def list(
        self, *, project: str = "", region: str = "", filter_text: str = "", limit: int = 100, page_token: str = ""
    ) -> tuple[tuple[Build, ...], str]:
        """Read a page of builds, newest first, and the token of the next page."""
        wanted = _read_filter(filter_text)
        position = names.read_page_token(page_token)
        before = (datetime.fromisoformat(position["time"]), str(position["id"])) if position else None
        if "id" in wanted:
            return (self.get(wanted["id"], project=project),), ""
        found = self._db.read(
            lambda conn: store.list_builds(
                conn,
                project=project,
                region=region,
                trigger=wanted.get("trigger", ""),
                states=(wanted["status"],) if "status" in wanted else (),
                limit=limit + 1,
                before=before,
            )
        )
        token = ""
        if len(found) > limit:
            last = found[limit - 1]
            token = names.page_token(time=last.create_time.isoformat(), id=last.build_id)
        return tuple(found[:limit]), token

    def is_open_in(self, conn: Connection, build_id: str) -> bool:
        """Whether a build is there and goes on, in the caller's transaction."""
        try:
            return not store.get_build(conn, build_id).is_final
        except NotFound:
            return False

    def cancel(self, build_id: str) -> Build:
        """Cancel a build that has not ended; its processes are ended at once. Raises FailedPrecondition."""

        def verb(conn: Connection) -> Build:
            build = store.get_build(conn, build_id)
            if build.is_final:
                raise FailedPrecondition(
                    f"The build {build_id} has ended with {build.state}; there is nothing to cancel.",
                    reason="BUILD_NOT_CANCELLABLE",
                )
            now = self._clock.now()
            store.fire_build(conn, build_id, "cancel", now=now, status_detail="cancelled on request")
            store.abandon_steps(conn, build_id, now=now)
            return store.get_build(conn, build_id)

        return self._db.write(verb)

    def retry(self, build_id: str) -> Build:
        """Queue a build of the same document and the same source."""
        build = self.get(build_id)
        given = {k: v for k, v in build.substitutions.items() if k.startswith("_")}
        of_trigger = {k: v for k, v in build.substitutions.items() if k in OF_TRIGGERS} if build.trigger else None
        return self.create(
            build.document,
            project=build.project,
            region=build.region,
            substitutions=given,
            of_trigger=of_trigger,
            trigger=build.trigger,
        )

    def cause_of(self, principal: str) -> Cause | None:
        """Answer why a caller asks, when it is a step of a build that runs."""
        match = _PRINCIPAL.fullmatch(principal)
        if match is None:
            return None
        try:
            build = self.get(match[1])
        except NotFound:
            return None
        return None if build.is_final else Cause(key=build.build_id, kind="build", time=build.create_time)

    def workspace(self, build_id: str) -> Workspace:
        """Answer a build's folders."""
        return Workspace(self._folder / build_id)

    # What the execution reports

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
            return store.get_build(conn, build_id)

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

        try:
            self._db.write(verb)
        except StaleState:
            return False
        return True

    def _log_uri(self, wanted: Config, build_id: str) -> str:
        if wanted.logging == "NONE":
            return ""
        bucket = wanted.logs_bucket or f"gs://{self.project_number}.cloudbuild-logs.googleusercontent.com"
        bucket = bucket if bucket.startswith("gs://") else f"gs://{bucket}"
        return f"{bucket.rstrip('/')}/log-{build_id}.txt"


def _read_filter(text: str) -> dict[str, str]:
    """Read `status="WORKING" AND trigger_id="X"`. Raises InvalidArgument."""
    found: dict[str, str] = {}
    for part in re.split(r"\s+AND\s+", text.strip()) if text.strip() else []:
        match = _FILTER.fullmatch(part)
        if match is None:
            raise InvalidArgument.field(
                "filter", f'{part!r} is not understood; write status="WORKING", trigger_id="…", joined by AND'
            )
        found["trigger" if match[1] == "trigger_id" else match[1]] = match[2]
    if found.get("status", BUILD.states[0]) not in BUILD.states:
        raise InvalidArgument.field("filter", f"{found['status']!r} is not a status: {', '.join(BUILD.states)}")
    return found
