"""Fields that fix values of a run trigger: one for each parameter of its pipeline, or all in one where that is not read."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from trainshed import ir, runs
from trainshed.dashboard.page import Field
from trainshed.dashboard.runs import given

SAYS = "given to every run where its event gives no other"


def fields(service: runs.Triggers, spec_uri: str, fixed: Mapping[str, Any], *, is_of_object: bool) -> Sequence[Field]:
    """Make the fields, with the values that are fixed now. Raises what reading the pipeline raises."""
    takes = service.fixable(spec_uri, is_of_object=is_of_object)
    return [_field(key, found, fixed) for key, found in takes.items()]


def unread(fixed: Mapping[str, Any]) -> Field:
    """Make one field of all values, for a pipeline whose parameters are not known."""
    return Field(
        name="parameters",
        label="Fixed values",
        value=json.dumps(dict(fixed), ensure_ascii=False) if fixed else "",
        type="json",
        sends_empty=bool(fixed),
        help=f'A JSON object of parameters, {SAYS}: {{"num_epochs": 5}}.',
    )


def _field(key: str, found: ir.ParameterDefinition, fixed: Mapping[str, Any]) -> Field:
    """Make the field of a parameter; left empty, it is not fixed, whatever the pipeline's own value is."""
    made = given.field(key, replace(found, default=ir.ABSENT, is_optional=True), fixed)
    if found.type == "BOOLEAN":  # a tick cannot say that a value is not fixed
        made = replace(made, type="json", value=made.value.lower(), choices=("", "true", "false"))
    is_empty_text = fixed.get(key) == ""
    return replace(made, label=f"Fixed value of {key}", empty_choice="not fixed", sends_empty=is_empty_text)
