"""What TFX's compiler leaves out, put in before a document is checked.

- A parameter that another task gives is asked of `NAME_task`, while that task is called `NAME`.
- Below an exit handler's `tfx-dag`, tasks take runtime parameters that only the pipeline itself has.
- A condition may read an artifact as `_PRODUCER.KEY`, which its task takes under another name.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

_SUFFIX = "_task"
_READ = re.compile(r"inputs\.artifacts\[['\"](_[^'\"]+)['\"]\]")


def completed(spec: Mapping[str, Any]) -> Mapping[str, Any]:
    """Answer a document of TFX, which may not say that it is one, with what is missing; one of kfp as it is."""
    if str(spec.get("sdkVersion", "")).startswith("kfp") or not _lacks_something(spec):
        return spec
    found: dict[str, Any] = _copied(spec)
    for component in _dags(found):
        tasks = component["dag"].get("tasks", {})
        for task in tasks.values():
            _name_producers(task, tasks)
            _add_what_the_condition_reads(task, found.get("components", {}))
    _hand_down(found)
    return found


def _copied(part: Any) -> Any:
    """Copy every part for itself: parts that are equal may be one and the same."""
    if isinstance(part, Mapping):
        return {key: _copied(value) for key, value in part.items()}
    return [_copied(value) for value in part] if isinstance(part, list) else part


def _lacks_something(spec: Mapping[str, Any]) -> bool:
    """Whether a copy is worth its time."""
    for component in _dags(spec):
        tasks = component["dag"].get("tasks", {})
        for task in tasks.values():
            sources = task.get("inputs", {}).get("parameters", {}).values()
            producers = [s["taskOutputParameter"].get("producerTask") for s in sources if "taskOutputParameter" in s]
            if any(name not in tasks for name in producers) or _read_by_condition(task):
                return True
    known = set(spec.get("root", {}).get("inputDefinitions", {}).get("parameters", {}))
    return any(
        (_asked(component) & known) - set(component.get("inputDefinitions", {}).get("parameters", {}))
        for component in spec.get("components", {}).values()
    )


def _dags(spec: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for component in (spec.get("root", {}), *spec.get("components", {}).values()):
        if "dag" in component:
            yield component


def _name_producers(task: Mapping[str, Any], tasks: Mapping[str, Any]) -> None:
    for source in task.get("inputs", {}).get("parameters", {}).values():
        output = source.get("taskOutputParameter", {})
        name = str(output.get("producerTask", ""))
        if name not in tasks and name.removesuffix(_SUFFIX) in tasks:
            output["producerTask"] = name.removesuffix(_SUFFIX)


def _add_what_the_condition_reads(task: dict[str, Any], components: Mapping[str, Any]) -> None:
    taken = task.get("inputs", {}).get("artifacts", {})
    definitions = components.get(task.get("componentRef", {}).get("name", ""), {}).get("inputDefinitions", {})
    sources = {
        f"_{output.get('producerTask', '')}.{output.get('outputArtifactKey', '')}": key
        for key, source in taken.items()
        if (output := source.get("taskOutputArtifact"))
    }
    for name in _read_by_condition(task):
        key = sources.get(name)
        if name not in taken and key in definitions.get("artifacts", {}):
            taken[name] = taken[key]
            definitions["artifacts"][name] = definitions["artifacts"][key]


def _read_by_condition(task: Mapping[str, Any]) -> list[str]:
    return _READ.findall(task.get("triggerPolicy", {}).get("condition", ""))


def _hand_down(spec: Mapping[str, Any]) -> None:
    """Give parameters of the pipeline to the DAGs in it whose tasks ask for them."""
    root = spec.get("root", {})
    known = root.get("inputDefinitions", {}).get("parameters", {})
    for task in root.get("dag", {}).get("tasks", {}).values():
        component = spec.get("components", {}).get(task.get("componentRef", {}).get("name", ""), {})
        for name in _asked(component) & set(known):
            defined = component.setdefault("inputDefinitions", {}).setdefault("parameters", {})
            given = task.setdefault("inputs", {}).setdefault("parameters", {})
            defined.setdefault(name, known[name])
            given.setdefault(name, {"componentInputParameter": name})


def _asked(component: Mapping[str, Any]) -> set[str]:
    return {
        str(source["componentInputParameter"])
        for task in component.get("dag", {}).get("tasks", {}).values()
        for source in task.get("inputs", {}).get("parameters", {}).values()
        if "componentInputParameter" in source
    }
