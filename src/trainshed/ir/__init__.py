"""PipelineSpec: load, check, plan, render. Pure: documents and values in, plain data out.

- `load`: text or JSON -> Document (bare spec, PipelineJob wrapper, platform-spec second document), with limits.
- `check`: every finding about a document at once, refusals of what this engine does not execute included.
- `plan`: Document -> Plan: leaf tasks with their inputs' sources, nested DAGs unfolded.
- `parameters`: values typed by declaration.
- `components`: what a container executor really is: lightweight Python, or a command.
- `render`: inputs of a task, executor input, placeholders.
- `keys`: cache keys.
- `graph`: tasks and artifacts as a drawing needs them.
"""

from trainshed.ir.check import check
from trainshed.ir.components import Python, Shell, recognise
from trainshed.ir.graph import graph, type_name
from trainshed.ir.keys import cache_key, digest, key_parts
from trainshed.ir.load import DEFAULT_LIMIT_BYTES, Document, load, load_dict, whole
from trainshed.ir.model import (
    ABSENT,
    ArtifactInput,
    ArtifactOutput,
    ArtifactValue,
    Constant,
    ParameterDefinition,
    ParameterInput,
    Plan,
    Resources,
    Retry,
    RunParameter,
    Task,
    TaskArtifact,
    TaskParameter,
)
from trainshed.ir.parameters import bind, convert, parse_message
from trainshed.ir.plan import plan
from trainshed.ir.render import Outputs, Places, RunFacts, TaskInputs, command_line, executor_input, inputs_of, resolve

__all__ = [
    "ABSENT",
    "DEFAULT_LIMIT_BYTES",
    "ArtifactInput",
    "ArtifactOutput",
    "ArtifactValue",
    "Constant",
    "Document",
    "Outputs",
    "ParameterDefinition",
    "ParameterInput",
    "Places",
    "Plan",
    "Python",
    "Resources",
    "Retry",
    "RunFacts",
    "RunParameter",
    "Shell",
    "Task",
    "TaskArtifact",
    "TaskInputs",
    "TaskParameter",
    "bind",
    "cache_key",
    "check",
    "command_line",
    "convert",
    "digest",
    "executor_input",
    "graph",
    "inputs_of",
    "key_parts",
    "load",
    "load_dict",
    "parse_message",
    "plan",
    "recognise",
    "resolve",
    "type_name",
    "whole",
]
