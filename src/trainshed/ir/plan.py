"""From a checked document to leaf tasks: nested DAGs are unfolded, each input knows where its value comes from.

A DAG's outputs are looked up in its subtasks, so that a leaf depends on leaves alone. What waits for a nested DAG waits
for all its leaves; a leaf without upstream inside its DAG waits for what the DAG waits for.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from trainshed.ir.check import component_of, dependencies
from trainshed.ir.load import Document
from trainshed.ir.model import (
    ABSENT,
    ArtifactInput,
    ArtifactOutput,
    Constant,
    ParameterDefinition,
    ParameterInput,
    Plan,
    RunParameter,
    Source,
    Task,
    TaskArtifact,
    TaskParameter,
)
from trainshed.ir.parameters import LEGACY_TYPES
from trainshed.ir.resources import custom_job_container, resources, retry

Sources = tuple[Source, ...]
Artifacts = tuple[TaskArtifact, ...]


def plan(document: Document) -> Plan:
    """Plan a document that `check` found no error in."""
    spec = document.spec
    planner = _Planner(spec, document.executors)
    root = spec["root"]
    definitions = root.get("inputDefinitions", {}).get("parameters", {})
    runtime = spec.get("runtimeParameters", {})
    scope = _Scope(prefix="", parameters={name: (RunParameter(name=name),) for name in (*definitions, *runtime)})
    planner.unfold(root, scope)
    outputs = planner.outputs_of(root, "")
    return Plan(
        name=spec["pipelineInfo"]["name"],
        schema_version=spec["schemaVersion"],
        tasks=planner.tasks,
        parameters={name: _definition(d) for name, d in definitions.items()},
        output_parameters={k: v for k, v in outputs.parameters.items() if v is not None},
        output_artifacts=outputs.artifacts,
        default_root=spec.get("defaultPipelineRoot", ""),
    )


@dataclass(frozen=True, kw_only=True)
class _Scope:
    """What a DAG's tasks see: its path, its inputs, and what it waits for."""

    prefix: str
    parameters: Mapping[str, Sources]
    artifacts: Mapping[str, Artifacts] = field(default_factory=dict)
    upstream: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class _Outputs:
    parameters: Mapping[str, TaskParameter]
    artifacts: Mapping[str, Artifacts]


class _Planner:
    def __init__(self, spec: Mapping[str, Any], executors: Mapping[str, Any]) -> None:
        self._spec = spec
        self._executors = executors
        self._leaves: dict[str, tuple[str, ...]] = {}  # path of a task -> the leaf tasks it stands for
        self._dags: dict[str, Mapping[str, Any]] = {}  # path of a nested DAG -> its component
        self.tasks: dict[str, Task] = {}

    def unfold(self, component: Mapping[str, Any], scope: _Scope) -> tuple[str, ...]:
        """Add the leaves of a DAG; answer their names."""
        tasks = component["dag"].get("tasks", {})
        leaves: list[str] = []
        for name in in_order({n: dependencies(t) for n, t in tasks.items()}):
            leaves += self._add(name, tasks[name], scope)
        return tuple(leaves)

    def outputs_of(self, component: Mapping[str, Any], prefix: str) -> _Outputs:
        """Say which leaves' outputs are a DAG's."""
        outputs = component["dag"].get("outputs", {})
        parameters = {
            key: self._parameter(
                prefix + o["valueFromParameter"]["producerSubtask"], o["valueFromParameter"]["outputParameterKey"]
            )
            for key, o in outputs.get("parameters", {}).items()
            if "valueFromParameter" in o
        }
        artifacts = {
            key: tuple(
                found
                for s in o.get("artifactSelectors", ())
                for found in self._artifact(prefix + s["producerSubtask"], s["outputArtifactKey"])
            )
            for key, o in outputs.get("artifacts", {}).items()
        }
        return _Outputs(parameters=parameters, artifacts=artifacts)

    def _add(self, name: str, task: Mapping[str, Any], scope: _Scope) -> tuple[str, ...]:
        path = scope.prefix + name
        component = component_of(self._spec, task)
        before = sorted(dependencies(task))
        upstream = (
            tuple(dict.fromkeys(leaf for b in before for leaf in self._leaves[scope.prefix + b])) or scope.upstream
        )
        inputs = task.get("inputs", {})
        parameters = self._parameters(inputs.get("parameters", {}), scope)
        artifacts = {k: self._artifact_source(s, scope) for k, s in inputs.get("artifacts", {}).items()}
        if "dag" in component:
            defaults = _defaults(component)
            inner = _Scope(
                prefix=f"{path}.",
                parameters={k: parameters.get(k, ()) + defaults.get(k, ()) for k in {*parameters, *defaults}},
                artifacts=artifacts,
                upstream=upstream,
            )
            self._dags[path] = component
            self._leaves[path] = self.unfold(component, inner) or upstream
        else:
            self.tasks[path] = self._leaf(path, task, component, parameters, artifacts, upstream)
            self._leaves[path] = (path,)
        return self._leaves[path]

    def _parameters(self, inputs: Mapping[str, Any], scope: _Scope) -> dict[str, Sources]:
        found: dict[str, Sources] = {}
        for key, source in inputs.items():
            if "runtimeValue" in source:
                found[key] = _runtime_value(source["runtimeValue"], found)
            elif "componentInputParameter" in source:
                found[key] = scope.parameters.get(source["componentInputParameter"], ())
            elif "taskOutputParameter" in source:
                output = source["taskOutputParameter"]
                found[key] = (self._parameter(scope.prefix + output["producerTask"], output["outputParameterKey"]),)
        return found

    def _artifact_source(self, source: Mapping[str, Any], scope: _Scope) -> Artifacts:
        if "componentInputArtifact" in source:
            return scope.artifacts.get(source["componentInputArtifact"], ())
        output = source["taskOutputArtifact"]
        return self._artifact(scope.prefix + output["producerTask"], output["outputArtifactKey"])

    def _parameter(self, path: str, key: str) -> TaskParameter:
        while path in self._dags:
            selector = self._dags[path]["dag"]["outputs"]["parameters"][key]["valueFromParameter"]
            path, key = f"{path}.{selector['producerSubtask']}", selector["outputParameterKey"]
        return TaskParameter(task=path, key=key)

    def _artifact(self, path: str, key: str) -> Artifacts:
        while path in self._dags:
            (selector,) = self._dags[path]["dag"]["outputs"]["artifacts"][key]["artifactSelectors"]
            path, key = f"{path}.{selector['producerSubtask']}", selector["outputArtifactKey"]
        return (TaskArtifact(task=path, key=key),)

    def _leaf(
        self,
        path: str,
        task: Mapping[str, Any],
        component: Mapping[str, Any],
        parameters: Mapping[str, Sources],
        artifacts: Mapping[str, Artifacts],
        upstream: tuple[str, ...],
    ) -> Task:
        executor = custom_job_container(self._executors[component["executorLabel"]])
        caching = task.get("cachingOptions", {})
        outputs = component.get("outputDefinitions", {})
        info = task.get("taskInfo", {})
        return Task(
            name=path,
            component=task["componentRef"]["name"],
            display_name=info.get("name", "") or path.rsplit(".", 1)[-1],
            parameters=_leaf_parameters(component, parameters),
            artifacts=_leaf_artifacts(component, artifacts),
            output_parameters={k: _type(d) for k, d in outputs.get("parameters", {}).items()},
            output_artifacts={k: _artifact_output(d) for k, d in outputs.get("artifacts", {}).items()},
            upstream=upstream,
            executor=executor,
            retry=retry(task),
            caching=bool(caching.get("enableCache", False)),
            fixed_key=caching.get("cacheKey", ""),
            resources=resources(executor),
        )


