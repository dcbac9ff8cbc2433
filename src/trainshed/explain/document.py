"""An account as JSON. Pure."""

from datetime import datetime
from typing import Any

from trainshed import floats
from trainshed.clock import rfc3339
from trainshed.explain.model import Account, Advice, Named, Step, Value


def as_json(account: Account) -> dict[str, Any]:
    """Write an account; resources by their name and what they are called."""
    return {
        "kind": account.kind,
        "name": account.name,
        "title": account.title,
        "state": account.state,
        "says": account.says,
        "advice": [_advice(found) for found in account.advice],
        "steps": [_step(found) for found in account.steps],
        "before": account.before.name if account.before else "",
    }


def _advice(found: Advice) -> dict[str, Any]:
    return {"text": found.text, "command": found.command, "about": _value(found.about)}


def _step(found: Step) -> dict[str, Any]:
    return {
        "id": found.id,
        "heading": found.heading,
        "says": found.says,
        "state": found.state,
        "time": rfc3339(found.when) if found.when else "",
        "about": _value(found.about),
        "facts": [{"label": label, "value": _value(value)} for label, value in found.facts],
        "columns": list(found.columns),
        "rows": [[_value(value) for value in row] for row in found.rows],
    }


def _value(value: Value) -> Any:
    match value:
        case Named():
            return {"text": value.text, "name": value.name}
        case datetime():
            return rfc3339(value)
        case float():
            return floats.written(value)
        case _:
            return value
