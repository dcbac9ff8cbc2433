"""The page of one build: its steps beside its log, or its details; and what one can do with it."""

from collections.abc import Iterator
from typing import Any

from trainshed.builds import BUILD, STEP, Build
from trainshed.dashboard import links, logs
from trainshed.dashboard.asked import Asked
from trainshed.dashboard.builds import details, steps
from trainshed.dashboard.builds.words import SECTION, called, commit, ref, short, trigger
from trainshed.dashboard.cells import Badge, Cell, Link, Several, Span, Time
from trainshed.dashboard.page import Action, Actions, Notice, Page, Part, Tab
from trainshed.errors import InvalidArgument
from trainshed.sql import changes

WORDS = ("tab", "step", "line")  # of the query
_DETAILS = "details"


def page(build: Build, asked: Asked) -> Page:
    """Make the page. Raises InvalidArgument."""
    tab, selected = asked.choice("tab", (_DETAILS,)), _selected(build, asked)
    above = links.href(SECTION, build.build_id)
    parts = (
        details.parts(build)
        if tab
        else (steps.part(build, asked, selected), _log(build, selected, logs.wanted_line(asked)))
    )
    return Page(
        title=f"Build {short(build.build_id)}",
        section=SECTION,
        state=Badge(state=build.state),
        about=list(_about(build)),
        trail=(Link(text="Builds", href=SECTION),),
        tabs=(
            Tab(label="Build log", href=above, is_current=not tab),
            Tab(label="Execution details", href=f"{above}?tab={_DETAILS}", is_current=bool(tab)),
        ),
        parts=(Actions(id="actions", actions=list(_actions(build)), copies_address=True), *_said(build, above), *parts),
        follows=() if build.is_final else _channels(build),
    )


def _selected(build: Build, asked: Asked) -> int | None:
    if not asked.word("step"):
        return None
    number, last = asked.number("step", 0), len(build.steps) - 1
    if number > last:
        raise InvalidArgument.field("step", f"the build has no step {number}; its last one is {last}")
    return number


def _channels(build: Build) -> list[str]:
    of_steps = (changes(STEP.noun, f"{build.build_id}/{step.number}") for step in build.steps)
    return [changes(BUILD.noun, build.build_id), *of_steps]


def _about(build: Build) -> Iterator[Cell]:
    if (sha := commit(build)) is not None:
        yield Several(cells=["commit", sha, *([f"of {name}"] if (name := ref(build)) else [])])
    started_by = trigger(build)
    yield "by hand" if started_by is None else Several(cells=["trigger", started_by])
    if build.start_time is None:
        yield Several(cells=["waiting since", Time(when=build.create_time)])
    else:
        yield Several(cells=["started", Time(when=build.start_time)])
        yield Several(cells=["took" if build.end_time else "for", Span(start=build.start_time, end=build.end_time)])
    yield links.why(build.name)


def _said(build: Build, above: str) -> list[Part]:
    """Say what one has to know first: that somebody has to decide, or what went wrong and where its lines are."""
    if _waits_for_approval(build):
        text = "Nothing of it runs before somebody approves it."
        read = Link(text="Read what it would run", href=f"{above}?tab={_DETAILS}")
        return [Notice(id="said", heading="It waits for approval.", text=text, next=read)]
    if not build.reason:
        return []
    at_fault = next((step.number for step in build.steps if step.state in {"FAILURE", "TIMEOUT"}), None)
    log = None if at_fault is None else Link(text=f"Log of step {at_fault}", href=f"{above}?step={at_fault}")
    return [Notice(id="said", text=build.reason, state=build.state, next=log)]


def _waits_for_approval(build: Build) -> bool:
    return build.state == "PENDING" and bool(build.approval)


def _actions(build: Build) -> Iterator[Action]:
    name = short(build.build_id)
    if build.is_final:
        again = f"{SECTION}/{{metadata.build.id}}"
        yield Action(label="Rebuild", path=f"/v1/{build.name}:retry", then=again)
        return
    if _waits_for_approval(build):
        yield Action(label="Approve", path=f"/v1/{build.name}:approve", body=_decision("APPROVED"))
        yield Action(
            label="Reject",
            path=f"/v1/{build.name}:approve",
            body=_decision("REJECTED"),
            confirm=f"Reject build {name}? It ends without having run.",
        )
    yield Action(
        label="Cancel build",
        path=f"/v1/{build.name}:cancel",
        confirm=f"Cancel build {name}? Its processes are ended at once.",
    )


def _decision(word: str) -> dict[str, Any]:
    return {"approvalResult": {"decision": word}}


def _log(build: Build, selected: int | None, line: int | None) -> Part:
    address = f"{links.href(SECTION, build.build_id)}/log"
    nothing = "Nothing has been written." if build.is_final else "Nothing has been written yet."
    if selected is None:
        return logs.Log(id="log", heading="Build log", address=address, label="Build log", nothing=nothing, line=line)
    step = build.steps[selected]
    heading = f"Log of step {selected}: {called(step)}"
    return logs.Log(
        id="log",
        heading=heading,
        address=f"{address}?step={selected}",
        label=heading,
        line=line,
        nothing="This step has written nothing." if STEP.is_final(step.state) else "This step has written nothing yet.",
    )
