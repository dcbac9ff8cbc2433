"""What a container executor really is: a Python function that KFP's executor calls, or a command."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

_SOURCE_FILE = "ephemeral_component.py"
_EXECUTOR_MODULES = ("kfp.dsl.executor_main", "kfp.components.executor_main", "kfp.v2.components.executor_main")
_TFX = ("python", "-m", "tfx.orchestration.kubeflow.v2.container.kubeflow_v2_run_executor")
_SEPARATORS = ";&|()\n"
_WITH_VALUE = {"--index-url", "-i", "--extra-index-url", "--trusted-host", "--find-links", "-f"}


_RUN_PACKAGES = (
    'count="$1"; shift; while [ "$count" -gt 0 ]; do python3 -m pip install --quiet --user "$1" || exit 1; '
    'shift; count=$((count - 1)); done; exec python3 -m "$0" "$@"'
)


@dataclass(frozen=True, kw_only=True)
class Python:
    """A Python component: its function, its source or the module it is in, and what it installs first."""

    function: str
    source: str = ""
    module: str = ""
    requirements: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Shell:
    """A command with its placeholders."""

    command: tuple[str, ...]
    requirements: tuple[str, ...] = ()  # what its environment has to hold beside what the image brings


def package_command(packages: Sequence[str], module: str) -> tuple[str, ...]:
    """Answer the command that installs Python packages and runs a module, as Vertex AI's executor images do."""
    return ("sh", "-c", _RUN_PACKAGES, module, str(len(packages)), *packages)


def recognise(container: Mapping[str, Any]) -> Python | Shell:
    """Tell a lightweight or containerised Python component from a container command."""
    command = [str(c) for c in container.get("command", ())]
    arguments = [str(a) for a in container.get("args", ())]
    function = _option(arguments + command, "--function_to_execute")
    if function and _option(arguments + command, "--executor_input"):
        for index, text in enumerate(command[:-1]):
            if _SOURCE_FILE in text:
                return Python(
                    function=function, source=command[index + 1], requirements=_requirements(tuple(command[:index]))
                )
        if any(module in command for module in _EXECUTOR_MODULES):
            module = _option(arguments + command, "--component_module_path")
            return Python(function=function, module=module, requirements=())
    if not command and arguments[:1] == ["--executor_class_path"]:  # TFX leaves it to its runner what its image runs
        command = list(_TFX)
    if command[:3] == ["sh", "-c", _RUN_PACKAGES]:  # where there is no container, its environment has them already
        module, count, *rest = command[3:]
        packages, more = rest[: int(count)], rest[int(count) :]
        return Shell(command=("python3", "-m", module, *more, *arguments), requirements=tuple(packages))
    return Shell(command=(*command, *arguments))


def _option(words: Sequence[str], name: str) -> str:
    following = (words[i + 1] for i, word in enumerate(words[:-1]) if word == name)
    return next(following, "")


@lru_cache(maxsize=1024)  # the tasks of a pipeline mostly say the same
def _requirements(command: tuple[str, ...]) -> tuple[str, ...]:
    """Collect what the component's own `pip install` lines name, as `environments` takes it, in order, each once."""
    found: dict[str, None] = {}
    for text in command:
        if "pip" in text:
            found |= dict.fromkeys(p for line in _simple_commands(text) for p in _packages(line))
    return tuple(found)


def _simple_commands(text: str) -> list[list[str]]:
    """Split a shell text into the words of each command in it; quotes are heeded."""
    lexer = shlex.shlex(text, posix=True, punctuation_chars=_SEPARATORS)
    lexer.whitespace, lexer.whitespace_split, lexer.commenters = " \t\r", True, ""
    lines: list[list[str]] = [[]]
    try:
        for word in lexer:
            if set(word) <= set(_SEPARATORS):
                lines.append([])
            else:
                lines[-1].append(word)
    except ValueError:  # a quote that is never closed: what came before it counts
        return lines
    return lines


def _packages(words: Sequence[str]) -> list[str]:
    starts = [i for i in range(len(words) - 1) if words[i].endswith("pip") and words[i + 1] == "install"]
    arguments = words[starts[0] + 2 :] if starts else ()
    bare = " --no-deps" if "--no-deps" in arguments else ""  # as kfp installs itself
    lines: list[str] = []
    option = ""
    for word in arguments:
        if option:
            lines.append(f"{option} {word}")
            option = ""
        elif word in _WITH_VALUE:
            option = word
        elif not word.startswith("-") and not _is_for_old_python(word):
            lines.append(word + bare)
    return lines


def _is_for_old_python(requirement: str) -> bool:
    """Recognise what kfp's own line asks of Pythons that are too old for us."""
    return "python_version<" in requirement.replace(" ", "").replace("'", '"') and requirement.startswith(
        "typing-extensions"
    )
