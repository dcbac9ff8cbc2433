"""Runs: a compiled PipelineSpec in, a durable run out.

- `model`, `lifecycle`: records; every state and transition.
- `facts`, `view`, `advance`: facts in, decisions out; `retry`: what begins anew. Pure.
- `store`, `store_tasks`, `store_cache`, `store_triggers`: tables and SQL; `store_deleting`: of forgetting, `store_labels`: of labels.
- `catalog`: specs read, checked and planned once. `workplace`: where each task works.
- `service`: the verbs; `reading`: those that change nothing; `creating`: a new run; `request` checks what is asked for, `given` the artifacts, `labelling` what is written on runs. `triggers`: event → run.
- `listing`: lists as Google's clients ask for them; `searching`: as people do. `comparing`: several side by side; `measuring`: their numbers; `usual`: how long they take.
- `outline` and `drawing`: a run as a tree and as a graph; `marks`: how its tasks stand, quickly; `paths`: which tasks somebody means; `progress`: of many, briefly; `cancelling`: who asked them to end; `working`: how long they were at work; `commits`: of which commit they are; `watching`: be told.
- `active`: an open run in memory, made of `nodes`; `recovery`: again, out of rows; `handed` and `outputs`: what its tasks are given and leave.
- `folders`: where logs lie, removed with their runs.
- `engine`: goes on with open runs; `loop` puts it together.
- `caching` finds what exists already, `importing` and `resolving` register it; `planning` says beforehand what would
  run and `decided` afterwards, `pricing` what it costs, `tallying` how many tasks ran, were reused or left out.
- `custom_jobs`: runs of one task that Vertex AI calls CustomJob.
"""

from trainshed.runs import custom_jobs
from trainshed.runs.cancelling import Cancellation
from trainshed.runs.catalog import Catalog, Template
from trainshed.runs.comparing import MOST_COMPARED, Side
from trainshed.runs.decided import Decision
from trainshed.runs.drawing import Standing, standings
from trainshed.runs.folders import Folders
from trainshed.runs.labelling import read as labels
from trainshed.runs.lifecycle import RUN, STOPPED, TASK
from trainshed.runs.loop import build_engine
from trainshed.runs.marks import Brief, Briefly, Mark, Marks, OneTask
from trainshed.runs.measuring import METRICS, Measured, Metric, metrics
from trainshed.runs.model import Attempt, NewRun, Run, TaskRow, Trigger
from trainshed.runs.outline import Line, outline, outlined, state_of
from trainshed.runs.paths import Chosen, choose, static
from trainshed.runs.planning import Step
from trainshed.runs.pricing import actual, actual_brief, cost_of, estimate, used
from trainshed.runs.progress import Done, Progress, done
from trainshed.runs.reading import Details, Rows, Traces
from trainshed.runs.request import Prepared, from_template, job_id, own_names
from trainshed.runs.searching import BY_HAND, Known, Search, Used
from trainshed.runs.service import Service
from trainshed.runs.store import ENDED, ENDED_ENTRY, NAMES_PIPELINE, count_open, run_channel
from trainshed.runs.store_deleting import DELETED_ENTRY
from trainshed.runs.store_tasks import tasks_channel
from trainshed.runs.store_triggers import TRIGGERS
from trainshed.runs.tallying import tally, tally_ahead, tally_of
from trainshed.runs.triggers import TARGET, Ports, Taken, Triggers
from trainshed.runs.usual import Took, Usual
from trainshed.runs.watching import changes as watch
from trainshed.runs.watching import wait
from trainshed.runs.working import paused_seconds, pauses, worked_seconds

__all__ = [
    "BY_HAND",
    "DELETED_ENTRY",
    "ENDED",
    "ENDED_ENTRY",
    "METRICS",
    "MOST_COMPARED",
    "NAMES_PIPELINE",
    "RUN",
    "STOPPED",
    "TARGET",
    "TASK",
    "TRIGGERS",
    "Attempt",
    "Brief",
    "Briefly",
    "Cancellation",
    "Catalog",
    "Chosen",
    "Decision",
    "Details",
    "Done",
    "Folders",
    "Known",
    "Line",
    "Mark",
    "Marks",
    "Measured",
    "Metric",
    "NewRun",
    "OneTask",
    "Ports",
    "Prepared",
    "Progress",
    "Rows",
    "Run",
    "Search",
    "Service",
    "Side",
    "Standing",
    "Step",
    "Taken",
    "TaskRow",
    "Template",
    "Took",
    "Traces",
    "Trigger",
    "Triggers",
    "Used",
    "Usual",
    "actual",
    "actual_brief",
    "build_engine",
    "choose",
    "cost_of",
    "count_open",
    "custom_jobs",
    "done",
    "estimate",
    "from_template",
    "job_id",
    "labels",
    "metrics",
    "outline",
    "outlined",
    "own_names",
    "paused_seconds",
    "pauses",
    "run_channel",
    "standings",
    "state_of",
    "static",
    "tally",
    "tally_ahead",
    "tally_of",
    "tasks_channel",
    "used",
    "wait",
    "watch",
    "worked_seconds",
]
