"""The change planner applied to a trigger: what a commit needs, counted from what was last built with success.

A push is not held against the commit before it but against the last one whose build succeeded: after an image build
that failed, a commit that touches a module alone still needs the image.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from trainshed.builds.model import Build
from trainshed.builds.triggers import planner, rules
from trainshed.builds.triggers.model import Trigger
from trainshed.builds.triggers.rules import short_ref

CHANGES = "changes"  # the field of a trigger's document: which paths are what
BASELINE_REFS = "baselineRefs"  # what the refs were when the repository was seen first
SEEN = ("baseline", BASELINE_REFS)  # what is kept of the first look at a repository
OURS = (*SEEN, CHANGES)  # fields that Google's document has no place for
Changed = Callable[[str], Sequence[str]]  # the files that differ between a commit and the one to build
_WORD, _REASON, _SINCE = "_PLAN", "_PLAN_REASON", "_PLAN_SINCE"
_LONGEST = 1000
_EMPTY: tuple[Any, ...] = ("", [], {})
_NAMES = {
    planner.Way.UPLOAD_MODULES: "modules only",
    planner.Way.COMPILE: "compile only",
    planner.Way.REBUILD_IMAGE: "the image",
    planner.Way.NOTHING: "nothing",
}
_WHOLE = planner.Way.REBUILD_IMAGE


@dataclass(frozen=True, kw_only=True)
class Planned:
    """The way that one commit takes."""

    way: planner.Way
    reason: str
    because: tuple[str, ...] = ()
    since: str = ""  # the commit that it is counted from; empty: everything is built

    def touched(self, changed: Sequence[str]) -> tuple[str, ...]:
        """Answer the files of a push that matter most to the way that is taken."""
        return tuple(file for file in self.because if file in changed) or tuple(changed)

    def said(self, push: Sequence[str], *, note: str) -> str:
        """Answer the way and why, in words; `note` says what is special about the push."""
        words = f"{_NAMES[self.way]}: {f'{note}, ' if note else ''}{self.reason}"
        if self.because and not set(self.because) & set(push):
            words += f"; it has changed since {self.since[:7]}, the last commit whose build succeeded"
        return words

    @property
    def substitutions(self) -> dict[str, str]:
        """What the build gets to know; a `$` in a file name is not a substitution."""
        return {_WORD: self.way.word, _REASON: self.reason[:_LONGEST].replace("$", "$$"), _SINCE: self.since}


def checked(document: Mapping[str, Any]) -> dict[str, Any]:
    """Answer a trigger's document, without what is empty and says nothing. Raises InvalidArgument."""
    if CHANGES in document:
        planner.Declaration.from_document(document[CHANGES])
    return {key: value for key, value in rules.checked(document).items() if key == CHANGES or value not in _EMPTY}


def declares(trigger: Trigger) -> bool:
    """Tell whether a trigger says which paths are what."""
    return CHANGES in trigger.document


def substitutions_by_hand(trigger: Trigger) -> dict[str, str]:
    """Answer the plan of a build that nobody pushed a change for: everything; empty where the trigger plans nothing."""
    if not declares(trigger):
        return {}
    return Planned(way=_WHOLE, reason="no push to look at, so everything is built").substitutions


def every_way(trigger: Trigger) -> tuple[dict[str, str], ...]:
    """Answer the plans that a trigger's builds can have; one that is empty where it plans nothing."""
    if not declares(trigger):
        return ({},)
    ways = (way for way in planner.Way if way is not planner.Way.NOTHING)
    return tuple(Planned(way=way, reason="x", since="x").substitutions for way in ways)


def of_push(trigger: Trigger, ref: str, *, builds: Sequence[Build], changed: Changed) -> Planned:
    """Choose the way of a pushed commit; `builds` are the trigger's, newest first."""
    bases = _bases(trigger, ref, builds)
    if not all(bases):
        reason = f"nothing was built of {short_ref(ref)} yet that the change could be held against"
        return Planned(way=_WHOLE, reason=f"{reason}, so the image is rebuilt and the pipeline compiled")
    watch, declared = rules.read(trigger.document), planner.Declaration.from_document(trigger.document[CHANGES])
    files = {file for base in bases for file in changed(base) if rules.concerns(watch, file)}
    plan = planner.choose(sorted(files), declared)
    return Planned(way=plan.way, reason=plan.reason, because=plan.because, since=bases[0])


def in_name(name: str, substitutions: Mapping[str, str]) -> str:
    """Fill `$_PLAN` into the name of a build config."""
    word = substitutions.get(_WORD)
    return name.replace("${_PLAN}", word).replace("$_PLAN", word) if word else name


def given(trigger: Trigger, plan: Mapping[str, str]) -> dict[str, Any]:
    """Answer the substitutions of a triggered build: the trigger's own and the plan's."""
    return {**(trigger.document.get("substitutions") or {}), **plan}


def _bases(trigger: Trigger, ref: str, builds: Sequence[Build]) -> tuple[str, ...]:
    """Answer the commits to count from: the ref's own, and another ref's where that was built last."""
    name = short_ref(ref)
    own = _base([build for build in builds if build.substitutions.get("REF_NAME") == name])
    if own is None:
        own = str((trigger.document.get(BASELINE_REFS) or {}).get(ref, ""))
    if builds and builds[0].substitutions.get("REF_NAME") != name:
        return own, _base(builds) or ""
    return (own,)


def _base(builds: Sequence[Build]) -> str | None:
    """Answer the commit of the newest build that succeeded, or the one that a failed build was counted from."""
    for build in builds:
        if build.state == "SUCCESS":
            return build.substitutions.get("COMMIT_SHA", "")
        if _SINCE in build.substitutions:
            return build.substitutions[_SINCE]
    return None
