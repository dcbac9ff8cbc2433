"""The engine: facts in, one transaction, decisions out, workers told after COMMIT. Nothing lives only here.

- `engine`: the loop, and what it does when a transaction fails. `inbox`: facts that came, until they are on disk.
- `open_runs`: the open runs in memory, a cache of rows; `deadlines`: when they must be over; `admission`: what fits on
  the machine.
- In a transaction: `applying` takes facts to open runs, `writer` carries the decisions of `advance` out, `beginning`
  finds out what a task that begins is given, `transitions` are taken with what rows get along, `recording` tells
  lineage, `abandon` ends what cannot go on; a `turn` is what they leave to be done after COMMIT.
- Attempts: `attempts` starts and stops them and makes facts of reports, `launching` and `launch` prepare them and take
  what they leave, `kept_inputs` looks that they left their inputs alone, `ended` says how one ended, `mounts` goes then.
"""

from trainshed.runs.engine.engine import Engine, Parts

__all__ = ["Engine", "Parts"]
