"""An order run at a terminal: a Python component under Python's debugger, a command as it is.

The process has a group of its own, in the terminal's foreground: what the user interrupts is the task, not Trainshed.
"""

import bdb
import functools
import inspect
import os
import pdb  # noqa: T100  (what this is for)
import signal
import sys
import traceback
import types
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NoReturn, Optional

from . import attempt, processes

_QUIT = "The debugger was quit, so the task has failed."
_AT_FUNCTION = "Stopped at the first line of the task's function; c goes on, q gives up, h helps."
_AT_ERROR = "Stopped where the task failed; q ends it."


class _Debugger(pdb.Pdb):
    """Python's, remembering that it was quit."""

    was_quit = False

    def set_quit(self) -> None:
        """Quit."""
        self.was_quit = True
        super().set_quit()


def run(order: dict[str, Any], parent: int) -> NoReturn:
    """Run an order here and now. Never returns."""
    processes.die_with_parent(parent)
    processes.adopt_orphans()
    _take_terminal()
    attempt.go_to(order)
    if order["arguments"]:
        attempt.execute(order["arguments"])
    attempt.finish(lambda: _debugged(order))


def _take_terminal() -> None:
    """Become the group that the terminal listens to, if there is a terminal."""
    os.setpgid(0, 0)
    signal.signal(signal.SIGTSTP, signal.SIG_IGN)  # nobody above us would wake us again
    if os.isatty(0):
        before = signal.signal(signal.SIGTTOU, signal.SIG_IGN)
        with suppress(OSError):
            os.tcsetpgrp(0, os.getpid())
        signal.signal(signal.SIGTTOU, before)


def _debugged(order: dict[str, Any]) -> None:
    try:
        attempt.run_component(order, wrap=_stopping_first)
    except bdb.BdbQuit:
        _note(order, _QUIT)
        raise SystemExit(1) from None
    except Exception as error:  # noqa: BLE001  (whatever the user's code raises is looked at)
        trace = _of_component(error, order) or attempt.beyond_ours(error.__traceback__)
        _note(order, "".join(traceback.format_exception(type(error), error, trace)))
        if trace is not None:
            print(_AT_ERROR, flush=True)  # noqa: T201  (what the user sees is the point)
            pdb.post_mortem(trace)
        raise SystemExit(1) from None


def _of_component(error: BaseException, order: dict[str, Any]) -> Optional[types.TracebackType]:  # noqa: UP045
    """Answer an error's traceback from the component's own code on, without the debugger's and KFP's frames above."""
    path = attempt.path_of(order)
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename != path:
        trace = trace.tb_next
    return trace


def _stopping_first(function: Callable[..., Any]) -> Callable[..., Any]:
    """Answer the function such that a call stops at its first line."""

    @functools.wraps(function)
    def attached(*args: Any, **kwargs: Any) -> Any:
        print(_AT_FUNCTION, flush=True)  # noqa: T201
        debugger = _Debugger()
        answer = debugger.runcall(function, *args, **kwargs)
        if debugger.was_quit:
            raise bdb.BdbQuit  # which it keeps to itself
        return answer

    attached.__signature__ = inspect.signature(function)  # type: ignore[attr-defined]  # the executor reads it
    return attached


def _note(order: dict[str, Any], text: str) -> None:
    """Say how it ended, at the terminal and in the log, from which the outcome is told."""
    print(text, file=sys.stderr, flush=True)  # noqa: T201
    with suppress(OSError), open(order["log_file"], "a", encoding="utf-8") as log:
        log.write(text.rstrip("\n") + "\n")
