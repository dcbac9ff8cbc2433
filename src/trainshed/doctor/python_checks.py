"""Defects in Python code, by its syntax tree. Pure."""

import ast
import re
from collections.abc import Callable, Iterator

from trainshed.doctor.model import Defect, defect
from trainshed.doctor.project import Project, Unit

_NAME = re.compile(r"\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b")
_SUBMITS = {"create_run_from_job_spec", "PipelineJob", "create_pipeline_job", "create_run_from_pipeline_package"}
_IDENTITY = re.compile(r"event_id|eventId|message_id|messageId|cloud_event\[.id.\]")
_EVALUATES = re.compile(r"evaluat|validat|bless|gate", re.IGNORECASE)
_PUSHES = re.compile(r"(?:^|_)pusher$|Pusher$|^push_model$", re.IGNORECASE)
_PUBLIC_IMAGE = re.compile(
    r"^(?:gcr\.io/(?:tfx-oss-public|deeplearning-platform-release)|docker\.io|tensorflow|python)[/:]"
)
_BOOLEAN = {"true", "false", "True", "False"}
_RETIRED_MODULES = {
    "kfp.v2.google.client": "google-cloud-aiplatform's PipelineJob(template_path=…).submit()",
    "kfp.v2.google": "google-cloud-aiplatform",
}


def wrong_variable(project: Project) -> Iterator[Defect]:
    """D1: `A = os.getenv("B")` where B is a setting of its own."""
    for unit in project.units:
        read = [(target, variable, node) for target, variable, node in _settings(unit)]
        constants = {target.upper() for target, _, _ in read} | _constants(unit)
        for target, variable, node in read:
            if target.upper() != variable and variable in constants:
                yield defect(
                    "D1", unit.path, unit.line(node),
                    f"{target} is read from {variable}, which is another setting",
                    f'read it from its own variable: os.getenv("{target.upper()}")',
                )  # fmt: skip


def wrong_message(project: Project) -> Iterator[Defect]:
    """D2: `if not x: raise …("A is not set")` where x was read from B."""
    for unit in project.units:
        variables = {target: variable for target, variable, _ in _settings(unit)}
        for node in ast.walk(unit.tree):
            if not isinstance(node, ast.If) or (name := _negated(node.test)) not in variables:
                continue
            for raised in (n for n in node.body if isinstance(n, ast.Raise)):
                text = _text(raised)
                named = set(_NAME.findall(text))
                if named and not re.search(rf"\b{variables[name]}\b", text):
                    yield defect(
                        "D2", unit.path, unit.line(raised),
                        f"the message names {', '.join(sorted(named))}, but the variable read is {variables[name]}",
                        f"name {variables[name]} in the message",
                    )  # fmt: skip


def event_without_identity(project: Project) -> Iterator[Defect]:
    """D4: a function of an event that submits a run and never reads the event's id."""
    if project.is_guarded:
        return
    for unit in project.units:
        submits = any(_called(n) in _SUBMITS for n in ast.walk(unit.tree))
        for node in unit.tree.body if submits else ():
            if (
                isinstance(node, ast.FunctionDef)
                and _takes_event(node)
                and not _IDENTITY.search(ast.unparse(unit.tree))
            ):
                yield defect(
                    "D4", unit.path, unit.line(node),
                    f"{node.name} submits a run whatever the event's id is",
                    "derive the run's id from context.event_id, so that a second delivery finds the first run",
                )  # fmt: skip


def cached_schedule(project: Project) -> Iterator[Defect]:
    """D5: caching switched on for runs that a schedule starts with the same message each time."""
    if project.is_guarded or not any("scheduler jobs create" in c.text for c in project.commands):
        return
    for unit in project.units:
        for node in ast.walk(unit.tree):
            if isinstance(node, ast.Call) and _called(node) in _SUBMITS and _keyword(node, "enable_caching") is True:
                yield defect(
                    "D5", unit.path, unit.line(node),
                    "caching is on, and a schedule of this project sends the same message each time",
                    "let the data's generation enter the pipeline as a parameter, or submit only when it changed",
                )  # fmt: skip


def push_without_evaluation(project: Project) -> Iterator[Defect]:
    """D7: a pusher in a pipeline that has nothing that evaluates."""
    for unit in project.units:
        calls = [node for node in ast.walk(unit.tree) if isinstance(node, ast.Call)]
        evaluates = any(_EVALUATES.search(ast.unparse(call.func)) for call in calls)
        evaluates = evaluates or any(_EVALUATES.search(ast.unparse(a)) for c in calls for a in c.args)
        for call in calls if not evaluates else ():
            if _PUSHES.search(_called(call)):
                yield defect(
                    "D7", unit.path, unit.line(call),
                    "the model goes from the trainer straight to the pusher",
                    "put an Evaluator between them and give its blessing to the pusher",
                )  # fmt: skip


