"""Other places than this machine's server that the command line reaches: Google Cloud.

The same commands send the same requests; only the addresses and the credentials are others.

- `google`: the client. `wire` is one HTTP exchange, `credentials` says who asks, `endpoints` where.
- `requests`: every request is read as Google would read it before it is sent; `storage_methods` are the methods that have
  no published protobuf.
- `ours`: our own routes, made of Google's calls: `ours_builds`, `ours_functions` with `functions_form`, `ours_pipelines` with `pipeline_job`.
- `rehearsal` sends nothing that changes anything; `report` says what it noted; `permissions`, `consequences` and
  `principals` who needs what for it. `explain` says what a refusal means.
- `refused`: the commands that Google has nothing for.
- `run_trigger`: the source of the function that stands for a run trigger there.
"""

from trainshed.targets.consequences import RUN_TRIGGER
from trainshed.targets.credentials import Credentials, NoCredentials
from trainshed.targets.endpoints import Endpoints, read_overrides
from trainshed.targets.google import Place
from trainshed.targets.ours import TargetClient
from trainshed.targets.refused import why_refused
from trainshed.targets.rehearsal import Rehearsal, Script, Supposed

__all__ = [
    "RUN_TRIGGER",
    "Credentials",
    "Endpoints",
    "NoCredentials",
    "Place",
    "Rehearsal",
    "Script",
    "Supposed",
    "TargetClient",
    "read_overrides",
    "why_refused",
]
