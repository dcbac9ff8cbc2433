"""Everything wrong with a document, all at once, and what this engine does not execute, by name."""

from collections.abc import Iterator, Mapping
from typing import Any

from trainshed.errors import Finding
from trainshed.ir.load import Document
from trainshed.ir.refuse import refusals

SCHEMA_VERSIONS = ("2.1.0", "2.0.0")
_TASKS = 20_000  # after nested pipelines are unfolded


def check(document: Document) -> list[Finding]:
    """Answer every finding; errors block, warnings do not. Broken structure first, and alone when there is any."""
    spec = document.spec
    findings = list(_frame(spec))
    for path, component in _dags(spec):
        findings += _check_dag(spec, document.executors, path, component)
    if not findings:
        findings += _recursion(spec)
    return findings or list(refusals(document))


def dependencies(task: Mapping[str, Any]) -> set[str]:
    """Answer the sibling tasks that a task waits for: `dependentTasks` plus the producers of its inputs."""
    found = set(task.get("dependentTasks", ()))
    inputs = task.get("inputs", {})
    for source in inputs.get("parameters", {}).values():
        for kind in ("taskOutputParameter", "taskFinalStatus"):
            if kind in source:
                found.add(source[kind].get("producerTask", ""))
    for source in inputs.get("artifacts", {}).values():
        if "taskOutputArtifact" in source:
            found.add(source["taskOutputArtifact"].get("producerTask", ""))
    return found


def component_of(spec: Mapping[str, Any], task: Mapping[str, Any]) -> Mapping[str, Any]:
    """Answer the component that a task is an instance of; empty when there is none."""
    found: Mapping[str, Any] = spec.get("components", {}).get(task.get("componentRef", {}).get("name", ""), {})
    return found


def _error(path: str, message: str) -> Finding:
    return Finding(severity="error", path=path, message=message)


def _frame(spec: Mapping[str, Any]) -> Iterator[Finding]:
    version = spec.get("schemaVersion", "")
    if version not in SCHEMA_VERSIONS:
        known = " and ".join(SCHEMA_VERSIONS)
        yield _error("schemaVersion", f"{version!r} is not a schema that is read here ({known}); compile with kfp 2")
    if not spec.get("pipelineInfo", {}).get("name"):
        yield _error("pipelineInfo.name", "the pipeline has no name")
    if "dag" not in spec.get("root", {}):
        yield _error("root", "there is no root.dag: nothing to run; this is not a compiled pipeline")


