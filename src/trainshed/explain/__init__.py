"""Accounts: why a run, a build or an event is as it is, from the first event to what came of it, in reading order.

It crosses features, so it stands above them; the command line, the API and the dashboard show the same account.

- `model`: Account, Step; what is known of a run.
- `words`: what things are called. `fate`: what became of an event, why nothing, what to do next. `events`, `builds`,
  `runs`: the steps. `differences`: what differs between two runs. Pure.
- `stories`, `sources`: what the features know, read.
- `features`: whose records they are made of. `service`: makes accounts. `document`: an account as JSON.
"""

from trainshed.explain.document import as_json
from trainshed.explain.fate import Fate
from trainshed.explain.features import Features
from trainshed.explain.model import Account, Advice, Commit, Named, Origin, Source, Step, Story, Value
from trainshed.explain.service import Service

__all__ = [
    "Account",
    "Advice",
    "Commit",
    "Fate",
    "Features",
    "Named",
    "Origin",
    "Service",
    "Source",
    "Step",
    "Story",
    "Value",
    "as_json",
]
