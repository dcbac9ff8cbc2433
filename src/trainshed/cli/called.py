"""How resources that start runs are called by people. Pure."""

from trainshed.names import short

_CALLED = {
    "jobs": "schedule",
    "schedules": "schedule of runs",
    "triggers": "build trigger",
    "runTriggers": "run trigger",
    "functions": "function",
}


def called(name: str) -> str:
    """Call a schedule, a trigger or a function by what it is and its name."""
    collection = name.rsplit("/", 2)[-2] if name.count("/") > 1 else ""
    return f"{_CALLED.get(collection, 'trigger')} {short(name)}"
