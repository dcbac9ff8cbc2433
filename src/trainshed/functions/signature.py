"""Reads a function's source without running it: is the entry point there, and what does it take? Pure."""

import ast

from trainshed.errors import Finding, InvalidArgument

_DECORATORS = {"cloud_event": "cloudevent", "http": "http", "typed": "http"}
_BACKGROUND_PARAMETERS = 2


def check(source: str, entry_point: str, *, trigger: str, generation: int = 1) -> str:
    """Answer the signature type of `entry_point` in the text of main.py: event, cloudevent or http.

    Raises InvalidArgument naming what is wrong. A name that is imported or assigned is taken as it comes.
    """
    tree = _parse(source)
    found = _definition(tree, entry_point)
    if found is None:
        if _is_bound(tree, entry_point):
            of_event = "event" if generation == 1 else "cloudevent"
            return "http" if trigger == "http" else of_event
        raise InvalidArgument.field("entryPoint", _missing(tree, entry_point), reason="ENTRY_POINT_MISSING")
    declared = _declared(found)
    if trigger == "http":
        return declared or "http"
    return declared or _by_parameters(found, entry_point)


def check_generation(signature: str, entry_point: str, generation: int) -> list[Finding]:
    """Say where the second generation on Google Cloud would call the function in another way than here."""
    if generation == 1 or signature != "event":
        return []
    message = (
        f"{entry_point!r} takes (event, context), which is the first generation's form. Here it is called so; on "
        "Google Cloud the second generation calls it with one CloudEvent and it fails: deploy it with --no-gen2 there."
    )
    return [Finding(severity="warning", path="entryPoint", message=message)]


def _parse(source: str) -> ast.Module:
    try:
        return ast.parse(source)
    except (SyntaxError, ValueError) as error:
        line = f" line {error.lineno}" if isinstance(error, SyntaxError) else ""
        raise InvalidArgument.field("main.py", f"not Python:{line} {error}", reason="SOURCE_SYNTAX") from error


def _definition(tree: ast.Module, name: str) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
    for node in reversed(tree.body):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == name:
            return node
    return None


def _is_bound(tree: ast.Module, name: str) -> bool:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            if any((alias.asname or alias.name) in {name, "*"} for alias in node.names):
                return True
        elif isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Store):
            return True
    return False


def _missing(tree: ast.Module, entry_point: str) -> str:
    defined = [n.name for n in tree.body if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
    there = f"it defines {', '.join(defined)}" if defined else "it defines no function"
    return f"main.py has no function {entry_point!r}; {there}"


def _declared(function: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    for decorator in function.decorator_list:
        target = decorator.func if isinstance(decorator, ast.Call) else decorator
        name = target.attr if isinstance(target, ast.Attribute) else getattr(target, "id", "")
        if name in _DECORATORS:
            return _DECORATORS[name]
    return ""


def _by_parameters(function: ast.FunctionDef | ast.AsyncFunctionDef, entry_point: str) -> str:
    arguments = function.args
    positional = len(arguments.posonlyargs) + len(arguments.args)
    required = positional - len(arguments.defaults)
    if arguments.vararg is not None or required <= _BACKGROUND_PARAMETERS <= positional:
        return "event"
    if required <= 1 <= positional:
        return "cloudevent"
    raise InvalidArgument.field(
        "entryPoint",
        f"{entry_point!r} takes {positional} arguments; a function on an event takes (event, context), or one CloudEvent",
        reason="ENTRY_POINT_SIGNATURE",
    )