def public_worker_image(project: Project) -> Iterator[Defect]:
    """D8: a worker's `image_uri` is a public image although the project builds its own."""
    for unit in project.units if project.builds_image else ():
        for node in ast.walk(unit.tree):
            for key, value in zip(node.keys, node.values, strict=True) if isinstance(node, ast.Dict) else ():
                text = _leading_text(value)
                if (
                    isinstance(key, ast.Constant)
                    and key.value in {"image_uri", "imageUri"}
                    and _PUBLIC_IMAGE.match(text)
                ):
                    yield defect(
                        "D8", unit.path, unit.line(value),
                        f"the worker's image is {text}…, not the image that this project builds",
                        "use the variable that the build sets to its own image",
                    )  # fmt: skip


def retired_in_code(project: Project) -> Iterator[Defect]:
    """D9: retired modules and accelerators."""
    for unit in project.units:
        for node in ast.walk(unit.tree):
            if isinstance(node, ast.ImportFrom) and node.module in _RETIRED_MODULES:
                instead = _RETIRED_MODULES[node.module]
                yield defect("D9", unit.path, unit.line(node), f"{node.module} was removed from kfp", f"use {instead}")
            elif isinstance(node, ast.Constant) and node.value == "NVIDIA_TESLA_K80":
                yield defect(
                    "D9",
                    unit.path,
                    unit.line(node),
                    "the K80 accelerator is retired",
                    "ask for NVIDIA_TESLA_T4 or newer",
                )


def string_switch(project: Project) -> Iterator[Defect]:
    """D10: an option whose default is "True" or "False", or whose type is bool."""
    for unit in project.units:
        for node in ast.walk(unit.tree):
            if not isinstance(node, ast.Call) or _called(node) != "add_argument":
                continue
            kind = next((k.value for k in node.keywords if k.arg == "type"), None)
            is_bool = isinstance(kind, ast.Name) and kind.id == "bool"
            is_text = _keyword(node, "default") in _BOOLEAN and (kind is None or ast.unparse(kind) == "str")
            if is_bool or is_text:
                option = ast.unparse(node.args[0]) if node.args else "an option"
                yield defect(
                    "D10", unit.path, unit.line(node),
                    f"{option} takes its switch as {'bool(text), which is true for every text' if is_bool else 'a string'}",
                    "give it action=argparse.BooleanOptionalAction, or a type that reads true and false",
                )  # fmt: skip


PYTHON_CHECKS: tuple[Callable[[Project], Iterator[Defect]], ...] = (
    wrong_variable,
    wrong_message,
    event_without_identity,
    cached_schedule,
    push_without_evaluation,
    public_worker_image,
    retired_in_code,
    string_switch,
)


def _settings(unit: Unit) -> Iterator[tuple[str, str, ast.AST]]:
    """Answer (name, variable, node) of every `name = os.getenv("VARIABLE")` and its like."""
    for node in ast.walk(unit.tree):
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            variable = _variable(node.value)
            if variable:
                yield node.targets[0].id, variable, node


def _variable(value: ast.AST) -> str:
    text = ast.unparse(value)
    match = re.fullmatch(
        r"(?:os\.)?(?:getenv|environ\.get)\(['\"](\w+)['\"].*\)|(?:os\.)?environ\[['\"](\w+)['\"]\]", text
    )
    return (match[1] or match[2]) if match else ""


def _constants(unit: Unit) -> set[str]:
    return {
        target.id
        for node in unit.tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name) and target.id.isupper()
    }


def _negated(test: ast.expr) -> str:
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not) and isinstance(test.operand, ast.Name):
        return test.operand.id
    if isinstance(test, ast.Compare) and isinstance(test.left, ast.Name) and ast.unparse(test).endswith(" is None"):
        return test.left.id
    return ""


def _text(raised: ast.Raise) -> str:
    texts = [n.value for n in ast.walk(raised) if isinstance(n, ast.Constant) and isinstance(n.value, str)]
    return " ".join(texts)


def _called(node: ast.AST) -> str:
    if not isinstance(node, ast.Call):
        return ""
    return node.func.attr if isinstance(node.func, ast.Attribute) else ast.unparse(node.func)


def _takes_event(node: ast.FunctionDef) -> bool:
    names = [a.arg for a in node.args.args]
    return names[:1] in (["event"], ["cloud_event"]) or names[1:2] == ["context"]


def _keyword(node: ast.Call, name: str) -> object:
    value = next((k.value for k in node.keywords if k.arg == name), None)
    return value.value if isinstance(value, ast.Constant) else None


def _leading_text(value: ast.AST) -> str:
    """Answer the text that a string expression begins with: a literal, an f-string, `"…".format()`."""
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute) and value.func.attr == "format":
        return _leading_text(value.func.value)
    if isinstance(value, ast.JoinedStr):
        return _leading_text(value.values[0]) if value.values else ""
    return value.value if isinstance(value, ast.Constant) and isinstance(value.value, str) else ""
