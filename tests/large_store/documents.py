"""The pipelines: one of twenty tasks, as trainings are, and layered ones of any number of tasks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_TITLES = {"dataset": "system.Dataset", "model": "system.Model", "metrics": "system.Metrics", "value": ""}
_BRANCHES = 4


@dataclass(frozen=True, kw_only=True)
class Node:
    """A task: what it makes, and of which tasks it needs something."""

    name: str
    makes: str  # dataset, model, metrics, value
    needs: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """The type of the artifact that it makes; empty: a parameter."""
        return _TITLES[self.makes]


def training() -> list[Node]:
    """Answer the twenty tasks of a training."""
    nodes = [Node(name="load", makes="dataset"), Node(name="split", makes="dataset", needs=("load",))]
    for number in range(_BRANCHES):
        nodes += [
            Node(name=f"features-{number}", makes="dataset", needs=("split",)),
            Node(name=f"train-{number}", makes="model", needs=(f"features-{number}",)),
            Node(name=f"evaluate-{number}", makes="metrics", needs=(f"train-{number}", f"features-{number}")),
            Node(name=f"report-{number}", makes="value", needs=(f"evaluate-{number}",)),
        ]
    reports = tuple(f"report-{number}" for number in range(_BRANCHES))
    return [
        *nodes,
        Node(name="choose", makes="value", needs=reports),
        Node(name="push", makes="model", needs=("choose",)),
    ]


def layered(many: int, *, width: int = 50) -> list[Node]:
    """Answer very many tasks in layers, each of which needs two of the layer before."""
    nodes: list[Node] = []
    for number in range(many):
        above = number - width
        needs = () if above < 0 else tuple({f"step-{above}", f"step-{above - above % width + (number + 1) % width}"})
        nodes.append(Node(name=f"step-{number}", makes=("value", "dataset", "metrics")[number % 3], needs=needs))
    return nodes


def document(pipeline: str, nodes: Sequence[Node]) -> dict[str, Any]:
    """Write a compiled pipeline, as it is kept."""
    by_name = {node.name: node for node in nodes}
    kinds = sorted({node.makes for node in nodes})
    spec = {
        "pipelineInfo": {"name": pipeline},
        "schemaVersion": "2.1.0",
        "sdkVersion": "kfp-2.14.0",
        "root": {
            "dag": {"tasks": {node.name: _task(node, by_name) for node in nodes}},
            "inputDefinitions": {"parameters": _PARAMETERS},
        },
        "components": {f"comp-{kind}": _component(kind) for kind in kinds},
        "deploymentSpec": {"executors": {f"exec-{kind}": {"container": _CONTAINER} for kind in kinds}},
    }
    return {"spec": spec, "platform": {}}


_CONTAINER = {"image": "python:3.11", "command": ["python", "-m", "trainer"], "args": ["--input", "{{$}}"]}
_PARAMETERS = {
    "data_root": {"parameterType": "STRING"},
    "epochs": {"parameterType": "NUMBER_INTEGER", "defaultValue": 3, "isOptional": True},
    "learning_rate": {"parameterType": "NUMBER_DOUBLE", "defaultValue": 0.01, "isOptional": True},
}


def _task(node: Node, by_name: Mapping[str, Node]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "componentRef": {"name": f"comp-{node.makes}"},
        "taskInfo": {"name": node.name},
        "cachingOptions": {"enableCache": True},
        "inputs": {"parameters": {"epochs": {"componentInputParameter": "epochs"}}},
    }
    if node.needs:
        found["dependentTasks"] = sorted(node.needs)
    given = next((by_name[name] for name in node.needs if by_name[name].title), None)
    if given is not None:
        taken = {"producerTask": given.name, "outputArtifactKey": "made"}
        found["inputs"]["artifacts"] = {"given": {"taskOutputArtifact": taken}}
    return found


def _component(kind: str) -> dict[str, Any]:
    title = _TITLES[kind]
    made = {"artifacts": {"made": {"artifactType": {"schemaTitle": title, "schemaVersion": "0.0.1"}}}}
    return {
        "executorLabel": f"exec-{kind}",
        "inputDefinitions": {
            "parameters": {"epochs": {"parameterType": "NUMBER_INTEGER", "isOptional": True}},
            "artifacts": {
                "given": {
                    "artifactType": {"schemaTitle": "system.Artifact", "schemaVersion": "0.0.1"},
                    "isOptional": True,
                }
            },
        },
        "outputDefinitions": made if title else {"parameters": {"made": {"parameterType": "NUMBER_DOUBLE"}}},
    }
