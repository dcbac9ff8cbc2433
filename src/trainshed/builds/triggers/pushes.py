"""The verbs of build triggers, and the look at a watched repository: every new commit gets a receipt.

The first sight of a repository is a baseline and builds nothing. Of several commits pushed together the last one is
built, the others are skipped and say so. Refs are remembered in the transaction that settles their receipts.
"""

import logging
import threading
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from sqlalchemy import Connection

from trainshed import ledger, names
from trainshed.builds import store
from trainshed.builds.config import Checked
from trainshed.builds.model import Build, Trigger
from trainshed.builds.ports import Feeds
from trainshed.builds.repositories import Repositories
from trainshed.builds.service import Service
from trainshed.builds.triggers import planning, rules
from trainshed.builds.triggers.events import TARGET
from trainshed.builds.triggers.planner import Way
from trainshed.builds.triggers.triggered import Triggered
from trainshed.clock import Clock
from trainshed.errors import AlreadyExists, FailedPrecondition, InvalidArgument, NotFound, TrainshedError
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

    def __init__(
        self, db: Database, clock: Clock, service: Service, repositories: Repositories, feeds: Feeds | None = None
    ) -> None:
        self._db = db
        self._clock = clock
        self._service = service
        self._repositories = repositories
        self._feeds = feeds
        self._triggered = Triggered(service, repositories)
        self._looking: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)  # by trigger

    def create(self, wanted: Mapping[str, Any], *, project: str, region: str) -> Trigger:
        """Store a trigger and see what its repository has now: a push right after is one. Raises AlreadyExists."""
        trigger_id = names.uid()
        checked = _with_outputs(planning.checked(wanted), project, trigger_id)
        values = {
            "id": trigger_id,
            "project": project,
            "region": region,
            "name": checked["name"],
            "document": checked,
            "create_time": self._clock.now(),
        }

        def verb(conn: Connection) -> Trigger:
            if not store.insert_trigger(conn, values):
                raise _taken(checked["name"])
            self._subscribe(conn, trigger_id, checked)
            return store.find_trigger(conn, project, region, trigger_id)

        return self._look_first(self._db.write(verb))

    def _look_first(self, trigger: Trigger) -> Trigger:
        """See what a trigger's repository has now, which is its baseline."""
        if rules.read(trigger.document).is_polled:
            try:
                self.poll(trigger)
            except TrainshedError as error:  # the first look that succeeds takes the baseline
                self.note_error(trigger, error)
        return trigger

    def get(self, name: str, *, project: str, region: str = "") -> Trigger:
        """Read a trigger by name or id. Raises NotFound."""
        return self._db.read(lambda conn: store.find_trigger(conn, project, region, name))

    def lacking(self, trigger: Trigger) -> Mapping[str, tuple[str, ...]]:
        """Answer the substitutions that nothing gives a value, by build config."""
        return self._triggered.lacking(trigger)

    def list(self, *, project: str = "", region: str = "") -> tuple[Trigger, ...]:
        """Read triggers by name."""
        return tuple(self._db.read(lambda conn: store.list_triggers(conn, project=project, region=region)))

    def page(
        self, *, project: str = "", region: str = "", limit: int = 100, page_token: str = ""
    ) -> tuple[tuple[Trigger, ...], str]:
        """Read a page of triggers by name, and the token of the next page."""
        after = str(names.read_page_token(page_token).get("after", ""))
        found = [t for t in self.list(project=project, region=region) if t.resource > after]
        found.sort(key=lambda t: t.resource)
        token = names.page_token(after=found[limit - 1].resource) if len(found) > limit else ""
        return tuple(found[:limit]), token

    def update(self, name: str, wanted: Mapping[str, Any], *, project: str, region: str = "") -> Trigger:
        """Replace a trigger's document. What was seen of its repository stays, unless it watches something else now.

        Raises NotFound, AlreadyExists, InvalidArgument.
        """
        found = self.get(name, project=project, region=region)
        kept = {k: found.document[k] for k in planning.OURS if k in found.document}
        merged = {k: v for k, v in {**kept, **wanted}.items() if v is not None}
        is_moved = rules.read(found.document).watched != rules.read(merged).watched
        if is_moved:  # what it watches now has a baseline of its own, which builds nothing
            merged = {k: v for k, v in merged.items() if k not in planning.SEEN}
        checked = _with_outputs(planning.checked(merged), found.project, found.trigger_id)

        def verb(conn: Connection) -> None:
            others = store.list_triggers(conn, project=found.project, region=found.region)
            if any(t.name == checked["name"] and t.trigger_id != found.trigger_id for t in others):
                raise _taken(checked["name"])
            store.update_trigger(conn, found.trigger_id, name=checked["name"], document=checked)
            if is_moved:
                store.forget_refs(conn, found.trigger_id)
            if (found.document.get("pubsubConfig") or {}) != (checked.get("pubsubConfig") or {}):
                self._unsubscribe(conn, found)
                self._subscribe(conn, found.trigger_id, checked)

        self._db.write(verb)
        changed = self.get(found.trigger_id, project=project, region=region)
        if is_moved:
            self._look_first(changed)
        return self.get(found.trigger_id, project=project, region=region)

    def delete(self, name: str, *, project: str, region: str = "") -> None:
        """Remove a trigger. Raises NotFound."""
        found = self.get(name, project=project, region=region)

        def verb(conn: Connection) -> None:
            self._unsubscribe(conn, found)
            store.delete_trigger(conn, found.trigger_id)

        self._db.write(verb)

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
        ref, sha = self._triggered.commit_of(trigger, revision)
        plan = {**(planning.by_hand().substitutions if planning.declares(trigger) else {}), **(substitutions or {})}
        build_id = names.uid()
        event = self._triggered.push_event(trigger, ref, "", sha) if sha else {}
        checked = self._triggered.check(trigger, build_id, ref=ref, sha=sha, plan=plan, event=event)
        return self._db.write(
            lambda conn: self._service.create_in(
                conn,
                checked,
                build_id=build_id,
                project=trigger.project,
                region=trigger.region,
                origin=trigger.origin,
            )
        )

    def watched(self) -> tuple[Trigger, ...]:
        """Answer the triggers that look at a repository."""
        return tuple(t for t in self.list() if not t.is_disabled and rules.read(t.document).is_polled)

    def note_error(self, trigger: Trigger, error: TrainshedError) -> None:
        """Keep why a repository could not be read; said once in the log."""
        if error.message != trigger.error:
            log.warning("Build trigger %s: %s", trigger.name, error.message, extra={"action": "repository_unreachable"})
            self._db.write(partial(store.update_trigger, trigger_id=trigger.trigger_id, error=error.message))

    def poll(self, trigger: Trigger) -> Outcome:
        """Look at a trigger's repository; receipts and builds for everything new. Raises FailedPrecondition."""
        with self._looking[trigger.trigger_id]:  # a webhook and the duty may come at the same time
            return self._look_around(trigger)

    def _look_around(self, trigger: Trigger) -> Outcome:
        watch = rules.read(trigger.document)
        refs = {r: s for r, s in self._repositories.refs(watch.repository).items() if rules.watches(watch, r)}
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

    def _baseline(self, trigger: Trigger, watch: rules.Watch, refs: Mapping[str, str]) -> Outcome:
        reason = "the repository was seen for the first time: the baseline, which builds nothing"

        def verb(conn: Connection) -> Outcome:
            for ref, sha in refs.items():
                store.see_ref(conn, trigger.trigger_id, ref, sha)
                self._receipt(conn, trigger, watch, ref, sha, "skip", reason)
            changed = {**trigger.document, "baseline": True, planning.BASELINE_REFS: dict(refs)}
            store.update_trigger(conn, trigger.trigger_id, document=changed)
            return Outcome(reasons=(reason,) * len(refs))

        return self._db.write(verb)

    def _look(self, watch: rules.Watch, ref: str, old: str, new: str, known: tuple[str, ...]) -> _Push:
        """Find out what a moved ref brings."""
        url = watch.repository
        if not new:
            return _Push(ref=ref, old=old, new="", reason=f"{rules.short_ref(ref)} was deleted")
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

    def _judge(self, trigger: Trigger, watch: rules.Watch, push: _Push) -> _Push:
        """Decide whether to build the tip, and check its build config."""
        if not push.new:
            return push
        verdict = rules.decide(watch, push.changed)
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
            event = self._triggered.push_event(trigger, push.ref, push.old, push.new)
            if refusal := self._triggered.refusal(trigger, push.ref, push.new, event):
                return replace(push, reason=refusal)
            checked = self._triggered.check(trigger, build_id, ref=push.ref, sha=push.new, plan=plan, event=event)
        except TrainshedError as error:
            return replace(push, transition="refuse", reason=error.message, plan=plan)
        what = f"commit {push.new[:7]}" + (f" touches {rules.some(touched)}" if touched else "")
        reason = f"started build {build_id[:8]} because {what} ({reason})"
        return replace(push, transition="start", reason=reason, plan=plan, checked=checked, build_id=build_id)

    def _plan(self, trigger: Trigger, watch: rules.Watch, push: _Push) -> planning.Planned:
        """Choose the cheapest way for a push."""
        found = self._db.read(lambda conn: store.list_builds(conn, trigger=trigger.resource, limit=_BUILDS))
        return planning.of_push(
            trigger,
            push.ref,
            builds=found,
            changed=lambda old: self._repositories.changed(watch.repository, old, push.new),
        )

    def _settle(self, conn: Connection, trigger: Trigger, watch: rules.Watch, pushes: Sequence[_Push]) -> Outcome:
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
                    origin=trigger.origin,
                )
                built.append(push.build_id)
            store.see_ref(conn, trigger.trigger_id, push.ref, push.new)
        return Outcome(builds=tuple(built), reasons=tuple(p.reason for p in pushes))

    def _receipt(
        self,
        conn: Connection,
        trigger: Trigger,
        watch: rules.Watch,
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
        watch = rules.read(trigger.document)
        self._repositories.fetch(watch.repository)
        plan = data.get("plan") or (planning.by_hand().substitutions if planning.declares(trigger) else {})
        build_id = names.uid()
        event = self._triggered.push_event(trigger, data["ref"], "", data["sha"])
        checked = self._triggered.check(trigger, build_id, ref=data["ref"], sha=data["sha"], plan=plan, event=event)

        def verb(conn: Connection) -> str:
            build = self._service.create_in(
                conn,
                checked,
                build_id=build_id,
                project=trigger.project,
                region=trigger.region,
                origin=trigger.origin,
            )
            now = self._clock.now()
            if receipt.state in {"STARTED", "JOINED"}:
                ledger.settle(conn, receipt.receipt_id, "reopen", now=now, reason="replayed")
            reason = f"started build {build_id[:8]} because commit {data['sha'][:7]} was replayed"
            ledger.settle(conn, receipt.receipt_id, "start", now=now, reason=reason, link=build.name)
            ledger.record_delivery(conn, receipt.receipt_id, now=now, outcome="started", reason=reason, link=build.name)
            return f"started {build.name}"

        return self._db.write(verb)

    def _subscribe(self, conn: Connection, trigger_id: str, document: Mapping[str, Any]) -> None:
        if wanted := document.get("pubsubConfig"):
            if self._feeds is None:
                raise FailedPrecondition("This server delivers no messages to build triggers.")
            try:
                self._feeds.subscribe(conn, wanted["subscription"], wanted["topic"], TARGET + trigger_id)
            except (InvalidArgument, NotFound) as error:
                raise error.at("pubsubConfig.topic") from error

    def _unsubscribe(self, conn: Connection, trigger: Trigger) -> None:
        if (found := trigger.document.get("pubsubConfig")) and self._feeds is not None:
            self._feeds.unsubscribe(conn, found["subscription"])


def _taken(name: str) -> AlreadyExists:
    return AlreadyExists(f"There is a build trigger {name!r} already.", reason="TRIGGER_EXISTS").at("name")


def _with_outputs(document: dict[str, Any], project: str, trigger_id: str) -> dict[str, Any]:
    """Answer a trigger's document with what the service sets in it."""
    if wanted := document.get("pubsubConfig"):
        subscription = f"projects/{project}/subscriptions/gcb-{trigger_id}"
        document = {**document, "pubsubConfig": {**wanted, "subscription": subscription, "state": "OK"}}
    if wanted := document.get("webhookConfig"):
        document = {**document, "webhookConfig": {**wanted, "state": "OK"}}
    return document
