"""From a checked document to DAGs of tasks, where each input knows where its value comes from.

A component is planned once and shared by all tasks that are instances of it: a document with few components can stand
for very many tasks.
"""

import functools
import re
from collections.abc import Iterator, Mapping
from typing import Any

from trainshed.ir.check import component_of, dependencies
from trainshed.ir.drivers import with_driver
from trainshed.ir.load import Document
from trainshed.ir.model import (
    ABSENT,
    ArtifactDefinition,
    ArtifactOutput,
    Constant,
    Dag,
    GivenArtifact,
    GivenParameter,
    InputArtifact,
    InputParameter,
    Loop,
    ParameterDefinition,
    Plan,
    Retry,
    Task,
    TaskArtifact,
    TaskParameter,
)
from trainshed.ir.parameters import LEGACY_TYPES
from trainshed.ir.resources import custom_job_container, resources, retry, timeout_seconds
from trainshed.ir.sources import given_parameter, legacy_value, parameter_source

_COUNTED = re.compile(r"([^0-9]*)([0-9]*)")
_ONCE = Retry()


def plan(document: Document) -> Plan:
    """Plan a document that `check` found no error in."""
    spec = document.spec
    root = spec["root"]
    kubernetes = _within(document.platform, "platforms", "kubernetes")
    planner = _Planner(spec, document.executors, _within(kubernetes, "deploymentSpec", "executors"))
    return Plan(
        name=spec["pipelineInfo"]["name"],
        schema_version=spec["schemaVersion"],
        root=planner.dag("root", root, None),
        parameters=_runtime_parameters(spec) | _parameters(root),
        artifacts={
            key: _artifact_definition(found)
            for key, found in root.get("inputDefinitions", {}).get("artifacts", {}).items()
        },
        artifact_outputs=_output_artifacts(root),
        default_root=spec.get("defaultPipelineRoot", ""),
        has_workspace="workspace" in _within(kubernetes, "pipelineConfig"),
        deadline_seconds=float(_within(kubernetes, "pipelineConfig").get("activeDeadlineSeconds", 0)),
        sdk_version=spec.get("sdkVersion", ""),
    )


