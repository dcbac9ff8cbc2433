"""What a function printed: the lines of its log, of a severity or above, of one execution."""

import json
from functools import partial

from trainshed import functions
from trainshed.dashboard import links
from trainshed.dashboard import logs as viewer
from trainshed.dashboard.asked import Asked
from trainshed.dashboard.page import Filter, Filters, Part

WORDS = ("severity", "execution")  # of the query
_COLOURS = {"WARNING": 33, "ERROR": 31, "CRITICAL": 31, "ALERT": 31, "EMERGENCY": 31, "DEBUG": 90}  # as terminals know


def parts(name: str, asked: Asked) -> list[Part]:
    """Choose what to see, and the log."""
    severity, execution = _wanted(asked)
    lines = Asked(path=links.href("/functions", name) + "/log").href(severity=severity, execution=execution)
    choices = [("", "any"), *((s, f"{s} and above") for s in functions.SEVERITIES[1:])]
    return [
        Filters(
            id="which",
            heading="Which lines",
            action=f"{asked.path}?tab=logs",
            kept=[("tab", "logs")],
            filters=[
                Filter(name="severity", label="Severity", value=severity, choices=choices),
                Filter(name="execution", label="Execution", value=execution),
            ],
        ),
        viewer.Log(
            id="log",
            heading="Log",
            label=f"Log of {name}",
            address=lines,
            line=viewer.wanted_line(asked),
            nothing="Nothing was printed yet." if not severity and not execution else "No such line yet.",
        ),
    ]


def source(log: functions.Log, asked: Asked) -> viewer.Source:
    """Answer the files of a log and how their lines are shown. Raises InvalidArgument."""
    severity, execution = _wanted(asked)
    lowest = functions.SEVERITIES.index(severity) if severity else 0
    short = asked.name.rsplit("/", 1)[-1]
    return viewer.Source(
        paths=log.paths,
        is_over=lambda: False,
        shows=partial(shown, lowest=lowest, execution=execution),
        name=f"{short}.log",
    )


def shown(line: bytes, *, lowest: int = 0, execution: str = "") -> bytes | None:
    """Write one entry as people read it; None for one that was not asked for."""
    try:
        entry = json.loads(line)
        severity, text = entry["severity"], entry["text"]
        if execution and entry["executionId"] != execution:
            return None
        if lowest and functions.SEVERITIES.index(severity) < lowest:
            return None
        time = entry["time"][:23]
    except (ValueError, KeyError, TypeError):  # half written
        return None
    word = f"{severity:<8}"
    colour = _COLOURS.get(severity)
    marked = f"\x1b[{colour}m{word}\x1b[0m" if colour else word
    return f"{time}Z {marked} {text}".encode("utf-8", "replace")


def _wanted(asked: Asked) -> tuple[str, str]:
    return asked.choice("severity", functions.SEVERITIES), asked.word("execution").strip()
