"""The look at a watched repository: every new commit gets a receipt, and the build that it should have.

The first sight of a repository is a baseline and builds nothing. Of several commits pushed together the last one is
built, the others are skipped and say so. Refs are remembered in the transaction that settles their receipts.
"""

import logging
import threading
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from sqlalchemy import Connection

from trainshed import ledger
from trainshed.builds.repositories import Repositories
from trainshed.builds.store import list_builds
from trainshed.builds.triggers import planning, rules, store
from trainshed.builds.triggers.model import Trigger
from trainshed.builds.triggers.planner import Way
from trainshed.builds.triggers.triggered import Ready, Triggered
from trainshed.clock import Clock
from trainshed.errors import FailedPrecondition, NotFound, TrainshedError
from trainshed.sql import Database

log = logging.getLogger(__name__)
_COMMITS = 500  # of one push get receipts of their own
_BUILDS = 100  # so far back the planner looks for one that succeeded
_GONE = "deleted"  # stands for the commit of a ref that is gone


@dataclass(frozen=True, kw_only=True)
class _Push:
    """What happened to one ref since the last look, and what is to become of it."""

    ref: str
    old: str  # empty: the ref is new
    new: str  # empty: the ref is gone
    skipped: tuple[str, ...] = ()  # commits below the tip
    changed: tuple[str, ...] | None = None
    note: str = ""
    plan: Mapping[str, str] = field(default_factory=dict)  # substitutions that say how much of the build is needed
    ready: Ready | None = None  # the build to start
    transition: str = "skip"
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class _Commit:
    """What the receipt of one commit is to say."""

    ref: str
    sha: str
    reason: str
    transition: str = "skip"
    link: str = ""
    plan: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a look at a repository led to."""

    builds: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()


class Pushes:
    """What is pushed to the repositories that build triggers watch."""

    def __init__(self, db: Database, clock: Clock, triggered: Triggered, repositories: Repositories) -> None:
        self._db = db
        self._clock = clock
        self._triggered = triggered
        self._repositories = repositories
        self._looking: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)  # by trigger

    def watched(self) -> tuple[Trigger, ...]:
        """Answer the triggers that look at a repository."""
        found = self._db.read(store.list_triggers)
        return tuple(t for t in found if not t.is_disabled and rules.read(t.document).is_polled)

    def look_first(self, trigger: Trigger) -> Trigger:
        """See what a trigger's repository has now, which is its baseline."""
        if rules.read(trigger.document).is_polled:
            try:
                self.poll(trigger)
            except TrainshedError as error:  # the first look that succeeds takes the baseline
                self.note_error(trigger, error)
        return trigger

    def poll(self, trigger: Trigger) -> Outcome:
        """Look at a trigger's repository; receipts and builds for everything new. Raises FailedPrecondition."""
        with self._looking[trigger.trigger_id]:  # a webhook and the duty may come at the same time
            return self._poll(trigger)

    def note_error(self, trigger: Trigger, error: TrainshedError) -> None:
        """Keep why a repository could not be read; said once in the log."""
        if error.message != trigger.error:
            log.warning("Build trigger %s: %s", trigger.name, error.message, extra={"action": "repository_unreachable"})
            self._db.write(partial(store.update_trigger, trigger_id=trigger.trigger_id, error=error.message))

    def replay(self, receipt: ledger.Receipt) -> str:
        """Build the commit of a receipt again; answer what was done. Raises what its config has wrong."""
        data = receipt.data
        trigger = self._db.read(lambda conn: store.named(conn, receipt.trigger))
        if data.get("sha") in {"", _GONE}:
            raise FailedPrecondition("A deleted ref has nothing to build.")
        self._repositories.fetch(rules.read(trigger.document).repository)
        plan = data.get("plan") or planning.substitutions_by_hand(trigger)
        event = self._triggered.push_event(trigger, data["ref"], "", data["sha"])
        ready = self._triggered.check(trigger, ref=data["ref"], sha=data["sha"], plan=plan, event=event)

        def verb(conn: Connection) -> str:
            self._triggered.create_in(conn, ready)
            now = self._clock.now()
            if receipt.has_begun:
                ledger.settle(conn, receipt.receipt_id, "reopen", now=now, reason="replayed")
            reason = f"started {ready.words} because commit {data['sha'][:7]} was replayed"
            ledger.conclude(conn, receipt.receipt_id, "start", now=now, reason=reason, link=ready.name)
            return f"started {ready.name}"

        return self._db.write(verb)

    def _poll(self, trigger: Trigger) -> Outcome:
        watch = rules.read(trigger.document)
        refs = {r: s for r, s in self._repositories.refs(watch.repository).items() if rules.watches(watch, r)}
        seen = self._db.read(lambda conn: store.seen_refs(conn, trigger.trigger_id))
        if trigger.error:
            self._db.write(partial(store.update_trigger, trigger_id=trigger.trigger_id, error=""))
        has_baseline = bool(seen) or bool(trigger.document.get("baseline"))  # also when no ref matched then
        if not has_baseline:
            return self._db.write(lambda conn: self._take_baseline(conn, trigger, refs))
        moved = [r for r in {**seen, **refs} if seen.get(r) != refs.get(r)]
        if not moved:
            return Outcome()
        self._repositories.fetch(watch.repository)
        known = tuple(seen.values())
        pushes = [self._look(watch, r, seen.get(r, ""), refs.get(r, ""), known) for r in moved]
        judged = [self._judge(trigger, watch, push) for push in pushes]
        return self._db.write(lambda conn: self._settle(conn, trigger, judged))

    def _take_baseline(self, conn: Connection, trigger: Trigger, refs: Mapping[str, str]) -> Outcome:
        now_is = _still_watching(conn, trigger)
        if now_is is None:
            return Outcome()
        reason = "the repository was seen for the first time: the baseline, which builds nothing"
        for ref, sha in refs.items():
            store.see_ref(conn, trigger.trigger_id, ref, sha)
            self._record(conn, trigger, _Commit(ref=ref, sha=sha, reason=reason))
        changed = {**now_is.document, "baseline": True, planning.BASELINE_REFS: dict(refs)}
        store.update_trigger(conn, trigger.trigger_id, document=changed)
        return Outcome(reasons=(reason,) * len(refs))

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
        plan, touched = {}, push.changed or ()
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
            ready = self._triggered.check(trigger, ref=push.ref, sha=push.new, plan=plan, event=event)
        except TrainshedError as error:
            return replace(push, transition="refuse", reason=error.message, plan=plan)
        what = f"commit {push.new[:7]}" + (f" touches {rules.some(touched)}" if touched else "")
        reason = f"started {ready.words} because {what} ({reason})"
        return replace(push, transition="start", reason=reason, plan=plan, ready=ready)

    def _plan(self, trigger: Trigger, watch: rules.Watch, push: _Push) -> planning.Planned:
        """Choose the cheapest way for a push."""
        found = self._db.read(lambda conn: list_builds(conn, trigger=trigger.resource, limit=_BUILDS))
        return planning.of_push(
            trigger,
            push.ref,
            builds=found,
            changed=lambda old: self._repositories.changed(watch.repository, old, push.new),
        )

    def _settle(self, conn: Connection, trigger: Trigger, pushes: Sequence[_Push]) -> Outcome:
        """Write receipts, builds and what was seen, together."""
        built: list[str] = []
        if _still_watching(conn, trigger) is None:
            return Outcome()
        for push in pushes:
            for sha in push.skipped:
                reason = f"pushed together with {push.new[:7]}, which is the one to build"
                self._record(conn, trigger, _Commit(ref=push.ref, sha=sha, reason=reason))
            tip = _Commit(
                ref=push.ref,
                sha=push.new or _GONE,
                reason=push.reason,
                transition=push.transition,
                link=push.ready.name if push.ready else "",
                plan=push.plan,
            )
            is_new = self._record(conn, trigger, tip)
            if push.ready is not None and is_new:
                self._triggered.create_in(conn, push.ready)
                built.append(push.ready.build_id)
            store.see_ref(conn, trigger.trigger_id, push.ref, push.new)
        return Outcome(builds=tuple(built), reasons=tuple(p.reason for p in pushes))

    def _record(self, conn: Connection, trigger: Trigger, commit: _Commit) -> bool:
        """Open and settle the receipt of a commit; False when that commit of that ref had one already."""
        now = self._clock.now()
        repository = rules.read(trigger.document).repository
        data = {"repository": repository, "ref": commit.ref, "sha": commit.sha}
        receipt, is_new = ledger.open_receipt(
            conn,
            trigger=trigger.resource,
            kind="commit",
            stimulus=f"{repository}@{commit.ref}@{commit.sha}",
            now=now,
            data={**data, "plan": dict(commit.plan)} if commit.plan else data,
        )
        said = {"reason": commit.reason, "link": commit.link}
        if is_new:
            ledger.conclude(conn, receipt.receipt_id, commit.transition, now=now, **said)
        else:
            ledger.record_delivery(conn, receipt.receipt_id, now=now, outcome="known", **said)
        return is_new


def _still_watching(conn: Connection, trigger: Trigger) -> Trigger | None:
    """Answer a trigger as it is now; None where it is gone, or watches something else than what was looked at."""
    try:
        now_is = store.find_trigger(conn, "", "", trigger.trigger_id)
    except NotFound:
        return None
    return now_is if rules.read(now_is.document).watched == rules.read(trigger.document).watched else None