class _Planner:
    def __init__(
        self, spec: Mapping[str, Any], executors: Mapping[str, Any], platforms: Mapping[str, Mapping[str, Any]]
    ) -> None:
        self._spec = spec
        self._executors = executors
        self._platforms = platforms
        self._run_parameters = _Threaded(spec)
        self._dags: dict[tuple[str, Retry | None], Dag] = {}
        self._definitions: dict[str, dict[str, Any]] = {}
        self._given: dict[tuple[tuple[str, Any], ...], Mapping[str, Any]] = {}
        self._words: dict[str, str] = {}

    def dag(self, name: str, component: Mapping[str, Any], inherited: Retry | None) -> Dag:
        """Plan a DAG component; `inherited` is the retry policy of the task that it is the body of."""
        key = (name, inherited)
        if key not in self._dags:
            tasks = component["dag"].get("tasks", {})
            outputs = component["dag"].get("outputs", {})
            self._dags[key] = Dag(
                component=name,
                tasks={
                    task.name: task
                    for n in in_order({n: dependencies(tasks[n]) for n in sorted(tasks, key=_counting)})
                    for task in with_driver(self._task(n, tasks[n], inherited), tasks)
                },
                output_parameters={k: _parameter_sources(o) for k, o in outputs.get("parameters", {}).items()},
                output_artifacts={k: _artifact_sources(o) for k, o in outputs.get("artifacts", {}).items()},
            )
        return self._dags[key]

    def _task(self, name: str, task: Mapping[str, Any], inherited: Retry | None) -> Task:
        reference = task["componentRef"]["name"]
        component = component_of(self._spec, task)
        policy = retry(task) if "retryPolicy" in task else inherited
        inputs = task.get("inputs", {})
        caching = task.get("cachingOptions", {})
        trigger = task.get("triggerPolicy", {})
        threaded = {n: GivenParameter(source=InputParameter(name=n)) for n in self._run_parameters.of(reference)}
        given = threaded | {k: given_parameter(s) for k, s in inputs.get("parameters", {}).items()}
        return Task(
            name=self._word(name),
            component=self._word(reference),
            display_name=self._word(task.get("taskInfo", {}).get("name", "") or name),
            given_parameters=self._shared(given),
            given_artifacts=self._shared({k: self._given_artifact(s) for k, s in inputs.get("artifacts", {}).items()}),
            upstream=tuple(self._word(other) for other in sorted(dependencies(task))),
            condition=trigger.get("condition", ""),
            runs_after_failure=trigger.get("strategy") == "ALL_UPSTREAM_TASKS_COMPLETED",
            loop=_loop(task),
            body=self.dag(reference, component, policy) if "dag" in component else None,
            retry=policy or _ONCE,
            caching=bool(caching.get("enableCache", False)),
            fixed_key=caching.get("cacheKey", ""),
            **self._definition(reference, component),
        )

    def _given_artifact(self, source: Mapping[str, Any]) -> GivenArtifact:
        if "componentInputArtifact" in source:
            return InputArtifact(name=self._word(source["componentInputArtifact"]))
        output = source["taskOutputArtifact"]
        return TaskArtifact(task=self._word(output["producerTask"]), key=self._word(output["outputArtifactKey"]))

    def _word(self, word: str) -> str:
        """Answer the first one that is the same; a document says each name anew wherever it means it."""
        return self._words.setdefault(word, word)

    def _shared(self, given: dict[str, Any]) -> Mapping[str, Any]:
        """Answer the first mapping that says the same; of thousands of tasks most are given the same."""
        if any(isinstance(found, GivenParameter) and isinstance(found.source, Constant) for found in given.values()):
            return given  # 1 equals True, and lists have no hash
        return self._given.setdefault(tuple(given.items()), given)

    def _definition(self, name: str, component: Mapping[str, Any]) -> dict[str, Any]:
        """Plan what all tasks of a component share, once."""
        if name not in self._definitions:
            inputs, outputs = component.get("inputDefinitions", {}), component.get("outputDefinitions", {})
            threaded = {n: ParameterDefinition(type="STRING", is_optional=True) for n in self._run_parameters.of(name)}
            self._definitions[name] = {
                "parameters": threaded | _parameters(component),
                "artifacts": {k: _artifact_definition(d) for k, d in inputs.get("artifacts", {}).items()},
                "output_parameters": {k: _type(d) for k, d in outputs.get("parameters", {}).items()},
                "output_artifacts": _output_artifacts(component),
            } | ({} if "dag" in component else self._execution(component["executorLabel"]))
        return self._definitions[name]

    def _execution(self, label: str) -> dict[str, Any]:
        given = self._executors[label]
        executor = custom_job_container(given)
        platform = _within(self._platforms, label)
        return {
            "executor": executor,
            "platform": platform,
            "timeout_seconds": timeout_seconds(given, platform),
            "resources": resources(executor),
        }


class _Threaded:
    """Which parameters of the run a component's tasks name although the component does not declare them.

    Schema 2.0.0 lets any task name a parameter of the run; they are handed down as inputs of the DAGs between.
    """

    def __init__(self, spec: Mapping[str, Any]) -> None:
        self._components = spec.get("components", {})
        self._known: dict[str, frozenset[str]] = {}
        self._run = frozenset(spec.get("runtimeParameters", {}))
        self._run |= frozenset(spec["root"].get("inputDefinitions", {}).get("parameters", {}))

    def of(self, name: str) -> frozenset[str]:
        if name not in self._known:
            component = self._components[name]
            named: frozenset[str] = frozenset()
            for task in component.get("dag", {}).get("tasks", {}).values():
                sources = task.get("inputs", {}).get("parameters", {}).values()
                named |= {
                    s["runtimeValue"]["runtimeParameter"]
                    for s in sources
                    if "runtimeParameter" in s.get("runtimeValue", {})
                }
                named |= self.of(task["componentRef"]["name"])
            declared = component.get("inputDefinitions", {}).get("parameters", {})
            self._known[name] = (named & self._run) - frozenset(declared)
        return self._known[name]


def _counting(name: str) -> list[tuple[str, int]]:
    """Sort step-2 before step-10. The document's own order is no part of it: two that differ in nothing else are one."""
    return [(text, int(number or 0)) for text, number in _COUNTED.findall(name)]