def _dags(spec: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if "dag" in spec.get("root", {}):
        yield "root", spec["root"]
    for name, component in spec.get("components", {}).items():
        if "dag" in component:
            yield f"components.{name}", component


def _check_dag(
    spec: Mapping[str, Any], executors: Mapping[str, Any], path: str, component: Mapping[str, Any]
) -> Iterator[Finding]:
    tasks = component["dag"].get("tasks", {})
    for name, task in tasks.items():
        here = f"{path}.dag.tasks.{name}"
        yield from _check_component(spec, executors, here, task)
        yield from _check_inputs(spec, here, task, tasks, component)
        for upstream in sorted(dependencies(task) - set(tasks)):
            yield _error(here, f"waits for task {upstream!r}, which is not in the same DAG")
    yield from _check_outputs(spec, path, component, tasks)
    cycle = find_cycle({name: dependencies(task) & set(tasks) for name, task in tasks.items()})
    if cycle:
        yield _error(f"{path}.dag.tasks", f"tasks wait for each other in a circle: {' -> '.join(cycle)}")


def _check_component(
    spec: Mapping[str, Any], executors: Mapping[str, Any], here: str, task: Mapping[str, Any]
) -> Iterator[Finding]:
    name = task.get("componentRef", {}).get("name", "")
    component = spec.get("components", {}).get(name)
    if component is None:
        yield _error(f"{here}.componentRef.name", f"there is no component {name!r}")
    elif "dag" not in component and component.get("executorLabel", "") not in executors:
        label = component.get("executorLabel", "")
        yield _error(f"components.{name}.executorLabel", f"there is no executor {label!r} in deploymentSpec.executors")


def _check_inputs(
    spec: Mapping[str, Any], here: str, task: Mapping[str, Any], tasks: Mapping[str, Any], parent: Mapping[str, Any]
) -> Iterator[Finding]:
    defined = component_of(spec, task).get("inputDefinitions", {})
    around = parent.get("inputDefinitions", {})
    for kind, single in (("parameters", "Parameter"), ("artifacts", "Artifact")):
        for key, source in task.get("inputs", {}).get(kind, {}).items():
            where = f"{here}.inputs.{kind}.{key}"
            if kind == "artifacts" and task.get("componentRef") and key not in defined.get(kind, {}):
                yield _error(where, f"the component has no such input {single.lower()}")
            outer = source.get(f"componentInput{single}")
            if outer and outer not in around.get(kind, {}) and "-loop-item" not in outer:
                yield _error(where, f"the surrounding pipeline has no input {single.lower()} {outer!r}")
            produced = source.get(f"taskOutput{single}")
            if produced and produced.get("producerTask") in tasks:
                output = produced.get(f"output{single}Key", "")
                producer = component_of(spec, tasks[produced["producerTask"]])
                if producer and output not in producer.get("outputDefinitions", {}).get(kind, {}):
                    yield _error(where, f"task {produced['producerTask']!r} has no output {single.lower()} {output!r}")


def _check_outputs(
    spec: Mapping[str, Any], path: str, component: Mapping[str, Any], tasks: Mapping[str, Any]
) -> Iterator[Finding]:
    for kind, key, selector in selectors(component):
        name = selector.get("producerSubtask", "")
        where = f"{path}.dag.outputs.{kind}s.{key}"
        if name not in tasks:
            yield _error(where, f"there is no task {name!r} to take it from")
            continue
        output = selector.get(f"output{kind.capitalize()}Key", "")
        producer = component_of(spec, tasks[name])
        if producer and output not in producer.get("outputDefinitions", {}).get(f"{kind}s", {}):
            yield _error(where, f"task {name!r} has no output {kind} {output!r}")


def selectors(component: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Walk a DAG's outputs: (parameter or artifact, name, selector)."""
    outputs = component["dag"].get("outputs", {})
    for key, output in outputs.get("parameters", {}).items():
        for selector in (
            output.get("valueFromParameter"),
            *output.get("valueFromOneof", {}).get("parameterSelectors", ()),
        ):
            if selector is not None:
                yield "parameter", key, selector
    for key, output in outputs.get("artifacts", {}).items():
        for selector in output.get("artifactSelectors", ()):
            yield "artifact", key, selector


def find_cycle(after: Mapping[str, set[str]]) -> list[str]:
    """Answer one circle of names, closed, or nothing."""
    done: set[str] = set()
    for start in after:
        path: dict[str, Iterator[str]] = {}
        if start not in done:
            path[start] = iter(sorted(after[start]))
        while path:
            name = next(reversed(path))
            following = next((n for n in path[name] if n not in done), None)
            if following is None:
                done.add(name)
                del path[name]
            elif following in path:
                names = list(path)
                return [*names[names.index(following) :], following]
            else:
                path[following] = iter(sorted(after.get(following, ())))
    return []


def _recursion(spec: Mapping[str, Any]) -> Iterator[Finding]:
    uses = {
        name: {t.get("componentRef", {}).get("name", "") for t in c.get("dag", {}).get("tasks", {}).values()}
        for name, c in spec.get("components", {}).items()
    }
    cycle = find_cycle(uses)
    if cycle:
        yield _error("components", f"components contain each other in a circle: {' -> '.join(cycle)}")
        return
    sizes: dict[str, int] = {}
    root = {t.get("componentRef", {}).get("name", "") for t in spec["root"]["dag"].get("tasks", {}).values()}
    for name in _inside_out(uses, root):
        inside = spec["components"][name].get("dag", {}).get("tasks", {}).values()
        sizes[name] = sum(sizes[t["componentRef"]["name"]] for t in inside) if inside else 1
    total = sum(sizes[t["componentRef"]["name"]] for t in spec["root"]["dag"].get("tasks", {}).values())
    if total > _TASKS:
        yield _error(
            "root", f"the pipeline has {total} tasks once nested pipelines are unfolded; the limit is {_TASKS}"
        )


def _inside_out(uses: Mapping[str, set[str]], wanted: set[str]) -> Iterator[str]:
    done: set[str] = set()
    stack = [(name, False) for name in sorted(wanted)]
    while stack:
        name, is_entered = stack.pop()
        if name in done:
            continue
        if is_entered:
            done.add(name)
            yield name
        else:
            stack.append((name, True))
            stack.extend((inner, False) for inner in sorted(uses.get(name, ())))
