"""What is wrong with a machine, judged in one way for the command line and for the dashboard. Pure."""

from dataclasses import dataclass

_GIBIBYTE = 1 << 30
_LOW = 5 * _GIBIBYTE  # an environment with TensorFlow takes two
_FULL = _GIBIBYTE // 2
NEEDED = {
    "git": "builds clone repositories with it; install git",
    "uv": "it makes environments; pip install uv",
}  # tools, and what for


@dataclass(frozen=True, kw_only=True)
class Found:
    """What was found of one thing."""

    state: str  # ok, note (optional, or worth knowing) or missing
    subject: str
    message: str


def disk(free_bytes: int, home: str) -> Found:
    """Judge the free space of the disk of a home."""
    free = f"{free_bytes / _GIBIBYTE:.1f} GiB are free on the disk of {home}"
    if free_bytes < _FULL:
        return Found(state="missing", subject="disk", message=f"{free}: runs and builds will fail. Free some.")
    if free_bytes < _LOW:
        return Found(state="note", subject="disk", message=f"{free}; environments of tasks may need more.")
    return Found(state="ok", subject="disk", message=free)


def ceiling(*, has_group: bool, has_limit: bool) -> Found:
    """Judge what the kernel does about functions that fork without end."""
    subject = "processes of functions"
    if has_group:
        return Found(state="ok", subject=subject, message="the kernel counts those of each instance")
    if has_limit:
        return Found(state="ok", subject=subject, message="the kernel limits how many your user has")
    message = (
        "are looked at again and again, and the kernel limits none: it exempts root, and no control group that counts "
        "them can be made here; run the server as another user"
    )
    return Found(state="note", subject=subject, message=message)


def tool(name: str, place: str | None) -> Found:
    """Judge a tool that is needed, by where it is."""
    if place:
        return Found(state="ok", subject=name, message=place)
    return Found(state="missing", subject=name, message=f"is not installed: {NEEDED[name]}")
