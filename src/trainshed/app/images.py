"""What runs ask of the container engine, in its terms: which image a name stands for, and that it is here."""

import logging
from collections.abc import Callable

from trainshed.errors import FailedPrecondition
from trainshed.runners.engines import EngineFailed, Engines

log = logging.getLogger(__name__)


class ContainerImages:
    """Keeps `runs.workplace.Images`."""

    def __init__(self, engines: Engines) -> None:
        self._engines = engines

    def is_there(self) -> bool:
        """Whether containers can be run here."""
        return self._engines.current() is not None

    def identify(self, image: str) -> str:
        """Answer the digest of an image of this machine; "" where it is not here, or the engine does not say."""
        engine = self._engines.current()
        try:
            found = engine.image(image) if engine is not None else None
        except EngineFailed as error:  # told by the attempt that needs the image
            log.debug("Image %s could not be looked at: %s", image, error)
            return ""
        return found.digest if found is not None else ""

    def obtain(self, image: str, note: Callable[[str], None]) -> str:
        """Answer the digest of an image, pulled where it is not here. Raises FailedPrecondition with the way out."""
        engine = self._engines.current()
        if engine is None:
            why = "; ".join(self._engines.why_not) or "none is wanted"
            raise FailedPrecondition(f"image {image!r} needs a container engine, and none works here: {why}")
        try:
            return engine.obtain(image, note).digest
        except EngineFailed as error:
            raise FailedPrecondition(
                f"image {image!r} cannot be had: {error.message}; see that {engine.name} can pull it, or let an "
                f"environment stand for it: `trainshed images bind {image} --packages …`"
            ) from error
