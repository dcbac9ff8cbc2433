"""The list of functions."""

from datetime import timedelta

from trainshed import functions, names
from trainshed.dashboard import links
from trainshed.dashboard.asked import Asked
from trainshed.dashboard.cells import Badge, Cell, Link, time
from trainshed.dashboard.page import Empty, Filter, Filters, Page, Table
from trainshed.sql import changes

SECTION = "/functions"
WORDS = ("name", "state", "after")  # of the query
_WINDOW = timedelta(hours=1)
_STATES = ("ACTIVE", "DEPLOY_IN_PROGRESS", "OFFLINE")
_REFRESH_SECONDS = 15.0  # instances come and go, the last hour moves on
_COLUMNS = (
    "Function", "State", "Trigger", "Runtime", "Version", "Instances", "Invocations, last hour", "Failed, last hour",
    "Deployed",
)  # fmt: skip


def page(service: functions.Service, host: functions.Host, asked: Asked) -> Page:
    """All functions, by name."""
    text, state = asked.word("name"), asked.choice("state", _STATES)
    found, more = service.search(functions.Sought(text=text, state=state, after=asked.word("after")))
    calls = service.last_calls([function.name for function in found], _WINDOW)
    rows = [_row(function, host.instances(function.name), calls.get(function.name, (0, 0))) for function in found]
    if text or state:
        nothing = Empty(text="No function is like that. Take a word out of the filters, or show all.")
    else:
        nothing = Empty(
            text="No function yet. A function is code that runs on a message, on a new object or on a web request; "
            "this deploys the one in the folder that you are in.",
            command="trainshed functions deploy trigger --trigger-topic events --source . --entry-point handle "
            "--runtime python311",
        )
    return Page(
        title="Functions",
        section=SECTION,
        follows=(changes("function"), changes("invocation")),
        refresh_seconds=_REFRESH_SECONDS if found else None,
        parts=(
            Filters(
                id="filters",
                action=SECTION,
                filters=(
                    Filter(name="name", label="Name contains", value=text),
                    Filter(name="state", label="State", value=state, choices=[("", "any"), *((s, s) for s in _STATES)]),
                ),
            ),
            Table(
                id="functions",
                columns=_COLUMNS,
                rows=rows,
                nothing=nothing,
                more=asked.href(after=more) if more else "",
                more_text="More functions",
                can_sort=True,
            ),
        ),
    )


def fed_by(name: str, configuration: functions.Configuration) -> Cell:
    """Say what calls a function, with a link to it."""
    if configuration.topic:
        return Link(text=f"topic {names.short(configuration.topic)}", href=links.href("/topics", configuration.topic))
    if configuration.bucket:
        return Link(text=f"bucket {configuration.bucket}", href=links.href("/buckets", configuration.bucket))
    return Link(text="HTTP", href=f"{links.href(SECTION, name)}?tab=trigger")


def _row(function: functions.Function, instances: int, calls: tuple[int, int]) -> tuple[Cell, ...]:
    ok, failed = calls
    version = function.version
    return (
        Link(text=names.short(function.name), href=links.href(SECTION, function.name)),
        Badge(state=function.state, note=_last_line(function.error)),
        fed_by(function.name, function.requested),
        function.requested.runtime,
        version.number if version else None,
        instances,
        ok + failed,
        failed,
        time(version.deploy_time if version else None),
    )


def _last_line(error: str) -> str:
    return error.strip().rpartition("\n")[2]