def in_order(before: Mapping[str, set[str]]) -> Iterator[str]:
    """Walk names so that each comes after those it waits for; ties in the document's order."""
    waiting = {name: len(upstream & set(before)) for name, upstream in before.items()}
    after: dict[str, list[str]] = {name: [] for name in before}
    for name, upstream in before.items():
        for other in upstream & set(before):
            after[other].append(name)
    ready = [name for name, count in waiting.items() if count == 0]
    for name in ready:
        yield name
        for other in after[name]:
            waiting[other] -= 1
            if waiting[other] == 0:
                ready.append(other)


def _runtime_value(value: Mapping[str, Any], scope: Mapping[str, Sources]) -> Sources:
    if "runtimeParameter" in value:
        return (RunParameter(name=value["runtimeParameter"]),)
    if "constantValue" in value:  # schema 2.0.0: {"intValue": "3"}
        ((kind, constant),) = value["constantValue"].items() or (("stringValue", ""),)
        return (Constant(value=int(constant) if kind == "intValue" else constant, scope=scope),)
    return (Constant(value=value.get("constant"), scope=scope),)


def _type(definition: Mapping[str, Any]) -> str:
    legacy = LEGACY_TYPES.get(definition.get("type", ""), "STRING")
    return str(definition.get("parameterType", legacy))


def _definition(definition: Mapping[str, Any]) -> ParameterDefinition:
    return ParameterDefinition(
        type=_type(definition),
        default=definition.get("defaultValue", ABSENT),
        is_optional=bool(definition.get("isOptional", False)),
    )


def _defaults(component: Mapping[str, Any]) -> dict[str, Sources]:
    parameters = component.get("inputDefinitions", {}).get("parameters", {})
    return {k: (Constant(value=d["defaultValue"]),) for k, d in parameters.items() if "defaultValue" in d}


def _leaf_parameters(component: Mapping[str, Any], given: Mapping[str, Sources]) -> dict[str, ParameterInput]:
    defaults = _defaults(component)
    definitions = component.get("inputDefinitions", {}).get("parameters", {})
    return {
        key: ParameterInput(
            type=_type(d),
            sources=given.get(key, ()) + defaults.get(key, ()),
            is_optional=bool(d.get("isOptional", False)),
        )
        for key, d in definitions.items()
    }


def _leaf_artifacts(component: Mapping[str, Any], given: Mapping[str, Artifacts]) -> dict[str, ArtifactInput]:
    definitions = component.get("inputDefinitions", {}).get("artifacts", {})
    return {
        key: ArtifactInput(sources=given.get(key, ()), is_optional=bool(d.get("isOptional", False)))
        for key, d in definitions.items()
    }


def _artifact_output(definition: Mapping[str, Any]) -> ArtifactOutput:
    schema = dict(definition.get("artifactType", {}))
    legacy = {k: next(iter(v.values()), None) for k, v in definition.get("properties", {}).items()}
    legacy |= {k: next(iter(v.values()), None) for k, v in definition.get("customProperties", {}).items()}
    return ArtifactOutput(
        schema=schema,
        metadata=legacy | definition.get("metadata", {}),
        is_list=bool(definition.get("isArtifactList", False)),
    )