def in_order(before: Mapping[str, set[str]]) -> Iterator[str]:
    """Walk names so that each comes after those it waits for; ties in the order given."""
    waiting = {name: sum(other in before for other in upstream) for name, upstream in before.items()}
    after: dict[str, list[str]] = {name: [] for name in before}
    for name, upstream in before.items():
        for other in sorted(upstream):
            if other in after:
                after[other].append(name)
    ready = [name for name, count in waiting.items() if count == 0]
    for name in ready:
        yield name
        for other in after[name]:
            waiting[other] -= 1
            if waiting[other] == 0:
                ready.append(other)


def _loop(task: Mapping[str, Any]) -> Loop | None:
    limit = int(task.get("iteratorPolicy", {}).get("parallelismLimit", 0))
    if "artifactIterator" in task:
        iterator = task["artifactIterator"]
        artifact = InputArtifact(name=iterator["items"]["inputArtifact"])
        return Loop(item=iterator["itemInput"], source=artifact, parallelism=limit)
    if "parameterIterator" in task:
        iterator = task["parameterIterator"]
        items = iterator["items"]
        named = "inputParameter" in items
        source = InputParameter(name=items["inputParameter"]) if named else Constant(value=items.get("raw", ""))
        return Loop(item=iterator["itemInput"], source=source, parallelism=limit)
    return None


def _parameter_sources(output: Mapping[str, Any]) -> tuple[TaskParameter, ...]:
    one = [output["valueFromParameter"]] if "valueFromParameter" in output else []
    selectors = one + output.get("valueFromOneof", {}).get("parameterSelectors", [])
    return tuple(TaskParameter(task=s["producerSubtask"], key=s["outputParameterKey"]) for s in selectors)


def _artifact_sources(output: Mapping[str, Any]) -> tuple[TaskArtifact, ...]:
    selectors = output.get("artifactSelectors", ())
    return tuple(TaskArtifact(task=s["producerSubtask"], key=s["outputArtifactKey"]) for s in selectors)


def _type(definition: Mapping[str, Any]) -> str:
    legacy = LEGACY_TYPES.get(definition.get("type", ""), "STRING")
    return str(definition.get("parameterType", legacy))


def _parameters(component: Mapping[str, Any]) -> dict[str, ParameterDefinition]:
    definitions = component.get("inputDefinitions", {}).get("parameters", {})
    return {
        name: ParameterDefinition(
            type=_type(d),
            default=d.get("defaultValue", ABSENT),
            is_optional=bool(d.get("isOptional", False)),
            literals=tuple(d.get("literals", ())),
        )
        for name, d in definitions.items()
    }


def _runtime_parameters(spec: Mapping[str, Any]) -> dict[str, ParameterDefinition]:
    """Read what schema 2.0.0 may declare beside the root's inputs."""
    return {
        name: ParameterDefinition(
            type=_type(d), default=legacy_value(d["defaultValue"]) if "defaultValue" in d else ABSENT
        )
        for name, d in spec.get("runtimeParameters", {}).items()
    }


def _artifact_definition(definition: Mapping[str, Any]) -> ArtifactDefinition:
    return ArtifactDefinition(
        is_optional=bool(definition.get("isOptional", False)), is_list=bool(definition.get("isArtifactList", False))
    )


def _output_artifacts(component: Mapping[str, Any]) -> dict[str, ArtifactOutput]:
    definitions = component.get("outputDefinitions", {}).get("artifacts", {})
    return {name: _artifact_output(d) for name, d in definitions.items()}


def _artifact_output(definition: Mapping[str, Any]) -> ArtifactOutput:
    legacy = definition.get("properties", {}) | definition.get("customProperties", {})
    properties = {k: parameter_source({"runtimeValue": v}) for k, v in legacy.items()}
    return ArtifactOutput(
        schema=dict(definition.get("artifactType", {})),
        metadata={k: v.value for k, v in properties.items() if isinstance(v, Constant)}
        | definition.get("metadata", {}),
        is_list=bool(definition.get("isArtifactList", False)),
    )


def _within(document: Any, *names: str) -> Mapping[str, Any]:
    """Go down by names; an empty mapping where there is none."""
    found = functools.reduce(lambda d, n: d.get(n, {}) if isinstance(d, Mapping) else {}, names, document)
    return found if isinstance(found, Mapping) else {}
