"""How versions of models are put in words, and what all pages of models have in common."""

from trainshed import registry
from trainshed.blobs import CHANNEL
from trainshed.dashboard import links
from trainshed.dashboard.cells import Badge, Cell, Link
from trainshed.dashboard.page import Empty
from trainshed.registry import Version

SECTION = "/models"
FOLLOWS = (CHANNEL, registry.CHANNEL)
SHOWN_METRICS = 3  # in a row
NOTHING = Empty(
    text="No model was pushed yet. A task that copies a model to a serving directory and says so in its artifact's "
    "metadata (pushed_destination, as TFX's Pusher does) makes a version.",
    command="trainshed demo --keep",
)


def link(directory: str, version: str) -> Link:
    """Link to the page of a version."""
    return Link(text=version, href=f"{links.model(directory)}?version={version}")


def by(version: Version) -> Cell:
    """Say which run pushed a version, or who rolled back to what."""
    if version.restores:
        because = f": {version.reason}" if version.reason else ""
        return f"rollback to {version.restores} by {version.author}{because}"
    return links.link(version.run) if version.run else "by hand"


def gate(version: Version) -> Cell:
    """Say what the gate said before a version was pushed."""
    if version.is_blessed is None:
        return "no gate recorded"
    return Badge(state="BLESSED" if version.is_blessed else "REFUSED", note=version.verdict)


def brief(version: Version) -> str:
    """Say a few numbers: those of the gate where there are some."""
    first = next(iter(version.metrics), "").partition(".")[0]
    shown = [(name.partition(".")[2], value) for name, value in version.metrics.items() if name.startswith(f"{first}.")]
    return ", ".join(f"{name} {value:.4g}" for name, value in shown[:SHOWN_METRICS])
