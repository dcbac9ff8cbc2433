"""What placeholders stand for, and values written into text."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from trainshed.ir.model import ABSENT

PLACEHOLDER: Final = re.compile(r"\{\{\$(.*?)\}\}", re.DOTALL)
INPUT_PARAMETER: Final = re.compile(r"\.inputs\.parameters\[['\"](.+?)['\"]\]")
_ESCAPE = re.compile(r"(.*)\.json_escape\[(\d)\]", re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class RunFacts:
    """What placeholders may say about the run and the task."""

    job_name: str
    resource_name: str
    job_uuid: str
    root: str
    create_time: str
    schedule_time: str
    task_name: str = ""
    task_id: str = ""
    workspace_path: str = ""  # empty: the pipeline has no workspace


def as_text(value: Any) -> str:
    """Write a value into text: whole numbers without a fraction, structures as JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return json.dumps(value, ensure_ascii=False)


def of_run(expression: str, facts: RunFacts) -> Any:
    """Answer what a placeholder says about the run or the task; ABSENT when it is none of those."""
    parts = facts.resource_name.split("/")  # projects/P/locations/L/pipelineJobs/J
    known = {
        ".pipeline_job_name": facts.job_name,
        ".pipeline_job_resource_name": facts.resource_name,
        ".pipeline_job_uuid": facts.job_uuid,
        ".pipeline_job_create_time_utc": facts.create_time,
        ".pipeline_job_schedule_time_utc": facts.schedule_time,
        ".pipeline_root": facts.root,
        ".pipeline_task_name": facts.task_name,
        ".pipeline_task_uuid": facts.task_id,
        ".pipeline_google_cloud_project_id": parts[1] if len(parts) > 1 else "",
        ".pipeline_google_cloud_location": parts[3] if len(parts) > 3 else "",  # noqa: PLR2004
        ".pipeline_persistent_resource_id": "",
        ".workspace_path": facts.workspace_path or ABSENT,
    }
    return known.get(expression, ABSENT)


def filled_text(text: str, value_of: Callable[[str], Any]) -> str:
    """Fill in the placeholders of a text; those that `value_of` answers ABSENT to stay."""
    if "{{$" not in text:
        return text

    def replaced(match: re.Match[str]) -> str:
        escaped = _ESCAPE.fullmatch(match[1])
        found = value_of(escaped[1] if escaped else match[1])
        if found is ABSENT:
            return match[0]
        return _escaped(as_text(found), int(escaped[2])) if escaped else as_text(found)

    return PLACEHOLDER.sub(replaced, text)


def _escaped(text: str, times: int) -> str:
    """Escape for the inside of a JSON string; Google's own components write both 0 and 1 for once."""
    for _ in range(max(times, 1)):
        text = json.dumps(text, ensure_ascii=False)[1:-1]
    return text


def filled(value: Any, value_of: Callable[[str], Any]) -> Any:
    """Fill in placeholders wherever they stand in a value; an element that is nothing else keeps its value's type."""
    if isinstance(value, list):
        return [_element(each, value_of) for each in value]
    if isinstance(value, Mapping):
        return {filled(key, value_of): _element(each, value_of) for key, each in value.items()}
    return filled_text(value, value_of) if isinstance(value, str) else value


def _element(value: Any, value_of: Callable[[str], Any]) -> Any:
    return typed(value, value_of) if isinstance(value, str) else filled(value, value_of)


def typed(text: str, value_of: Callable[[str], Any]) -> Any:
    """Fill in a text; one that is a placeholder and nothing else becomes that value, whatever its type."""
    whole = PLACEHOLDER.fullmatch(text)
    if whole is None or "{{" in whole[1] or _ESCAPE.fullmatch(whole[1]):
        return filled_text(text, value_of)
    found = value_of(whole[1])
    return text if found is ABSENT else found
