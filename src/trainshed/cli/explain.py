"""trainshed explain: why something is as it is, from the first event to what came of it."""

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

import click

from trainshed.cli import session
from trainshed.cli.output import format_option, show

_WIDE = 100
_ROWS = 30
_CELL = 48


@click.command(name="explain")
@click.argument("of", metavar="RUN|BUILD|RECEIPT")
@format_option
def command(of: str, output_format: str) -> None:
    """Tell why a run, a build or a receipt is as it is: the event, the commit, the data, the cost, what came of it.

    Also of a schedule, a trigger, a function (by resource name) or an artifact (artifacts/ID).
    """
    with session.connect() as client:
        document = client.call("GET", f"/trainshed/v1/explain/{quote(of)}")

    def text() -> None:
        for line in lines(document):
            click.echo(line)

    show(document, output_format, text)


def lines(account: Mapping[str, Any]) -> Iterator[str]:
    """Write an account for a terminal."""
    yield f"{account['title']}: {account['state']}"
    yield from _wrapped(account["says"])
    for advice in account["advice"]:
        to_do = advice["command"] or _look((advice["about"] or {}).get("name", ""))
        yield f"  → {advice['text']}: {to_do}" if to_do else f"  → {advice['text']}"
    for number, step in enumerate(account["steps"], 1):
        yield ""
        time = f"  {step['time'][:19]}Z" if step["time"] else ""
        state = f"  {step['state']}" if step["state"] else ""
        yield f"{number}. {step['heading']}{state}{time}"
        yield from (f"   {line}" for line in _wrapped(step["says"]))
        yield from (f"   {fact['label']}: {_text(fact['value'])}" for fact in step["facts"] if fact["value"])
        yield from (f"   {line}" for line in _table(step["columns"], step["rows"]))


def _wrapped(text: str) -> Sequence[str]:
    """Break a text into lines, but no address and no name, which somebody may want to copy."""
    return textwrap.wrap(text, _WIDE, break_on_hyphens=False, break_long_words=False)


def _look(name: str) -> str:
    """Answer the command that shows what a piece of advice is about."""
    collection = name.rpartition("/")[0].rpartition("/")[2]
    if collection in {"topics", "subscriptions"}:
        return f"trainshed pubsub {collection} describe {name}"
    return f"trainshed explain {name}" if name else ""


def _table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> Iterator[str]:
    if not rows:
        return
    shown = [[_cut(_text(value)) for value in row] for row in rows[:_ROWS]]
    widths = [max(len(column), *(len(row[i]) for row in shown)) for i, column in enumerate(columns)]
    for row in ([column.upper() for column in columns], *shown):
        yield "  ".join(value.ljust(width) for value, width in zip(row, widths, strict=True)).rstrip()
    if len(rows) > _ROWS:
        yield f"… and {len(rows) - _ROWS} more; --format json has them."


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        return str(value["text"])
    return "" if value is None else " ".join(str(value).split())


def _cut(text: str) -> str:
    return text if len(text) <= _CELL else f"{text[: _CELL // 2 - 1]}…{text[-_CELL // 2 :]}"
