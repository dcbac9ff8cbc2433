"""Where a value comes from, as documents write it: for a task's inputs, and for settings of its platform."""

from collections.abc import Mapping
from typing import Any

from trainshed.ir.model import Constant, FinalStatus, GivenParameter, InputParameter, TaskParameter

_KINDS = {"componentInputParameter", "runtimeValue", "taskOutputParameter", "taskFinalStatus"}


def is_source(value: Any) -> bool:
    """Whether a setting says where its value comes from, instead of having one."""
    return isinstance(value, Mapping) and bool(value) and value.keys() <= {*_KINDS, "parameterExpressionSelector"}


def given_parameter(source: Mapping[str, Any]) -> GivenParameter:
    """Read where a value comes from, and which part of it is taken."""
    return GivenParameter(source=parameter_source(source), selector=source.get("parameterExpressionSelector", ""))


def parameter_source(source: Mapping[str, Any]) -> Constant | InputParameter | TaskParameter | FinalStatus:
    """Read where a value comes from."""
    if "taskOutputParameter" in source:
        output = source["taskOutputParameter"]
        return TaskParameter(task=output["producerTask"], key=output["outputParameterKey"])
    if "componentInputParameter" in source:
        return InputParameter(name=source["componentInputParameter"])
    if "taskFinalStatus" in source:
        return FinalStatus(task=source["taskFinalStatus"]["producerTask"])
    value = source.get("runtimeValue", {})
    if "runtimeParameter" in value:
        return InputParameter(name=value["runtimeParameter"])
    return Constant(value=legacy_value(value["constantValue"]) if "constantValue" in value else value.get("constant"))


def legacy_value(value: Mapping[str, Any]) -> Any:
    """Read a value of schema 2.0.0, such as `{"intValue": "3"}`."""
    kind, constant = next(iter(value.items()), ("stringValue", ""))
    return int(constant) if kind == "intValue" else constant
