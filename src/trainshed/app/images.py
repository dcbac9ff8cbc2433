"""What runs ask of the container engine, in its terms: which image a name stands for, and that it is here."""

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future

from trainshed.errors import FailedPrecondition
from trainshed.runners.containers.engines import EngineFailed, Engines

log = logging.getLogger(__name__)
_PATIENCE_SECONDS = 10.0  # a registry that has the image has begun to send it by then


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

    def refusal(self, image: str) -> str:
        """Begin to get an image that is not here; say why it cannot be had, "" when it is here or on its way."""
        coming: Future[str] = Future()
        threading.Thread(target=self._get, args=(image, coming), name=f"pull of {image}", daemon=True).start()
        try:
            coming.result(_PATIENCE_SECONDS)
        except TimeoutError:
            log.debug("Image %s is on its way.", image)
        except FailedPrecondition as error:
            return error.message
        return ""

    def _get(self, image: str, coming: "Future[str]") -> None:
        try:
            coming.set_result(self.obtain(image, lambda _: None))
        except Exception as error:  # noqa: BLE001  (whoever waits is told)
            coming.set_exception(error)

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
