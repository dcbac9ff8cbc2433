"""Fixed values of a run trigger: what every run that it starts is given where its event gives nothing. Pure."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from trainshed import ir
from trainshed.errors import Finding, InvalidArgument

OF_OBJECT = ("bucket", "object", "object_uri", "generation")  # parameters that a new object gives


def typed(fixed: Mapping[str, Any], plan: ir.Plan, *, is_of_object: bool) -> dict[str, Any]:
    """Give fixed values the types that the pipeline declares.

    Raises InvalidArgument with everything that the pipeline cannot take, and every value that a new object always gives.
    """
    if covered := [name for name in OF_OBJECT if is_of_object and name in fixed]:
        why = "is what every new object gives itself, so that a fixed value never counts; leave it out"
        findings = [Finding(severity="error", path=f"parameters.{name}", message=why) for name in covered]
        raise InvalidArgument.findings(findings, reason="PARAMETERS_INVALID")
    others_may_be_absent = {
        name: found if name in fixed else replace(found, is_optional=True) for name, found in plan.parameters.items()
    }
    found = ir.bind(others_may_be_absent, fixed)
    return {name: value for name, value in found.items() if fixed.get(name) is not None}
