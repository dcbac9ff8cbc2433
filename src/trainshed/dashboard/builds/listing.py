"""The list of builds: narrowed down by the address alone, newest first."""

from trainshed import builds
from trainshed.dashboard import links
from trainshed.dashboard.asked import Asked
from trainshed.dashboard.builds.words import SECTION, commit_and_ref, link, source, trigger
from trainshed.dashboard.cells import Badge, Cell, Link, span, time
from trainshed.dashboard.page import Empty, Filter, Filters, Page, Part, Table
from trainshed.sql import changes

WORDS = ("status", "trigger", "since", "text", "page")  # of the query
_ROWS = 50
_COLUMNS = ("Build", "Status", "Created", "Duration", "Trigger", "Commit", "Source", "Images", "Account")
_LONGEST = 120  # characters of what went wrong


def page(service: builds.Service, triggers: builds.Triggers, asked: Asked) -> Page:
    """Make the page. Raises InvalidArgument naming the word of the query that cannot be meant."""
    wanted = builds.Search(
        state=asked.choice("status", tuple(builds.BUILD.states)),
        trigger=asked.word("trigger"),
        since=asked.moment("since"),
        text=asked.word("text").strip(),
        page_size=_ROWS,
        page_token=asked.word("page"),
    )
    found, token = service.search(wanted)
    return Page(
        title="Builds",
        section=SECTION,
        about=[
            *([Link(text="Back to the newest", href=asked.href(page=None))] if wanted.page_token else []),
            Link(text="Build triggers", href="/triggers"),
        ],
        parts=(
            _filters(wanted, asked.word("since"), [trigger.resource for trigger in triggers.list()]),
            Table(
                id="builds",
                columns=_COLUMNS,
                rows=[_row(build) for build in found],
                nothing=_nothing(asked),
                more=asked.href(page=token) if token else "",
            ),
        ),
        follows=(changes(builds.BUILD.noun),),
    )


def _filters(wanted: builds.Search, since: str, triggers: list[str]) -> Part:
    known = triggers if wanted.trigger in {"", *triggers} else [*triggers, wanted.trigger]
    return Filters(
        id="filters",
        action=SECTION,
        filters=(
            Filter(name="text", label="Build or commit (first 4 characters), branch, tag", value=wanted.text),
            Filter(
                name="status",
                label="Status",
                value=wanted.state,
                choices=[("", "any"), *((state, state) for state in builds.BUILD.states)],
            ),
            Filter(
                name="trigger",
                label="Trigger",
                value=wanted.trigger,
                choices=[("", "any, or none"), *((name, name.rpartition("/")[2]) for name in known)],
            ),
            Filter(name="since", label="Created since (UTC)", value=since, type="datetime-local"),
        ),
    )


def _nothing(asked: Asked) -> Empty:
    if any(value for _, value in asked.query):
        return Empty(text="No build is like that. Take a word out of the filters, or show all.")
    return Empty(
        text="No build yet. A build runs the steps of a cloudbuild.yaml on this machine: start one by hand, or let a "
        "build trigger start one for each commit.",
        command="trainshed builds submit --config cloudbuild.yaml",
    )


def _row(build: builds.Build) -> tuple[Cell, ...]:
    return (
        link(build),
        Badge(state=build.state, note=_shortened(build.reason)),
        time(build.create_time),
        span(build.start_time, build.end_time),
        trigger(build) or "by hand",
        commit_and_ref(build),
        source(build),
        ", ".join(build.resolved.get("images", ())),
        links.why(f"builds/{build.build_id}"),
    )


def _shortened(detail: str) -> str:
    line = detail.strip().partition("\n")[0]
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"
