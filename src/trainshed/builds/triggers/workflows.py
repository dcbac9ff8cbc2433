"""A GitHub Actions workflow → the equivalent build trigger, with a list of what was not taken over. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from trainshed.errors import InvalidArgument


@dataclass(frozen=True, kw_only=True)
class Imported:
    """A trigger document and what the workflow has beyond it."""

    trigger: dict[str, Any]
    by_hand: bool  # the workflow has workflow_dispatch: `triggers run` stands for it
    left_out: tuple[str, ...]


def read(workflow: Mapping[Any, Any], *, repository: str, filename: str = "cloudbuild.yaml") -> Imported:
    """Read a workflow: push branches or tags, paths, manual dispatch. Raises InvalidArgument."""
    events = workflow.get("on", workflow.get(True))  # YAML 1.1 reads `on` as true
    if isinstance(events, str):
        events = {events: None}
    elif isinstance(events, list):
        events = dict.fromkeys(events)
    if not isinstance(events, dict):
        raise InvalidArgument.field("on", "the workflow does not say on which events it runs")
    left_out: list[str] = []
    trigger: dict[str, Any] = {"name": _name(workflow), "filename": filename}
    if "push" in events:
        trigger |= _push(events["push"] or {}, repository, left_out)
    elif repository:
        trigger["sourceToBuild"] = {"uri": repository}
    if inputs := ((events.get("workflow_dispatch") or {}).get("inputs") or {}):
        names = {
            f"_{re.sub(r'[^A-Z0-9]', '_', str(k).upper())}": str((v or {}).get("default", ""))
            for k, v in inputs.items()
        }
        trigger["substitutions"] = names
    left_out += [f"on.{event}" for event in events if event not in {"push", "workflow_dispatch"}]
    left_out += _jobs(workflow.get("jobs") or {})
    left_out += [key for key in ("env", "permissions", "concurrency", "defaults") if workflow.get(key)]
    return Imported(trigger=trigger, by_hand="workflow_dispatch" in events, left_out=tuple(left_out))


def _push(push: Mapping[str, Any], repository: str, left_out: list[str]) -> dict[str, Any]:
    template: dict[str, Any] = {"repoName": repository}
    if tags := push.get("tags"):
        if push.get("branches"):
            left_out.append("on.push.tags (a trigger watches branches or tags)")
        else:
            template["tagName"] = _pattern(tags, left_out, "on.push.tags")
    if "tagName" not in template:
        if ignored := push.get("branches-ignore"):
            template |= {"branchName": _pattern(ignored, left_out, "on.push.branches-ignore"), "invertRegex": True}
        else:
            template["branchName"] = _pattern(push.get("branches") or ["**"], left_out, "on.push.branches")
    trigger: dict[str, Any] = {"triggerTemplate": template}
    paths = [str(p) for p in push.get("paths") or []]
    if included := [p for p in paths if not p.startswith("!")]:
        trigger["includedFiles"] = included
    ignored_files = [p.removeprefix("!") for p in paths if p.startswith("!")]
    if ignored_files := [*ignored_files, *(str(p) for p in push.get("paths-ignore") or [])]:
        trigger["ignoredFiles"] = ignored_files
    if push.get("tags-ignore"):
        left_out.append("on.push.tags-ignore")
    return trigger


def _pattern(globs: Any, left_out: list[str], where: str) -> str:
    """Write branch globs as one RE2 pattern."""
    wanted = [globs] if isinstance(globs, str) else [str(g) for g in globs]
    left_out += [f"{where}: {g} (an exception)" for g in wanted if g.startswith("!")]
    parts = [_glob(g) for g in wanted if not g.startswith("!")]
    return f"^{parts[0]}$" if len(parts) == 1 else f"^(?:{'|'.join(parts)})$"


def _glob(glob: str) -> str:
    out = re.escape(glob).replace(r"\*\*", ".*").replace(r"\*", "[^/]*").replace(r"\?", "[^/]")
    return out.replace(r"\-", "-").replace(r"\/", "/")


def _name(workflow: Mapping[Any, Any]) -> str:
    name = re.sub(r"[^a-zA-Z0-9]+", "-", str(workflow.get("name") or "workflow")).strip("-").lower()
    return name[:64] or "workflow"


def _jobs(jobs: Mapping[str, Any]) -> list[str]:
    found = []
    for job, body in jobs.items():
        for number, step in enumerate((body or {}).get("steps") or []):
            what = step.get("name") or step.get("uses") or str(step.get("run", "")).strip().split("\n")[0]
            found.append(f"jobs.{job}.steps[{number}]: {what} (write it as a step of the build config)")
    return found
