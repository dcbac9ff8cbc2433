"""What a DAG's tasks are given and what they give: inputs from what surrounds them, conditions, loops, outputs.

Pure: a DAG instance's surroundings go in, values come out. Nothing is converted on the way, for declared types may lie
and an integer stays one; only a leaf that wants a text gets one.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from trainshed.ir import conditions, drivers
from trainshed.ir.model import (
    ABSENT,
    ArtifactValue,
    Constant,
    Dag,
    FinalStatus,
    GivenParameter,
    InputArtifact,
    InputParameter,
    ParameterDefinition,
    Plan,
    Task,
)
from trainshed.ir.sources import given_parameter, is_source
from trainshed.ir.values import INPUT_PARAMETER, RunFacts, as_text, filled, filled_text, of_run, typed

_PLATFORMS = "TASK_CONFIG"  # a parameter that the platform fills in, if at all


@dataclass(frozen=True, kw_only=True)
class Outputs:
    """What a finished task gave."""

    parameters: Mapping[str, Any] = field(default_factory=dict)
    artifacts: Mapping[str, Sequence[ArtifactValue]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class TaskInputs:
    """What a task gets; absent optional inputs are not in here."""

    parameters: Mapping[str, Any] = field(default_factory=dict)  # those that its component declares
    artifacts: Mapping[str, Sequence[ArtifactValue]] = field(default_factory=dict)
    missing: tuple[str, ...] = ()  # required inputs that nothing gave
    given: Mapping[str, Any] = field(default_factory=dict)  # all parameters, undeclared ones too
    problems: tuple[str, ...] = ()  # what could not be resolved, in sentences
    platform: Mapping[str, Any] = field(
        default_factory=dict
    )  # the task's settings, with values of parameters filled in
    metadata: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # of its outputs, by its driver


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What the tasks of a DAG instance see: the DAG's own inputs, and each other."""

    parameters: Mapping[str, Any]
    artifacts: Mapping[str, Sequence[ArtifactValue]]
    outputs: Callable[[str], Outputs]  # of a task of the same instance that is final; empty when it gave nothing
    final_status: Callable[[str], Mapping[str, Any]]


def root_inputs(
    plan: Plan, parameters: Mapping[str, Any], artifacts: Mapping[str, Sequence[ArtifactValue]] | None = None
) -> TaskInputs:
    """Take a run's bound parameters and what artifacts it was given as the inputs of the pipeline's own DAG."""
    known = {name: value for name, value in parameters.items() if value is not None and value is not ABSENT}
    missing = (n for n, d in plan.parameters.items() if n not in known and not d.is_optional and d.default is ABSENT)
    return TaskInputs(parameters=known, artifacts=artifacts or {}, given=known, missing=tuple(missing))


def inputs_of(task: Task, facts: RunFacts, around: Surroundings) -> TaskInputs:
    """Resolve everything that a task is given, then add its component's defaults."""
    problems: list[str] = []
    constants: dict[str, GivenParameter] = {}
    given: dict[str, Any] = {}
    for name, wanted in task.given_parameters.items():
        if isinstance(wanted.source, Constant):
            constants[name] = wanted
        else:
            value = _selected(name, wanted, _taken(task, wanted, facts, around), problems)
            _keep(given, name, value, is_item=isinstance(wanted.source, InputParameter))
    defaults = {n: d.default for n, d in task.parameters.items() if d.default is not ABSENT and n not in given}
    _fill_constants(task, facts, given, constants, defaults, problems)
    driven = around.outputs(task.driver).parameters if task.driver else {}
    given |= drivers.changed_parameters(driven)
    given |= {n: as_text(given[n]) for n, d in task.parameters.items() if n in given and _is_text(task, d, given[n])}
    parameters = {name: given[name] for name in task.parameters if name in given}
    platform = _settled(
        task.platform, lambda g: _selected("a platform setting", g, _setting(task, g, facts, around), problems)
    )
    artifacts = _artifacts(task, around)
    return TaskInputs(
        parameters=parameters,
        artifacts={name: listed for name, listed in artifacts.items() if listed or _may_be_empty(task, name)},
        missing=tuple(_missing(task, parameters, artifacts)),
        given=given,
        problems=(*problems, *_not_accepted(task, parameters)),
        platform=platform,
        metadata=drivers.changed_metadata(driven),
    )


