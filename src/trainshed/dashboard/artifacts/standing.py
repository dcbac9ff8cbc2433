"""What state an artifact is in, as far as that says anything. Pure."""

from trainshed.dashboard.cells import Badge

_LIVE = "LIVE"  # what ML Metadata calls an artifact that is there, as nearly all are; of models it means what is served


def of_artifact(state: str) -> Badge | None:
    """Answer the badge of an artifact's state, unless it is simply there."""
    return Badge(state=state) if state not in {"", _LIVE} else None
