"""Warm workers: a fork server per environment, from which every attempt is forked.

- `wire`: what is said between the server and a fork server, and the records it is said in.
- `pool`: all fork servers of this home: found again, started, asked, ended.
- `link`: one of them: its connection and how it is started.
- `foreground`: one order at the terminal, without a fork server.
- `child`: the fork server itself; it runs in the task's environment, without the rest of this package.
"""

from trainshed.workers.link import WorkerFailed
from trainshed.workers.pool import Pool
from trainshed.workers.wire import Ended, Held, Order

__all__ = ["Ended", "Held", "Order", "Pool", "WorkerFailed"]
