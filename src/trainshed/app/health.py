"""What the dashboard shows of the server's own health, measured here and now."""

import os
import shutil

from trainshed import __version__
from trainshed.app.features import Features
from trainshed.dashboard.overview.health import Health
from trainshed.settings import Settings

_TOOLS = ("git",)


def measure(settings: Settings, features: Features) -> Health:
    """Measure; it takes no longer than asking the system does."""
    disk = shutil.disk_usage(settings.home)
    return Health(
        version=__version__,
        home=str(settings.home),
        free_bytes=disk.free,
        total_bytes=disk.total,
        cores=float(settings.workers or os.cpu_count() or 1),
        missing=[tool for tool in _TOOLS if shutil.which(tool) is None],
        failing={duty.name: duty.failure for duty in features.at_work if duty.failure},
    )
