"""Whether the server is well: what was measured of it, and what that means. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from trainshed.doctor import machine
from trainshed.quantities import duration

_LONG_TURN = 60.0  # seconds in which background work is done with its turn
_AHEAD = 60.0  # seconds that clocks may differ


@dataclass(frozen=True, kw_only=True)
class Health:
    """What was measured."""

    version: str
    home: str
    free_bytes: int
    total_bytes: int
    cores: float  # that tasks may use together
    trouble: str = ""  # of the home, in a sentence
    missing: Sequence[str] = ()  # tools that are needed
    failing: Mapping[str, str] = field(default_factory=dict)  # background duty -> why its last turn failed
    turns: Mapping[str, float] = field(default_factory=dict)  # background duty -> seconds that its turn has lasted
    ahead_seconds: float = 0.0  # of the newest record before the clock
    broken: Mapping[str, str] = field(default_factory=dict)  # image -> what is wrong with its environment
    refused: Mapping[str, str] = field(default_factory=dict)  # environment -> why the last task in it did not start
    engine: str = ""  # why the container engine that was asked for is not used


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Something that is not as it should be, and what to do."""

    state: str  # FAILED or WARNING
    text: str
    command: str = ""


def findings(health: Health) -> list[Finding]:
    """Judge what was measured, the worst first."""
    found = [*_of_home(health), *_of_duties(health), *_of_tasks(health), *_of_tools(health)]
    return sorted(found, key=lambda finding: finding.state != "FAILED")


def state(found: Sequence[Finding]) -> str:
    """Say in a word how the server is."""
    if not found:
        return "OK"
    return "FAILED" if any(finding.state == "FAILED" for finding in found) else "WARNING"


def _of_home(health: Health) -> list[Finding]:
    found = [Finding(state="FAILED", text=health.trouble)] if health.trouble else []
    disk = machine.disk(health.free_bytes, health.home)
    if disk.state != "ok" and health.total_bytes:
        state = "FAILED" if disk.state == "missing" else "WARNING"
        found.append(Finding(state=state, text=disk.message, command=f"du -sh {health.home}/*"))
    if health.ahead_seconds > _AHEAD:
        text = (
            f"What was recorded last is {duration(health.ahead_seconds)} in the future by this server's clock: "
            "the clock was set back, or was a virtual one before. Until then new things stand below old ones in lists, "
            "and schedules wait. Set the machine's clock."
        )
        found.append(Finding(state="WARNING", text=text, command="date -u"))
    return found


def _of_duties(health: Health) -> list[Finding]:
    log = f"tail {health.home}/logs/server.jsonl"
    return [
        *(
            Finding(
                state="FAILED",
                text=f"Background work {name!r} failed in its last turn: {why}. The server's log has more.",
                command=log,
            )
            for name, why in health.failing.items()
        ),
        *(
            Finding(
                state="WARNING",
                text=f"Background work {name!r} is late: its turn has lasted {duration(seconds)}. "
                "What it does comes late; where that stays so, start the server anew.",
                command=log,
            )
            for name, seconds in health.turns.items()
            if seconds > _LONG_TURN
        ),
    ]


def _of_tasks(health: Health) -> list[Finding]:
    return [
        *(
            Finding(
                state="FAILED",
                text=f"The last task in environment {digest} could not be started: {why}.",
                command=f"tail {health.home}/logs/workers/{digest}.log",
            )
            for digest, why in health.refused.items()
        ),
        *(
            Finding(
                state="WARNING",
                text=f"{_images(images)} cannot be used: {why}. Run the build that made it again, or bind it anew.",
                command="trainshed images list",
            )
            for why, images in _by_value(health.broken).items()
        ),
    ]


def _by_value(found: Mapping[str, str]) -> dict[str, list[str]]:
    """Put names together of which the same is to be said."""
    grouped: dict[str, list[str]] = {}
    for name, value in found.items():
        grouped.setdefault(value, []).append(name)
    return grouped


def _images(names: Sequence[str]) -> str:
    return f"Image {names[0]}" if len(names) == 1 else f"Image {names[0]} and {len(names) - 1} more"


def _of_tools(health: Health) -> list[Finding]:
    found = [machine.tool(name, None) for name in health.missing]
    needed = [
        Finding(state="WARNING", text=f"{tool.subject} {tool.message}.", command="trainshed doctor") for tool in found
    ]
    if not health.engine:
        return needed
    text = f"The container engine that TRAINSHED_ENGINE names is not used: {health.engine}. Tasks whose images are not bound fail."
    return [*needed, Finding(state="WARNING", text=text, command="trainshed doctor")]