def holds(task: Task, inputs: TaskInputs) -> bool:
    """Tell whether a task's condition holds; one without a condition always does. Raises ValueError with a sentence."""
    if not task.condition:
        return True
    nothing = dict.fromkeys([*task.parameters, *task.given_parameters])  # an optional input that nobody gave is null
    return conditions.holds(task.condition, nothing | dict(inputs.given), inputs.artifacts)


def items_of(task: Task, inputs: TaskInputs, facts: RunFacts) -> list[Any]:
    """Answer what a loop goes over: values, or artifacts. Raises ValueError with a sentence."""
    assert task.loop is not None
    source = task.loop.source
    if isinstance(source, InputArtifact):
        return list(inputs.artifacts.get(source.name, ()))
    if isinstance(source, Constant):
        return [
            filled([item], lambda e: _of_inputs(e, inputs.given, facts))[0]
            for item in _listed(source.value, "the loop's items")
        ]
    if source.name not in inputs.given:
        raise ValueError(f"the loop {task.name!r} goes over {source.name!r}, which has no value")
    return _listed(inputs.given[source.name], f"what the loop {task.name!r} goes over ({source.name!r})")


def iteration_inputs(task: Task, inputs: TaskInputs, item: Any) -> TaskInputs:
    """Answer the inputs of a loop's body for one item."""
    assert task.loop is not None
    one = {task.loop.item: item}
    if task.loop.is_over_artifacts:
        return replace(inputs, artifacts={**inputs.artifacts, task.loop.item: [item]})
    return replace(inputs, parameters={**inputs.parameters, **one}, given={**inputs.given, **one})


def outputs_of(dag: Dag, outputs: Callable[[str], Outputs]) -> Outputs:
    """Answer a DAG's outputs from its tasks': of several sources the first that has a value."""
    parameters: dict[str, Any] = {}
    for key, sources in dag.output_parameters.items():
        found = (outputs(s.task).parameters.get(s.key) for s in sources)
        _keep(parameters, key, next((value for value in found if value is not None), ABSENT))
    artifacts: dict[str, Sequence[ArtifactValue]] = {}
    for key, chosen in dag.output_artifacts.items():
        listed = [outputs(s.task).artifacts.get(s.key) for s in chosen]
        best = next((a for a in listed if a), None) or next((a for a in listed if a is not None), None)
        if best is not None:
            artifacts[key] = best
    return Outputs(parameters=parameters, artifacts=artifacts)


def gathered(task: Task, iterations: Sequence[Outputs]) -> Outputs:
    """Collect a loop's outputs: of each parameter a list, of each artifact all, in the order of the iterations."""
    assert task.body is not None
    return Outputs(
        parameters={
            key: [each.parameters[key] for each in iterations if key in each.parameters]
            for key in task.body.output_parameters
        },
        artifacts={
            key: [artifact for each in iterations for artifact in each.artifacts.get(key, ())]
            for key in task.body.output_artifacts
        },
    )


def _is_text(task: Task, definition: ParameterDefinition, value: Any) -> bool:
    """Whether a task that does something gets a value as text: what is declared a STRING takes any value as its JSON."""
    return task.body is None and definition.type == "STRING" and not isinstance(value, str | None)


def _keep(values: dict[str, Any], name: str, value: Any, *, is_item: bool = False) -> None:
    """Keep what is a value: of nulls those that are an item of a loop, or in one. All others stand for no value."""
    if value is not ABSENT and (value is not None or is_item):
        values[name] = value


def _taken(task: Task, wanted: GivenParameter, facts: RunFacts, around: Surroundings) -> Any:
    match wanted.source:
        case InputParameter(name=outer):
            value = around.parameters.get(outer, ABSENT)
            return filled_text(value, lambda e: _of_this_task(e, task, facts)) if isinstance(value, str) else value
        case FinalStatus(task=producer):
            return dict(around.final_status(producer))
        case source:
            assert not isinstance(source, Constant)
            return around.outputs(source.task).parameters.get(source.key, ABSENT)


def _setting(task: Task, wanted: GivenParameter, facts: RunFacts, around: Surroundings) -> Any:
    if isinstance(wanted.source, Constant):
        return filled(wanted.source.value, lambda e: of_run(e, facts))
    return _taken(task, wanted, facts, around)


