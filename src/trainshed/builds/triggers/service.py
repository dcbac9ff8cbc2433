"""The verbs of build triggers: one transaction each."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from trainshed import names
from trainshed.builds.model import Build
from trainshed.builds.ports import Feeds
from trainshed.builds.triggers import planning, rules, store
from trainshed.builds.triggers.events import TARGET
from trainshed.builds.triggers.model import Trigger
from trainshed.builds.triggers.pushes import Pushes
from trainshed.builds.triggers.triggered import Triggered
from trainshed.clock import Clock
from trainshed.errors import AlreadyExists, FailedPrecondition, InvalidArgument, NotFound
from trainshed.sql import Database


class Triggers:
    """Build triggers of all projects."""

    def __init__(
        self, db: Database, clock: Clock, triggered: Triggered, pushes: Pushes, feeds: Feeds | None = None
    ) -> None:
        self._db = db
        self._clock = clock
        self._triggered = triggered
        self._pushes = pushes
        self._feeds = feeds

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

        return self._pushes.look_first(self._db.write(verb))

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
            self._pushes.look_first(changed)
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
        plan = {**planning.substitutions_by_hand(trigger), **(substitutions or {})}
        event = self._triggered.push_event(trigger, ref, "", sha) if sha else {}
        ready = self._triggered.check(trigger, ref=ref, sha=sha, plan=plan, event=event)
        return self._db.write(lambda conn: self._triggered.create_in(conn, ready))

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
