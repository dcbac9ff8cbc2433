"""The verbs of build triggers, and the look at a watched repository: every new commit gets a receipt.

The first sight of a repository is a baseline and builds nothing. Of several commits pushed together the last one is
built, the others are skipped and say so. Refs are remembered in the transaction that settles their receipts.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from sqlalchemy import Connection

from trainshed import ledger, names
from trainshed.builds import document, planning, store, triggers
from trainshed.builds.config import Checked
from trainshed.builds.model import Build, Trigger
from trainshed.builds.planner import Way
from trainshed.builds.repositories import Repositories
from trainshed.builds.service import Service
from trainshed.clock import Clock
from trainshed.errors import AlreadyExists, FailedPrecondition, InvalidArgument, TrainshedError
from trainshed.sql import Database

log = logging.getLogger(__name__)
_COMMITS = 500
_BUILDS = 100  # so far back the planner looks for one that succeeded


@dataclass(frozen=True, kw_only=True)
class _Push:
    """What happened to one ref since the last look."""

    ref: str
    old: str  # empty: the ref is new
    new: str  # empty: the ref is gone
    skipped: tuple[str, ...] = ()  # commits below the tip
    changed: tuple[str, ...] | None = None
    note: str = ""
    plan: Mapping[str, str] = field(default_factory=dict)  # substitutions that say how much of the build is needed
    checked: Checked | None = None
    build_id: str = ""
    transition: str = "skip"
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a look at a repository led to."""

    builds: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()


