"""The fork server: runs in a task's environment, which has no Trainshed in it. Standard library only, Python 3.9 on.

It imports, and never computes; each attempt is a fork of it, or starts in a fresh interpreter where variables ask for
it. `start.py` is run by path and loads this folder under a
private package name, so imports in here are relative.

- `server`: the loop: orders in, children started, stopped and reaped, outcomes out.
- `peer`: one connection.
- `attempt`: what a forked child does with its order.
- `spare`: a child that is forked ahead and waits for its order.
- `watching`: a child under way, seen from its parent.
- `foreground`: one order at a terminal, under a debugger.
- `preload`, `lessons`, `learning`: frameworks imported before the fork, as earlier attempts did.
- `processes`: process trees: their memory, their end.
- `outcomes`: how attempts ended. `spool`: that on disk, until the server of the day has them.
"""

VERSION = 2  # of the wire; see trainshed.workers.wire
