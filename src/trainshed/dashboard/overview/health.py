"""Whether the server is well: what was measured of it, and what that means. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

_GIBIBYTE = 1 << 30
_LOW = 5 * _GIBIBYTE  # an environment with TensorFlow takes two
_FULL = _GIBIBYTE // 2


@dataclass(frozen=True, kw_only=True)
class Health:
    """What was measured."""

    version: str
    home: str
    free_bytes: int
    total_bytes: int
    cores: float  # that tasks may use together
    missing: Sequence[str] = ()  # tools that builds need
    failing: Mapping[str, str] = field(default_factory=dict)  # background duty -> why its last turn failed


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Something that is not as it should be, and what to do."""

    state: str  # FAILED or WARNING
    text: str
    command: str = ""


def findings(health: Health) -> list[Finding]:
    """Judge what was measured, the worst first."""
    found = [
        Finding(
            state="FAILED", text=f"Background work {name!r} failed in its last turn: {why}. The server's log has more."
        )
        for name, why in health.failing.items()
    ]
    free = f"{health.free_bytes / _GIBIBYTE:.1f} GiB are free on the disk of {health.home}"
    if health.free_bytes < _FULL:
        found.append(
            Finding(
                state="FAILED", text=f"{free}: runs and builds will fail. Free some.", command=f"du -sh {health.home}/*"
            )
        )
    elif health.free_bytes < _LOW:
        found.append(
            Finding(
                state="WARNING", text=f"{free}; environments of tasks may need more.", command=f"du -sh {health.home}/*"
            )
        )
    found += [
        Finding(state="WARNING", text=f"{tool} is not installed; builds need it.", command="trainshed doctor")
        for tool in health.missing
    ]
    return found


def state(found: Sequence[Finding]) -> str:
    """Say in a word how the server is."""
    if not found:
        return "OK"
    return "FAILED" if any(finding.state == "FAILED" for finding in found) else "WARNING"