def _settled(value: Any, value_of: Callable[[GivenParameter], Any]) -> Any:
    """Put values where a platform's settings name sources; settings of which nothing is known are left out."""
    if is_source(value):
        return value_of(given_parameter(value))
    if isinstance(value, Mapping):
        settled = {key: _settled(each, value_of) for key, each in value.items()}
        return {key: each for key, each in settled.items() if each is not ABSENT and each is not None}
    return [_settled(each, value_of) for each in value] if isinstance(value, list) else value


def _selected(name: str, wanted: GivenParameter, value: Any, problems: list[str]) -> Any:
    if not wanted.selector or value is ABSENT or value is None:
        return value
    try:
        return conditions.select(wanted.selector, value)
    except ValueError as error:
        problems.append(f"{name}: {error}")
        return ABSENT


def _fill_constants(
    task: Task,
    facts: RunFacts,
    given: dict[str, Any],
    constants: Mapping[str, GivenParameter],
    defaults: Mapping[str, Any],
    problems: list[str],
) -> None:
    """Add constants and defaults, which may name other inputs, and each other in any order."""
    open_names: set[str] = set()

    def value_of(expression: str) -> Any:
        named = INPUT_PARAMETER.fullmatch(expression)
        if named is not None and named[1] not in given and named[1] not in open_names:
            fill(named[1])
        return _of_inputs(expression, given, facts)

    def fill(name: str) -> None:
        open_names.add(name)
        if name in constants:
            wanted = constants[name]
            assert isinstance(wanted.source, Constant)
            value = wanted.source.value
            is_text = task.parameters[name].type == "STRING" if name in task.parameters else True
            known = filled(value, value_of) if is_text or not isinstance(value, str) else typed(value, value_of)
            _keep(given, name, _selected(name, wanted, known, problems))
        if name not in given and name in defaults:
            _keep(given, name, filled(defaults[name], value_of))

    for name in [*constants, *defaults]:
        if name not in given:
            fill(name)


def _of_inputs(expression: str, given: Mapping[str, Any], facts: RunFacts) -> Any:
    named = INPUT_PARAMETER.fullmatch(expression)
    return of_run(expression, facts) if named is None else given.get(named[1], "")


def _of_this_task(expression: str, task: Task, facts: RunFacts) -> Any:
    """Answer what a parameter of the run says; about the task, only the leaf that gets it in the end knows."""
    if task.body is not None and expression.startswith(".pipeline_task_"):
        return ABSENT
    return of_run(expression, facts)


def _artifacts(task: Task, around: Surroundings) -> dict[str, Sequence[ArtifactValue]]:
    """Take artifacts; an empty list, of a loop without items or a resolver that found nothing, is given as well."""
    found: dict[str, Sequence[ArtifactValue]] = {}
    for name, source in task.given_artifacts.items():
        if isinstance(source, InputArtifact):
            listed = around.artifacts.get(source.name)
        else:
            listed = around.outputs(source.task).artifacts.get(source.key)
        if listed is not None:
            found[name] = listed
    return found


def _may_be_empty(task: Task, name: str) -> bool:
    """Whether a task is shown an empty list; for one that takes a single artifact it stands for none."""
    return task.body is not None or (name in task.artifacts and task.artifacts[name].is_list)


def _missing(
    task: Task, parameters: Mapping[str, Any], artifacts: Mapping[str, Sequence[ArtifactValue]]
) -> Sequence[str]:
    """Name required inputs without a value; what a DAG only hands on is missed by the task that needs it, if any."""
    handed_on = {*task.given_parameters, *task.given_artifacts} if task.body is not None else set()
    if task.loop is not None:
        handed_on.add(task.loop.item)
    known = (n for n, d in task.parameters.items() if not d.is_optional and d.type != _PLATFORMS)
    required = [name for name in known if name not in parameters]
    required += [n for n, a in task.artifacts.items() if not a.is_optional and n not in artifacts]
    return [name for name in required if name not in handed_on]


def _not_accepted(task: Task, parameters: Mapping[str, Any]) -> Iterator[str]:
    for name, value in parameters.items():
        literals = task.parameters[name].literals
        if literals and value not in literals:
            yield f"{name} is {as_text(value)!r}, which is none of the values that it accepts"


def _listed(value: Any, what: str) -> list[Any]:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"{what} is neither a list nor JSON text of one: {value[:80]!r}") from error
    if not isinstance(value, list):
        raise ValueError(f"{what} is {as_text(value)[:80]!r}; a loop needs a list")  # noqa: TRY004
    return value
