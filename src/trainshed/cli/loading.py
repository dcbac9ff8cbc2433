"""Loading the server, which is most of what starting one takes, and what its memory is like from then on."""

import ctypes
import gc
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trainshed.app import App

_M_ARENA_MAX, _M_MMAP_THRESHOLD = -8, -3  # of malloc.h
_HEAPS = 2
_LARGE = 1 << 18  # bytes


def load_app() -> "type[App]":
    """Import the server, with the garbage collector out of the way.

    What is loaded stays to the end: looking through it for garbage, while it comes and ever after, finds none. It was a
    tenth of the time that a server takes to be ready.
    """
    share_heaps()
    gc.disable()
    try:
        from trainshed.app import App
    finally:
        gc.freeze()
        gc.enable()
    return App


def share_heaps() -> None:
    """Let all threads allocate from two heaps, and nothing large from any, unless the environment says otherwise.

    The GNU library gives each thread one of its own, up to eight for each core, and what one has free no other
    takes: pages, made now by this thread and now by that, left each with the most that it ever needed. What is large
    it takes from a heap too, once as much was given back, and a heap shrinks from its end only.
    """
    found = getattr(ctypes.CDLL(None), "mallopt", None)  # other libraries have none, and no such heaps
    if found is None:
        return
    if "MALLOC_ARENA_MAX" not in os.environ:
        found(_M_ARENA_MAX, _HEAPS)
    if "MALLOC_MMAP_THRESHOLD_" not in os.environ:
        found(_M_MMAP_THRESHOLD, _LARGE)
