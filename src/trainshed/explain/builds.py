"""The steps of an account that tell of builds and their commits. Pure."""

from datetime import datetime

from trainshed import names
from trainshed.builds import Build
from trainshed.explain import words
from trainshed.explain.model import Advice, Commit, Named, Step, Value
from trainshed.quantities import counted, duration

_GOOD = "SUCCESS"


def build(found: Build) -> Step:
    """Tell what a build did."""
    ended = [s for s in found.steps if s.start_time is not None]
    failed = next(
        (s for s in found.steps if s.state not in {_GOOD, "QUEUED", "WORKING", "PENDING"} and s.exit_code), None
    )
    says = f"build {found.build_id[:8]} {_became(found.state)}: {counted(len(ended), 'step')} of {len(found.steps)} ran"
    if failed is not None:
        says += f'; step {failed.number} "{failed.id or failed.name}" ended with exit code {failed.exit_code}'
    return Step(
        id=f"build-{found.build_id}",
        heading="The build",
        says=words.sentence(says),
        state=found.state,
        when=found.create_time,
        about=words.named(found.name),
        facts=_facts(found),
        columns=("Step", "Name", "State", "Duration"),
        rows=[(s.number, s.id or s.name, s.state, _took(s.start_time, s.end_time)) for s in found.steps],
    )


def title(found: Build) -> str:
    """Call a build."""
    return f"Why build {found.build_id[:8]}"


def answer(found: Build, because: str) -> str:
    """Say in one sentence why a build is, and how it ended."""
    detail = found.reason
    end = _became(found.state) + (f": {detail}" if detail and found.state != _GOOD else "")
    reason = because.partition(" because ")[2]
    why = f"it was started because {reason}" if reason else because
    return " ".join(filter(None, (words.sentence(f"it {end}"), words.sentence(why))))


def advice(found: Build) -> list[Advice]:
    """Say what to do about a build next."""
    short = found.build_id
    if found.state == "PENDING" and found.approval:
        return [
            Advice(text="Let it go on", command=f"trainshed builds approve {short}"),
            Advice(text="Or end it", command=f"trainshed builds reject {short}"),
        ]
    if found.is_final and found.state != _GOOD:
        log = Advice(text="Read its log", command=f"trainshed builds log {short}")
        again = f"trainshed builds retry {short}"
        if not (found.trigger and found.substitutions.get("COMMIT_SHA")):
            return [log, Advice(text="Once what it says is mended, build again", command=again)]
        push = f"Once what it says is mended, push: {names.short(found.trigger)} builds the new commit"
        return [log, Advice(text=push), Advice(text="Or build the same commit again", command=again)]
    return []


def commit(found: Commit, built: Named | None = None) -> Step:
    """Tell of the commit that code came from."""
    message = found.message.partition("\n")[0]
    says = f'commit {words.sha(found)} "{message}"' if message else f"commit {words.sha(found)}"
    files = f" changed {words.some(list(found.files))}" if found.files else " is what it was made of"
    facts: list[tuple[str, Value]] = [("Repository", found.repository), ("Commit", found.sha)]
    if found.author:
        facts += [("By", found.author), ("On", words.moment(found.time))]
    if found.files:
        facts.append((f"Files{f' since {found.since[:7]}' if found.since else ''}", ", ".join(found.files)))
    return Step(id="commit", heading="The commit", says=words.sentence(says + files), about=built, facts=facts)


def _became(state: str) -> str:
    known = {"SUCCESS": "succeeded", "FAILURE": "failed", "TIMEOUT": "ran out of time", "CANCELLED": "was cancelled"}
    known |= {"WORKING": "is at work", "QUEUED": "waits for its turn", "PENDING": "waits for approval"}
    known |= {"EXPIRED": "waited too long", "INTERNAL_ERROR": "could not be done"}
    return known.get(state, state.lower())


def _facts(found: Build) -> list[tuple[str, Value]]:
    facts: list[tuple[str, Value]] = [("Trigger", words.named(found.trigger))] if found.trigger else []
    facts.append(("Duration", _took(found.start_time, found.end_time)))
    sha, plan = found.substitutions.get("COMMIT_SHA", ""), found.substitutions.get("_PLAN_REASON", "")
    if sha:
        facts.append(("Commit", sha))
    if plan:
        facts.append(("Way taken", f"{found.substitutions.get('_PLAN', '')}: {plan}"))
    facts += [("Image", f"{i.get('name', '')} {i.get('digest', '')}") for i in found.results.get("images", ())]
    if found.log_uri:
        facts.append(("Log", Named(text=found.log_uri, name=found.log_uri)))
    return facts


def _took(start: datetime | None, end: datetime | None) -> str:
    if start and end:
        return duration((end - start).total_seconds())
    return ""
