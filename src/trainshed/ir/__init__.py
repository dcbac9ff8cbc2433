"""PipelineSpec: load, check, plan, flow, render. Pure: documents and values in, plain data out.

- `load`: text or JSON -> Document (bare spec, PipelineJob wrapper, platform-spec second document), with limits.
  `notation` reads text, `proto` and `kubernetes` the published messages, `findings` collects what is wrong.
- `check`: every finding about a document at once: `task_rules`, `executor_rules`, and by `refuse` what no machine without a
  cluster has; over `structure`, what a spec's parts are to each other.
- `plan`: Document -> Plan: DAGs of tasks, each component planned once, with their inputs' sources.
- `parameters`: values typed by declaration.
- `components`: what a container executor really is: lightweight Python, or a command.
- `flow`: what a DAG's tasks are given and give: inputs, conditions, loop items, outputs.
- `conditions`: expressions of the Common Expression Language.
- `render`: executor input, placeholders.
- `keys`: cache keys.
- `graph`: tasks and artifacts as a drawing needs them.
- `stored`: a document that was in order when it was stored, read in little room.
"""

from trainshed.ir import conditions
from trainshed.ir.check import check
from trainshed.ir.components import Python, Shell, package_command, recognise
from trainshed.ir.drivers import outputs_of_driver
from trainshed.ir.flow import (
    Outputs,
    Surroundings,
    TaskInputs,
    gathered,
    holds,
    inputs_of,
    items_of,
    iteration_inputs,
    outputs_of,
    root_inputs,
)
from trainshed.ir.graph import drawn, graph, type_name
from trainshed.ir.keys import cache_key, digest, key_parts
from trainshed.ir.load import DEFAULT_LIMIT_BYTES, Document, load, load_dict
from trainshed.ir.model import (
    ABSENT,
    ArtifactDefinition,
    ArtifactOutput,
    ArtifactValue,
    Constant,
    Dag,
    FinalStatus,
    GivenParameter,
    InputArtifact,
    InputParameter,
    Loop,
    ParameterDefinition,
    Plan,
    Resources,
    Retry,
    Task,
    TaskArtifact,
    TaskParameter,
)
from trainshed.ir.parameters import bind, convert, parse_message
from trainshed.ir.plan import plan
from trainshed.ir.proto import whole
from trainshed.ir.render import Places, command_line, executor_input, resolve, resources_of
from trainshed.ir.stored import read_stored
from trainshed.ir.values import RunFacts
from trainshed.ir.written import Written, WrittenArtifact, plain_value, read_output, writable

__all__ = [
    "ABSENT",
    "DEFAULT_LIMIT_BYTES",
    "ArtifactDefinition",
    "ArtifactOutput",
    "ArtifactValue",
    "Constant",
    "Dag",
    "Document",
    "FinalStatus",
    "GivenParameter",
    "InputArtifact",
    "InputParameter",
    "Loop",
    "Outputs",
    "ParameterDefinition",
    "Places",
    "Plan",
    "Python",
    "Resources",
    "Retry",
    "RunFacts",
    "Shell",
    "Surroundings",
    "Task",
    "TaskArtifact",
    "TaskInputs",
    "TaskParameter",
    "Written",
    "WrittenArtifact",
    "bind",
    "cache_key",
    "check",
    "command_line",
    "conditions",
    "convert",
    "digest",
    "drawn",
    "executor_input",
    "gathered",
    "graph",
    "holds",
    "inputs_of",
    "items_of",
    "iteration_inputs",
    "key_parts",
    "load",
    "load_dict",
    "outputs_of",
    "outputs_of_driver",
    "package_command",
    "parse_message",
    "plain_value",
    "plan",
    "read_output",
    "read_stored",
    "recognise",
    "resolve",
    "resources_of",
    "root_inputs",
    "type_name",
    "whole",
    "writable",
]
