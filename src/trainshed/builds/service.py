"""The verbs of builds: one transaction each, calling pure code and the store."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from trainshed import names
from trainshed.builds import config, filters, searching, store
from trainshed.builds.lifecycle import BUILD
from trainshed.builds.model import Build, Config, Origin, Progress, commit_of
from trainshed.builds.reports import Announce, Reports
from trainshed.builds.substitutions import OF_TRIGGERS
from trainshed.builds.workspace import Workspace
from trainshed.clock import Clock, rfc3339
from trainshed.errors import FailedPrecondition, NotFound
from trainshed.ledger import Cause
from trainshed.sql import Database

_PRINCIPAL = re.compile(r"build-([0-9a-f-]{36})@.+")
_APPROVABLE = timedelta(days=60)  # Google lets nobody approve a build that is older than two months
_NOBODY = Origin()
_AT_WORK = 20  # builds that are looked at, of those made before


class Service:
    """Builds: create, look, approve, cancel; `reports` is what running them says."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        *,
        folder: Path,
        project_number: str = names.PROJECT_NUMBER,
        announce: Announce = lambda _conn, _build: None,
    ) -> None:
        self._db = db
        self._clock = clock
        self._folder = folder
        self.reports = Reports(db, clock, announce)
        self.project_number = project_number

    def create(
        self,
        document: Mapping[str, Any],
        *,
        project: str,
        region: str,
        substitutions: Mapping[str, str] | None = None,
        of_trigger: Mapping[str, str] | None = None,
        origin: Origin = _NOBODY,
    ) -> Build:
        """Check a build document and queue it. Raises InvalidArgument with every finding."""
        build_id = names.uid()
        checked = self.check(document, build_id, project, region, substitutions, of_trigger)
        return self._db.write(
            lambda conn: self.create_in(conn, checked, build_id=build_id, project=project, region=region, origin=origin)
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
        self,
        conn: Connection,
        checked: config.Checked,
        *,
        build_id: str,
        project: str,
        region: str,
        origin: Origin = _NOBODY,
    ) -> Build:
        """Store a checked build and queue it, or let it wait for approval, in the caller's transaction."""
        now = self._clock.now()
        patience = _APPROVABLE if origin.needs_approval else timedelta(seconds=checked.config.queue_ttl_seconds)
        values = {
            "id": build_id,
            "project": project,
            "region": region,
            "document": dict(checked.document),
            "resolved": dict(checked.resolved),
            "substitutions": dict(checked.values),
            "trigger": origin.trigger,
            "trigger_id": origin.trigger_id,
            "commit_sha": commit_of(checked.values, checked.resolved),
            "ref": checked.values.get("BRANCH_NAME") or checked.values.get("TAG_NAME") or "",
            "approval": {"state": "PENDING", "config": {"approvalRequired": True}} if origin.needs_approval else None,
            "create_time": now,
            "expire_time": now + patience,
            "warnings": [str(w) for w in checked.warnings],
            "log_uri": self._log_uri(checked.config, build_id),
        }
        steps = ({"number": s.number, "step_id": s.id, "name": s.name} for s in checked.config.steps)
        store.insert_build(conn, values, steps)
        if not origin.needs_approval:
            store.fire_build(conn, build_id, "queue", now=now)
        return self.reports.changed(conn, build_id)

    def get(self, build_id: str, *, project: str = "") -> Build:
        """Read one build. Raises NotFound."""
        return self._of(self._db.read(lambda conn: store.get_build(conn, build_id)), project)

    def that_begin(self, text: str) -> Sequence[str]:
        """Answer a few of the builds whose identifier begins with a text, if that is long enough to mean one."""
        if not names.is_beginning(text):
            return []
        return self._db.read(lambda conn: store.that_begin(conn, text, most=names.MOST_CANDIDATES))

    def get_in(self, conn: Connection, build_id: str) -> Build:
        """Read one build in the caller's transaction. Raises NotFound."""
        return store.get_build(conn, build_id)

    def progress(self, build_ids: Sequence[str]) -> dict[str, Progress]:
        """Answer how far builds have come; what is gone is left out."""
        return self._db.read(lambda conn: store.progress(conn, build_ids))

    def list(
        self, *, project: str = "", region: str = "", filter_text: str = "", limit: int = 100, page_token: str = ""
    ) -> tuple[tuple[Build, ...], str]:
        """Read a page of builds, newest first, and the token of the next page."""
        project = "" if project in {"-", self.project_number} else project
        wanted = filters.read(filter_text, states=BUILD.states)
        states = filters.states_of(wanted)
        before = names.read_time_token(page_token)

        def query(conn: Connection) -> list[Build]:
            pages = store.builds_newest_first(conn, project=project, region=region, states=states, before=before)
            return list(islice((build for build in pages if wanted.matches(build.facts)), limit + 1))

        found = self._db.read(query)
        token = ""
        if len(found) > limit:
            last = found[limit - 1]
            token = names.time_token(last.create_time, last.build_id)
        return tuple(found[:limit]), token

    def newest(self, states: Sequence[str], *, limit: int) -> Sequence[Build]:
        """Read the newest builds in some states."""
        return self._db.read(lambda conn: store.list_builds(conn, states=states, limit=limit))

    def count(self, states: Sequence[str]) -> int:
        """Count the builds in some states."""
        return self._db.read(lambda conn: searching.count(conn, states))

    def seconds_since(self, since: datetime) -> Mapping[str, float]:
        """Add up how long the builds made since then have worked, by machine type."""
        return self._db.read(lambda conn: store.seconds_since(conn, since))

    def at_work(self, when: datetime) -> Sequence[Build]:
        """Read the builds that were at work at a time, without their steps; newest first."""
        return self._db.read(lambda conn: store.builds_at(conn, when, among=_AT_WORK))

    def search(self, wanted: searching.Search) -> tuple[Sequence[Build], str]:
        """Read a page of the builds that somebody looks for, without steps, and the token of the next one."""
        return self._db.read(lambda conn: searching.page(conn, wanted))

    def is_open_in(self, conn: Connection, build_id: str) -> bool:
        """Whether a build is there and goes on, in the caller's transaction."""
        try:
            return not store.get_build(conn, build_id).is_final
        except NotFound:
            return False

    def cancel(self, build_id: str, *, project: str = "") -> Build:
        """Cancel a build that has not ended; its processes are ended at once. Raises FailedPrecondition."""

        def verb(conn: Connection) -> Build:
            build = self._of(store.get_build(conn, build_id), project)
            if build.is_final:
                raise FailedPrecondition(
                    f"The build {build_id} has ended with {build.state}; there is nothing to cancel.",
                    reason="BUILD_NOT_CANCELLABLE",
                )
            now = self._clock.now()
            values = {"approval": {**build.approval, "state": "CANCELLED"}} if build.state == "PENDING" else {}
            store.fire_build(conn, build_id, "cancel", now=now, status_detail="cancelled on request", **values)
            store.abandon_steps(conn, build_id, now=now)
            return self.reports.changed(conn, build_id)

        return self._db.write(verb)

    def approve(
        self, build_id: str, *, approver: str, is_approved: bool, project: str = "", comment: str = "", url: str = ""
    ) -> Build:
        """Let a build that waits for approval into the queue, or end it. Raises FailedPrecondition."""
        decision = "APPROVED" if is_approved else "REJECTED"

        def verb(conn: Connection) -> Build:
            build, now = self._of(store.get_build(conn, build_id), project), self._clock.now()
            if build.state != "PENDING" or not build.approval:
                raise FailedPrecondition(
                    f"The build {build_id} is {build.state}; only a build that is PENDING can be approved or rejected.",
                    reason="BUILD_NOT_PENDING",
                )
            given = {"approverAccount": approver, "approvalTime": rfc3339(now), "decision": decision}
            result = given | {k: v for k, v in (("comment", comment), ("url", url)) if v}
            values: dict[str, Any] = {"approval": {**build.approval, "state": decision, "result": result}}
            if is_approved:
                wait = config.read(build.resolved, values=build.substitutions).queue_ttl_seconds
                store.fire_build(
                    conn, build_id, "approve", now=now, expire_time=now + timedelta(seconds=wait), **values
                )
            else:
                detail = f"rejected by {approver}" + (f": {comment}" if comment else "")
                store.fire_build(conn, build_id, "reject", now=now, status_detail=detail, **values)
                store.abandon_steps(conn, build_id, now=now)
            return self.reports.changed(conn, build_id)

        return self._db.write(verb)

    def retry(self, build_id: str, *, project: str = "") -> Build:
        """Queue a build of the same document and the same source."""
        build = self.get(build_id, project=project)
        given = {k: v for k, v in build.substitutions.items() if k.startswith("_")}
        of_trigger = {k: v for k, v in build.substitutions.items() if k in OF_TRIGGERS} if build.trigger else None
        return self.create(
            build.document,
            project=build.project,
            region=build.region,
            substitutions=given,
            of_trigger=of_trigger,
            origin=build.origin,
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
        if build.is_final:
            return None
        return Cause(key=build.build_id, kind="build", time=build.create_time, trigger=build.trigger)

    def workspace(self, build_id: str) -> Workspace:
        """Answer a build's folders."""
        return Workspace(self._folder / build_id)

    def left(self) -> Sequence[Workspace]:
        """Answer the folders of builds in which there is more than their logs."""
        working = self.reports.working()
        found = [path.parent for path in self._folder.glob("*/workspace")]
        return [Workspace(folder) for folder in found if folder.name not in working]

    def _of(self, build: Build, project: str) -> Build:
        if project not in {"", "-", build.project, self.project_number}:
            raise NotFound(f"There is no build {build.build_id!r} in project {project!r}.", reason="BUILD_NOT_FOUND")
        return build

    def _log_uri(self, wanted: Config, build_id: str) -> str:
        if wanted.logging == "NONE":
            return ""
        bucket = wanted.logs_bucket or f"gs://{self.project_number}.cloudbuild-logs.googleusercontent.com"
        bucket = bucket if bucket.startswith("gs://") else f"gs://{bucket}"
        return f"{bucket.rstrip('/')}/log-{build_id}.txt"
