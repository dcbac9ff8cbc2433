"""The figures of a function over a window of time, and its calls."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from trainshed import functions
from trainshed.clock import rfc3339
from trainshed.dashboard import links, scales
from trainshed.dashboard.asked import Asked
from trainshed.dashboard.cells import Badge, Cell, Link, seconds, size, time
from trainshed.dashboard.charts import Chart, Series
from trainshed.dashboard.page import Empty, Figures, Filter, Filters, Part, Table
from trainshed.dashboard.scales import BYTES, SECONDS

CALLS = 25  # on a page
_WINDOWS = {  # by the word of the query; none is an hour
    "15m": (timedelta(minutes=15), "15 minutes"),
    "": (timedelta(hours=1), "hour"),
    "1h": (timedelta(hours=1), "hour"),
    "6h": (timedelta(hours=6), "6 hours"),
    "1d": (timedelta(days=1), "day"),
    "7d": (timedelta(days=7), "7 days"),
}
_WORDS = tuple(filter(None, _WINDOWS))
_PERCENTILES = ("p50", "p95", "p99")
_MILLIS = 1000.0
_COLUMNS = (
    "Execution", "Outcome", "Kind", "Version", "Delivery attempt", "Started", "Duration", "Memory", "Receipt",
)  # fmt: skip


def window(asked: Asked) -> timedelta:
    """Answer how far back to look. Raises InvalidArgument."""
    return _WINDOWS[asked.choice("window", _WORDS)][0]


def window_words(asked: Asked) -> str:
    """Say how far back."""
    return f"last {_WINDOWS[asked.choice('window', _WORDS)][1]}"


def window_filter(asked: Asked) -> Filter:
    """Choose how far back."""
    choices = [(key, f"last {words}") for key, (_, words) in _WINDOWS.items() if key != "1h"]
    return Filter(name="window", label="Time", value=asked.word("window").replace("1h", ""), choices=choices)


def charts(found: Mapping[str, Any], instances: int, words: str) -> list[Part]:
    """Draw the figures: each as a number for the whole window, and over time."""
    nothing = Empty(text=f"No invocation in the {words}.")
    first = Empty(text=f"No invocation in the {words}. A longer time is chosen above; the tab Testing makes one.")
    span, series = (found["since"], found["until"]), found["series"]
    over_time = {"step": found["stepSeconds"], "span": span, "nothing": nothing, "caption": f"{words}, times in UTC"}
    is_called = bool(found["invocations"])

    def line(label: str, key: str, written_in: str, unit: float = 1.0) -> Series:
        points = [(point["time"], _in(point[key][label], unit)) for point in series]
        now = _in(found[key][label], unit)
        return Series(label=label, points=points, now=now, said=scales.write_all([now], written_in))

    def rate(label: str, key: str, tone: str) -> Series:
        points = [(point["time"], point[key] if is_called else None) for point in series]
        said = scales.write_all([found[key]], "/s")
        return Series(label=label, points=points, now=found[key], said=said, tone=tone)

    active = [(point["time"], point["activeInstances"] if is_called else None) for point in series]
    return [
        _figures(found, instances, words),
        Chart(
            id="rate",
            heading="Invocations per second",
            shape="bars",
            unit="/s",
            series=[rate("ok", "okPerSecond", "good"), rate("crash", "crashPerSecond", "bad")],
            **over_time | {"nothing": first},
        ),
        Chart(
            id="time",
            heading="Execution time",
            unit=SECONDS,
            series=[line(label, "executionMillis", SECONDS, 1 / _MILLIS) for label in _PERCENTILES],
            **over_time,
        ),
        Chart(
            id="memory",
            heading="Memory per call",
            unit=BYTES,
            series=[line(label, "memoryBytes", BYTES) for label in _PERCENTILES],
            **over_time,
        ),
        Chart(
            id="instances",
            heading="Active instances",
            shape="bars",
            unit=scales.COUNT,
            series=[Series(label="that served an invocation", points=active, now=found["activeInstances"])],
            **over_time,
        ),
    ]


def calls(found: Sequence[functions.Invocation], asked: Asked) -> list[Part]:
    """List calls, newest first; one more than the page has says that there are older ones."""
    shown = found[:CALLS]
    outcome = asked.word("outcome")
    older = _older(found, asked) + "#calls" if len(found) > CALLS else ""
    kept = [(key, asked.word(key)) for key in ("version", "window") if asked.word(key)]
    return [
        Filters(
            id="outcome",
            heading="Which invocations",
            action=asked.path,
            kept=kept,
            filters=[
                Filter(
                    name="outcome",
                    label="Outcome",
                    value=outcome,
                    choices=[("", "any"), ("failed", "that failed")],
                )
            ],
        ),
        Table(
            id="calls",
            heading="Latest invocations",
            columns=_COLUMNS,
            rows=[_call(call, asked.path) for call in shown],
            nothing=Empty(text="There is no such invocation." if kept or outcome else "It has not been invoked yet."),
            more=older,
        ),
    ]


def skipped(asked: Asked) -> int:
    """Answer how many calls of the very time at which the page begins are on pages before it. Raises InvalidArgument."""
    return asked.number("skip", 0)


def _older(found: Sequence[functions.Invocation], asked: Asked) -> str:
    """Answer the address of the next page: many calls may begin at the same time."""
    last = found[CALLS - 1].start_time
    if found[CALLS].start_time < last:
        return asked.href(before=rfc3339(last), skip=None)
    same = sum(call.start_time == last for call in found[:CALLS])
    same += skipped(asked) if asked.moment("before") == last else 0
    return asked.href(before=rfc3339(last), skip=str(same))


def _call(call: functions.Invocation, path: str) -> tuple[Cell, ...]:
    return (
        Link(text=call.id, href=f"{path}?tab=logs&execution={call.id}"),
        Badge(state=call.state, note=call.error.strip().rpartition("\n")[2]),
        call.kind,
        call.version,
        call.attempt or None,
        time(call.start_time),
        seconds(call.duration_seconds),
        size(call.memory_bytes or None),
        links.link(f"receipts/{call.receipt_id}") if call.receipt_id else None,
    )


def _figures(found: Mapping[str, Any], instances: int, words: str) -> Part:
    times, memory = found["executionMillis"], found["memoryBytes"]

    def three(values: Mapping[str, float | None], unit: float, written_in: str) -> str:
        return scales.write_all([_in(values[label], unit) for label in _PERCENTILES], written_in)

    rates = scales.write_all([found["okPerSecond"], found["crashPerSecond"]], "")
    percentiles = "p50 / p95 / p99" if found["invocations"] else f"no invocation, {words}"
    return Figures(
        id="figures",
        figures=[
            ("Invocations", found["invocations"], f"{found['ok']} ok, {found['crash']} crashed, {words}"),
            ("Invocations per second", rates, "ok / crash"),
            ("Execution time", three(times, 1 / _MILLIS, SECONDS), percentiles),
            ("Memory per call", three(memory, 1, BYTES), percentiles),
            ("Instances now", instances, f"{found['activeInstances']} had invocations, {words}"),
        ],
    )


def _in(value: float | None, unit: float) -> float | None:
    return None if value is None else value * unit
