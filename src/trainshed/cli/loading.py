"""Loading the server, which is most of what starting one takes."""

import gc
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trainshed.app import App


def load_app() -> "type[App]":
    """Import the server, with the garbage collector out of the way.

    What is loaded stays to the end: looking through it for garbage, while it comes and ever after, finds none. It was a
    tenth of the time that a server takes to be ready.
    """
    gc.disable()
    try:
        from trainshed.app import App
    finally:
        gc.freeze()
        gc.enable()
    return App