class Triggers:
    """Build triggers of all projects."""

    def __init__(self, db: Database, clock: Clock, service: Service, repositories: Repositories) -> None:
        self._db = db
        self._clock = clock
        self._service = service
        self._repositories = repositories

    def create(self, wanted: Mapping[str, Any], *, project: str, region: str) -> Trigger:
        """Store a trigger and see what its repository has now: a push right after is one. Raises AlreadyExists."""
        checked = planning.checked(wanted)
        values = {
            "id": names.uid(),
            "project": project,
            "region": region,
            "name": checked["name"],
            "document": checked,
            "create_time": self._clock.now(),
        }

        def verb(conn: Connection) -> Trigger:
            if not store.insert_trigger(conn, values):
                raise AlreadyExists(f"There is a build trigger {checked['name']!r} already.", reason="TRIGGER_EXISTS")
            return store.find_trigger(conn, project, region, checked["name"])

        trigger = self._db.write(verb)
        if triggers.read(trigger.document).repository:
            try:
                self.poll(trigger)
            except TrainshedError as error:  # the first look that succeeds takes the baseline
                self.note_error(trigger, error)
        return trigger

    def get(self, name: str, *, project: str, region: str = "") -> Trigger:
        """Read a trigger by name or id. Raises NotFound."""
        return self._db.read(lambda conn: store.find_trigger(conn, project, region, name))

    def list(self, *, project: str = "", region: str = "") -> tuple[Trigger, ...]:
        """Read triggers by name."""
        return tuple(self._db.read(lambda conn: store.list_triggers(conn, project=project, region=region)))

    def update(self, name: str, wanted: Mapping[str, Any], *, project: str, region: str = "") -> Trigger:
        """Replace a trigger's document; what was seen of its repository stays."""
        found = self.get(name, project=project, region=region)
        kept = {k: found.document[k] for k in planning.OURS if k in found.document}
        checked = planning.checked({**kept, **wanted})
        self._db.write(
            partial(store.update_trigger, trigger_id=found.trigger_id, name=checked["name"], document=checked)
        )
        return self.get(found.trigger_id, project=project, region=region)

    def delete(self, name: str, *, project: str, region: str = "") -> None:
        """Remove a trigger. Raises NotFound."""
        found = self.get(name, project=project, region=region)
        self._db.write(partial(store.delete_trigger, trigger_id=found.trigger_id))

    def run(
        self,
        name: str,
        *,
        project: str,
        region: str = "",
        revision: str = "",
        substitutions: Mapping[str, str] | None = None,
    ) -> Build:
        """Build a trigger's branch, tag or commit now, whatever its patterns say. Raises what the config has wrong."""
        trigger = self.get(name, project=project, region=region)
        watch = triggers.read(trigger.document)
        ref, sha = "", ""
        if watch.repository:
            branch = revision or (watch.branch.strip("^$") if watch.branch.strip("^$").isidentifier() else "")
            sha = self._repositories.resolve(watch.repository, branch)
            refs = self._repositories.refs(watch.repository)
            ref = next((r for r in refs if triggers.short_ref(r) == branch), "")
        plan = {**(planning.by_hand().substitutions if planning.declares(trigger) else {}), **(substitutions or {})}
        wanted, of_trigger = self._document(trigger, watch, ref, sha, plan)
        return self._service.create(
            wanted,
            project=trigger.project,
            region=trigger.region,
            substitutions=planning.given(trigger, plan),
            of_trigger=of_trigger,
            trigger=trigger.resource,
        )

    def watched(self) -> tuple[Trigger, ...]:
        """Answer the triggers that look at a repository."""
        return tuple(t for t in self.list() if not t.is_disabled and triggers.read(t.document).repository)

    def note_error(self, trigger: Trigger, error: TrainshedError) -> None:
        """Keep why a repository could not be read; said once in the log."""
        if error.message != trigger.error:
            log.warning("Build trigger %s: %s", trigger.name, error.message, extra={"action": "repository_unreachable"})
            self._db.write(partial(store.update_trigger, trigger_id=trigger.trigger_id, error=error.message))

    def poll(self, trigger: Trigger) -> Outcome:
        """Look at a trigger's repository; receipts and builds for everything new. Raises FailedPrecondition."""
        watch = triggers.read(trigger.document)
        refs = {r: s for r, s in self._repositories.refs(watch.repository).items() if triggers.watches(watch, r)}
        seen = self._db.read(lambda conn: store.seen_refs(conn, trigger.trigger_id))
        if trigger.error:
            self._db.write(partial(store.update_trigger, trigger_id=trigger.trigger_id, error=""))
        if not self._has_baseline(trigger, seen):
            return self._baseline(trigger, watch, refs)
        moved = [r for r in {**seen, **refs} if seen.get(r) != refs.get(r)]
        if not moved:
            return Outcome()
        self._repositories.fetch(watch.repository)
        known = tuple(seen.values())
        pushes = [
            self._judge(trigger, watch, self._look(watch, r, seen.get(r, ""), refs.get(r, ""), known)) for r in moved
        ]
        return self._db.write(lambda conn: self._settle(conn, trigger, watch, pushes))

    def _has_baseline(self, trigger: Trigger, seen: Mapping[str, str]) -> bool:
        """Tell whether the repository was seen before; also when no ref matched then."""
        return bool(seen) or bool(trigger.document.get("baseline"))

    def _baseline(self, trigger: Trigger, watch: triggers.Watch, refs: Mapping[str, str]) -> Outcome:
        reason = "the repository was seen for the first time: the baseline, which builds nothing"

        def verb(conn: Connection) -> Outcome:
            for ref, sha in refs.items():
                store.see_ref(conn, trigger.trigger_id, ref, sha)
                self._receipt(conn, trigger, watch, ref, sha, "skip", reason)
            changed = {**trigger.document, "baseline": True, planning.BASELINE_REFS: dict(refs)}
            store.update_trigger(conn, trigger.trigger_id, document=changed)
            return Outcome(reasons=(reason,) * len(refs))

        return self._db.write(verb)

    def _look(self, watch: triggers.Watch, ref: str, old: str, new: str, known: tuple[str, ...]) -> _Push:
        """Find out what a moved ref brings."""
        url = watch.repository
        if not new:
            return _Push(ref=ref, old=old, new="", reason=f"{triggers.short_ref(ref)} was deleted")
        if ref.startswith("refs/tags/"):
            return _Push(ref=ref, old=old, new=new, changed=None, note="moved tag" if old else "new tag")
        if not old:
            fork = self._repositories.fork_point(url, new, known)
            changed = tuple(self._repositories.changed(url, fork, new)) if fork != new else None
            return _Push(ref=ref, old="", new=new, changed=changed, note="new branch")
        changed = tuple(self._repositories.changed(url, old, new))
        commits = tuple(self._repositories.commits(url, old, new))[-_COMMITS:]
        note = "" if self._repositories.is_ancestor(url, old, new) else "force-push"
        return _Push(ref=ref, old=old, new=new, skipped=commits[:-1], changed=changed, note=note)

    def _judge(self, trigger: Trigger, watch: triggers.Watch, push: _Push) -> _Push:
        """Decide whether to build the tip, and check its build config."""
        if not push.new:
            return push
        verdict = triggers.decide(watch, push.changed)
        reason = f"{push.note}: {verdict.reason}" if push.note else verdict.reason
        if not verdict.builds:
            return replace(push, reason=reason)
        build_id, plan, touched = names.uid(), {}, push.changed or ()
        if planning.declares(trigger):
            planned = self._plan(trigger, watch, push)
            if planned.way is Way.NOTHING:
                return replace(push, reason=planned.reason)
            plan, reason = planned.substitutions, planned.said(touched, note=push.note)
            touched = planned.touched(touched)
        try:
            wanted, of_trigger = self._document(trigger, watch, push.ref, push.new, plan)
            given = planning.given(trigger, plan)
            checked = self._service.check(wanted, build_id, trigger.project, trigger.region, given, of_trigger)
        except TrainshedError as error:
            return replace(push, transition="refuse", reason=error.message, plan=plan)
        what = f"commit {push.new[:7]}" + (f" touches {triggers.some(touched)}" if touched else "")
        reason = f"started build {build_id[:8]} because {what} ({reason})"
        return replace(push, transition="start", reason=reason, plan=plan, checked=checked, build_id=build_id)

    def _plan(self, trigger: Trigger, watch: triggers.Watch, push: _Push) -> planning.Planned:
        """Choose the cheapest way for a push."""
        found = self._db.read(lambda conn: store.list_builds(conn, trigger=trigger.resource, limit=_BUILDS))
        return planning.of_push(
            trigger,
            push.ref,
            builds=found,
            changed=lambda old: self._repositories.changed(watch.repository, old, push.new),
        )

    def _settle(self, conn: Connection, trigger: Trigger, watch: triggers.Watch, pushes: Sequence[_Push]) -> Outcome:
        """Write receipts, builds and what was seen, together."""
        built: list[str] = []
        for push in pushes:
            for sha in push.skipped:
                reason = f"pushed together with {push.new[:7]}, which is the one to build"
                self._receipt(conn, trigger, watch, push.ref, sha, "skip", reason)
            is_new = self._receipt(
                conn,
                trigger,
                watch,
                push.ref,
                push.new or "deleted",
                push.transition,
                push.reason,
                push.build_id,
                push.plan,
            )
            if push.checked is not None and is_new:
                self._service.create_in(
                    conn,
                    push.checked,
                    build_id=push.build_id,
                    project=trigger.project,
                    region=trigger.region,
                    trigger=trigger.resource,
                )
                built.append(push.build_id)
            store.see_ref(conn, trigger.trigger_id, push.ref, push.new)
        return Outcome(builds=tuple(built), reasons=tuple(p.reason for p in pushes))

    def _receipt(
        self,
        conn: Connection,
        trigger: Trigger,
        watch: triggers.Watch,
        ref: str,
        sha: str,
        transition: str,
        reason: str,
        build_id: str = "",
        plan: Mapping[str, str] | None = None,
    ) -> bool:
        """Open and settle the receipt of a commit; False when that commit of that ref had one already."""
        now = self._clock.now()
        receipt, is_new = ledger.open_receipt(
            conn,
            trigger=trigger.resource,
            kind="commit",
            stimulus=f"{watch.repository}@{ref}@{sha}",
            now=now,
            data={"repository": watch.repository, "ref": ref, "sha": sha, **({"plan": dict(plan)} if plan else {})},
        )
        link = f"projects/{trigger.project}/locations/{trigger.region}/builds/{build_id}" if build_id else ""
        if is_new:
            ledger.settle(conn, receipt.receipt_id, transition, now=now, reason=reason, link=link)
        outcome = {"start": "started", "skip": "skipped", "refuse": "refused"}[transition] if is_new else "known"
        ledger.record_delivery(conn, receipt.receipt_id, now=now, outcome=outcome, reason=reason, link=link)
        return is_new

    def replay(self, receipt: ledger.Receipt) -> str:
        """Build the commit of a receipt again; answer what was done. Raises what its config has wrong."""
        data = receipt.data
        parts = names.parse("projects/{project}/locations/{region}/triggers/{trigger}", receipt.trigger)
        trigger = self.get(parts["trigger"], project=parts["project"], region=parts["region"])
        if data.get("sha") in {"", "deleted"}:
            raise FailedPrecondition("A deleted ref has nothing to build.")
        watch = triggers.read(trigger.document)
        self._repositories.fetch(watch.repository)
        plan = data.get("plan") or (planning.by_hand().substitutions if planning.declares(trigger) else {})
        wanted, of_trigger = self._document(trigger, watch, data["ref"], data["sha"], plan)
        build_id, given = names.uid(), planning.given(trigger, plan)
        checked = self._service.check(wanted, build_id, trigger.project, trigger.region, given, of_trigger)

        def verb(conn: Connection) -> str:
            build = self._service.create_in(
                conn,
                checked,
                build_id=build_id,
                project=trigger.project,
                region=trigger.region,
                trigger=trigger.resource,
            )
            now = self._clock.now()
            if receipt.state in {"STARTED", "JOINED"}:
                ledger.settle(conn, receipt.receipt_id, "reopen", now=now, reason="replayed")
            reason = f"started build {build_id[:8]} because commit {data['sha'][:7]} was replayed"
            ledger.settle(conn, receipt.receipt_id, "start", now=now, reason=reason, link=build.name)
            ledger.record_delivery(conn, receipt.receipt_id, now=now, outcome="started", reason=reason, link=build.name)
            return f"started {build.name}"

        return self._db.write(verb)

    def _document(
        self, trigger: Trigger, watch: triggers.Watch, ref: str, sha: str, plan: Mapping[str, str]
    ) -> tuple[dict[str, Any], dict[str, str]]:
        """Answer the build document of a commit and the trigger's substitutions. Raises InvalidArgument."""
        wanted = dict(trigger.document.get("build") or {})
        path = ""
        if not wanted:
            if not watch.repository:
                raise InvalidArgument.field("build", "the trigger has neither a build nor a repository")
            candidates = [planning.in_name(name, plan) for name in triggers.config_names(watch)]
            for path in candidates:
                text = self._repositories.file(watch.repository, sha, path)
                if text is not None:
                    wanted = document.load(text, where=f"{path} at {sha[:7]}")
                    break
            else:
                tried = ", ".join(candidates)
                raise InvalidArgument.field("filename", f"there is no {tried} at commit {sha[:7]}")
        if watch.repository:
            wanted["source"] = {"gitSource": {"url": watch.repository, "revision": sha}}
        return wanted, _substitutions(trigger, watch, ref, sha, path)


def _substitutions(trigger: Trigger, watch: triggers.Watch, ref: str, sha: str, path: str) -> dict[str, str]:
    full = "/".join(watch.repository.removesuffix(".git").rstrip("/").replace(":", "/").split("/")[-2:])
    short = triggers.short_ref(ref)
    return {
        "TRIGGER_NAME": trigger.name,
        "COMMIT_SHA": sha,
        "REVISION_ID": sha,
        "SHORT_SHA": sha[:7],
        "REPO_NAME": full.rpartition("/")[2],
        "REPO_FULL_NAME": full,
        "BRANCH_NAME": short if ref.startswith("refs/heads/") else "",
        "TAG_NAME": short if ref.startswith("refs/tags/") else "",
        "REF_NAME": short,
        "TRIGGER_BUILD_CONFIG_PATH": path,
    }
