"""The build that a trigger starts: its document at a commit, its substitutions, whether the event passes the filter."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from trainshed import names
from trainshed.builds import config, document, substitutions
from trainshed.builds.model import Build, name_of
from trainshed.builds.repositories import Repositories
from trainshed.builds.service import Service
from trainshed.builds.triggers import cel, payload, planning, rules
from trainshed.builds.triggers.model import Trigger
from trainshed.errors import InvalidArgument

_NOTHING: Mapping[str, Any] = {}


@dataclass(frozen=True, kw_only=True)
class Ready:
    """A build that a trigger may start: checked, and not yet stored."""

    trigger: Trigger
    build_id: str
    checked: config.Checked

    @property
    def name(self) -> str:
        """Resource name."""
        return name_of(self.trigger.project, self.trigger.region, self.build_id)

    @property
    def words(self) -> str:
        """The build as the reasons of receipts name it."""
        return f"build {self.build_id[:8]}"


class Triggered:
    """Prepares the builds of triggers, and stores them in the caller's transaction."""

    def __init__(self, service: Service, repositories: Repositories) -> None:
        self._service = service
        self._repositories = repositories

    def commit_of(self, trigger: Trigger, revision: str = "") -> tuple[str, str]:
        """Answer ref and commit of what an event builds that is not a push; empty without a repository."""
        watch = rules.read(trigger.document)
        if not watch.repository:
            return "", ""
        plain = watch.branch.strip("^$")
        wanted = revision or watch.ref or (plain if plain.isidentifier() else "")
        sha = self._repositories.resolve(watch.repository, wanted)
        refs = self._repositories.refs(watch.repository)
        return next((r for r in refs if wanted in {r, rules.short_ref(r)}), ""), sha

    def check(
        self,
        trigger: Trigger,
        *,
        ref: str,
        sha: str,
        plan: Mapping[str, str] = _NOTHING,
        event: Mapping[str, Any] = _NOTHING,
    ) -> Ready:
        """Check the build of a commit for an event; `plan` beats the trigger's own substitutions.

        Raises InvalidArgument, and NotFound or FailedPrecondition for what the repository has not.
        """
        build_id = names.uid()
        given = payload.bind(planning.given(trigger, plan), event)
        wanted, of_trigger = self._document(trigger, ref, sha, plan)
        checked = self._service.check(wanted, build_id, trigger.project, trigger.region, given, of_trigger)
        return Ready(trigger=trigger, build_id=build_id, checked=checked)

    def create_in(self, conn: Connection, ready: Ready) -> Build:
        """Store a build and queue it, or let it wait for approval, in the caller's transaction."""
        trigger = ready.trigger
        return self._service.create_in(
            conn,
            ready.checked,
            build_id=ready.build_id,
            project=trigger.project,
            region=trigger.region,
            origin=trigger.origin,
        )

    def refusal(self, trigger: Trigger, ref: str, sha: str, event: Mapping[str, Any]) -> str:
        """Say why an event does not pass the trigger's filter; empty when it does."""
        text = trigger.document.get("filter") or ""
        if not text:
            return ""
        watch = rules.read(trigger.document)
        bound = payload.bind_present(planning.given(trigger, {}), event)
        values = {**_substitutions(trigger, watch, ref, sha, ""), **bound}
        expanded = {key: substitutions.expand(value, values)[0] for key, value in values.items()}
        return "" if cel.read(text).holds({**expanded, **event}) else f"the filter does not hold: {text}"

    def lacking(self, trigger: Trigger) -> dict[str, tuple[str, ...]]:
        """Answer the substitutions that nothing gives a value, by build config, as the newest commit has them.

        Empty as well where there is nothing to look at yet. Raises what the repository or a config has wrong.
        """
        watch = rules.read(trigger.document)
        ref, sha = self._newest(watch)
        if watch.repository and not sha:
            return {}
        found = {}
        for plan in planning.every_way(trigger):
            wanted, of_trigger = self._document(trigger, ref, sha, plan)
            given = dict.fromkeys(planning.given(trigger, plan), "x")
            applied = substitutions.apply(config.shape(wanted), of_trigger, given=given, is_triggered=True)
            if applied.lacking:
                found[of_trigger["TRIGGER_BUILD_CONFIG_PATH"]] = tuple(sorted(applied.lacking))
        return found

    def _newest(self, watch: rules.Watch) -> tuple[str, str]:
        """Answer a ref that a trigger builds, and its commit; empty where there is none."""
        if not watch.repository:
            return "", ""
        self._repositories.fetch(watch.repository)
        refs = self._repositories.refs(watch.repository)
        if watch.is_polled:
            return next(((r, s) for r, s in refs.items() if rules.watches(watch, r)), ("", ""))
        return next(((r, s) for r, s in refs.items() if watch.ref in {r, rules.short_ref(r)}), ("", ""))

    def _document(
        self, trigger: Trigger, ref: str, sha: str, plan: Mapping[str, str]
    ) -> tuple[dict[str, Any], dict[str, str]]:
        """Answer the build document of a commit and the trigger's substitutions."""
        watch = rules.read(trigger.document)
        wanted = dict(trigger.document.get("build") or {})
        path = ""
        if not wanted:
            if not watch.repository:
                raise InvalidArgument.field("build", "the trigger has neither a build nor a repository")
            candidates = [planning.in_name(name, plan) for name in rules.config_names(watch)]
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
        if trigger.document.get("serviceAccount"):
            wanted.setdefault("serviceAccount", trigger.document["serviceAccount"])
        return wanted, _substitutions(trigger, watch, ref, sha, path)

    def push_event(self, trigger: Trigger, ref: str, old: str, new: str) -> dict[str, Any]:
        """Answer the event that a push is, from the repository alone: the same however it was noticed."""
        watch = rules.read(trigger.document)
        full = full_name(watch.repository)
        repository = {"name": full.rpartition("/")[2], "full_name": full, "clone_url": watch.repository}
        push = {
            "ref": ref,
            "before": old or "0" * 40,
            "after": new,
            "created": not old,
            "deleted": False,
            "repository": repository,
            "head_commit": self._repositories.describe(watch.repository, new),
        }
        return {"push": push, "body": push}


def full_name(repository: str) -> str:
    """Answer `owner/name` of a repository's path or URL."""
    return "/".join(repository.removesuffix(".git").rstrip("/").replace(":", "/").split("/")[-2:])


def _substitutions(trigger: Trigger, watch: rules.Watch, ref: str, sha: str, path: str) -> dict[str, str]:
    full = full_name(watch.repository)
    short = rules.short_ref(ref)
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
