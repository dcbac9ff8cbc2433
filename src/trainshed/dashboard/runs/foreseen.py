"""What would become of a run that is asked for: which tasks would run, which be reused, and why; how long, at what cost."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet

from trainshed import costs, runs
from trainshed.dashboard.asked import Asked
from trainshed.dashboard.cells import Cell, Seconds, Several, named
from trainshed.dashboard.page import Action, Empty, Facts, Field, Form, Look, Notice, Part, Table
from trainshed.dashboard.runs import typed
from trainshed.dashboard.runs.tasks import told_apart
from trainshed.dashboard.runs.typed import Typed
from trainshed.errors import TrainshedError
from trainshed.quantities import counted

SEE = "see"  # word of the query
WORDS = (SEE, typed.PARAMETERS, "root", "jobId", "caching")
_PRICES = costs.load()
_PART = "plan"
_COLUMNS = ("Task", "Would", "Times", "Took before", "Why")
_WOULD = {"run": "run", "reuse": "be reused", "import": "be imported", "find": "be found", "leave_out": "be left out"}
_NOTHING = Empty(text="The pipeline has no task.")
Request = Callable[[Typed], runs.NewRun]  # what is typed → what is asked for


def parts(
    service: runs.Service, asked: Asked, fields: Sequence[Field], action: Action, request: Request, *, form: str
) -> tuple[Part, ...]:
    """Make a form that starts a run, and below it what would become of what is typed, once somebody asks for that.

    Raises InvalidArgument for a parameter that the pipeline does not take.
    """
    kept = [(key, value) for key, value in asked.query if key == "template"]
    look = Look(label="See what would run", href=f"{asked.path}#{_PART}", word=SEE, kept=kept)
    below: tuple[Part, ...] = ()
    found = typed.read(fields, asked)
    if asked.word(SEE):
        fields, below = _foreseen(service, found, request)
    else:
        fields = found.fields
    return (Form(id=form, fields=fields, action=action, look=look), *below)


def _foreseen(service: runs.Service, found: Typed, request: Request) -> tuple[Sequence[Field], tuple[Part, ...]]:
    if not found.is_readable:
        return found.fields, (_refused("Some fields have no value that can be read."),)
    try:
        new = request(found)
        with runs.own_names():
            steps = service.plan(new)
        earlier = service.seconds_of_tasks(new)
    except TrainshedError as error:
        blamed, rest = typed.blame(found.fields, error)
        return blamed, (_refused(rest or "Some fields have values that the pipeline does not take."),)
    return found.fields, plan(steps, earlier)


def _begun(text: str) -> str:
    return text[:1].upper() + text[1:]


def _together(seconds: Sequence[float], unknown: AbstractSet[str]) -> Cell:
    """Add up what is foreseen, and say of how many tasks nothing is."""
    if not unknown:
        return Seconds(seconds=sum(seconds))
    words = f"of {counted(len(unknown), 'task')} nothing is known yet"
    return Several(cells=(Seconds(seconds=sum(seconds)), words)) if seconds else f"Not known: {words}"


def _reason(step: runs.Step) -> str:
    return f"{step.after} runs before it" if step.after else step.reason


def _cost(found: costs.Cost) -> Cell:
    return f"{found}, some tasks by a guess of their time" if found.is_guess else str(found)


def _refused(text: str) -> Part:
    return Notice(id=_PART, heading="This run could not be started", text=text, state="FAILED")


def plan(steps: Sequence[runs.Step], earlier: Mapping[str, Sequence[float]]) -> tuple[Part, ...]:
    """Show a plan: in sum, and task by task; what iterations of a loop have in common is said once."""
    called = told_apart({runs.static(s.task): s.display_name for s in steps})
    same = Counter((runs.static(s.task), s.decision, _reason(s), s.unseen) for s in steps)
    took = {task: costs.expected(task, seconds).seconds for task, seconds in earlier.items() if seconds}
    running = [runs.static(s.task) for s in steps if s.decision == "run"]
    unknown = {task for task in running if task not in took}
    pairs: list[tuple[str, Cell]] = [
        ("Tasks", f"{_begun(runs.tally_ahead(steps).said(would=True))}."),
        ("All tasks together, by what they took before", _together([took[t] for t in running if t in took], unknown)),
        ("Cost", _cost(runs.estimate(_PRICES, steps, earlier))),
    ]
    table = Table(
        id=f"{_PART}-tasks",
        columns=_COLUMNS,
        rows=[
            (
                named(called(task), task),
                _WOULD[decision],
                times,
                Seconds(seconds=took[task]) if task in took else None,
                "; ".join((reason, *(f"the content behind its parameter {name} is not looked at" for name in unseen))),
            )
            for (task, decision, reason, unseen), times in same.items()
        ],
        nothing=_NOTHING,
    )
    return (Facts(id=_PART, heading="What would run", pairs=pairs), table)
