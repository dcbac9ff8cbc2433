"""Limits of an instance: its process tree is looked at again and again, and what it uses held against them."""

import asyncio
from collections.abc import Callable

from trainshed.duty import off_loop
from trainshed.functions import tree

MOST_PROCESSES = 100
_FEW_PROCESSES = 32
_GLANCE_SECONDS = 0.02  # a glance costs one read; every fifth is a look at the whole tree
_GLANCES = 5
_STORM_TASKS = 300  # more than that are held still while they are counted: a fork bomb would leave us no time for it
_LOOK_SECONDS = 0.1  # a look that takes longer ends with the tree held still: it may be a fork bomb that takes the time
_MANY_TASKS = 60  # more new threads on this machine since the last look are looked at, whoever's they are


class Guard:
    """Watches one instance; `peak` is the most memory that was seen, in bytes."""

    def __init__(self, memory_bytes: int) -> None:
        self.peak = 0
        self._most_memory = memory_bytes

    async def watch(self, running: Callable[[], int | None]) -> str:
        """Answer the transition that a limit asks for, "" when the process has ended.

        `running` answers the process: 0 before there is one, None once it has ended.
        """
        before = tree.tasks()
        looks = 0
        while (pid := running()) is not None:
            await asyncio.sleep(_GLANCE_SECONDS)
            looks += 1
            new = (tasks := tree.tasks()) - before
            pid = running() if pid == 0 else pid
            if not pid or (new < _MANY_TASKS and looks % _GLANCES):
                continue
            before = tasks  # what was there before this look is no storm at the next one
            used = await _usage(pid, is_storm=new > _STORM_TASKS)
            memory = used.memory_bytes
            if used.processes > MOST_PROCESSES:
                return "exhaust_processes"
            if memory > self._most_memory and 1 < used.processes <= _FEW_PROCESSES:  # forked children share most pages
                memory = await off_loop(tree.exact_memory, pid)
            self.peak = max(self.peak, memory)
            if memory > self._most_memory:
                return "exhaust_memory"
        return ""


async def _usage(pid: int, *, is_storm: bool) -> tree.Usage:
    """Add up what a tree uses; one that may be a fork bomb is held still meanwhile, and for good if it is one."""
    if is_storm:
        tree.hold(pid)
    looking = asyncio.ensure_future(off_loop(tree.usage, pid, MOST_PROCESSES))
    try:
        if not is_storm and not (await asyncio.wait({looking}, timeout=_LOOK_SECONDS))[0]:
            is_storm = True
            tree.hold(pid)
        used = await looking
    except asyncio.CancelledError:
        looking.cancel()
        tree.go_on(pid)
        raise
    if used.processes > MOST_PROCESSES:
        tree.hold(pid)  # until it is ended: what doubles does so many times before that
    elif is_storm:
        tree.go_on(pid)
    return used
