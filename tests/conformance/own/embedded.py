"""Files that come along inside a component: data, modules, notebooks."""

import json
import tempfile
from pathlib import Path
from typing import NamedTuple

from kfp import dsl

CASES = [
    # One file: its path is the file. A folder: its path is the folder, and modules in it can be imported.
    {"pipeline": "files", "outputs": {"one": "content", "folder": "helped a, data b"}},
    # Embedded in every iteration of a loop.
    {"pipeline": "in_a_loop", "outputs": {"Output": ["content1", "content2"]}},
    # The parameters of the call replace those of the notebook's cell; what the notebook wrote is read back.
    {"pipeline": "notebook", "arguments": {"text": "given"}, "outputs": {"Output": "given 7"}, "is_slow": True},
    {
        "pipeline": "failing_notebook",
        "ends": "FAILED",
        "failed": ["broken-notebook"],
        "says": "broken",
        "is_slow": True,
    },
]
FOLDER = Path(tempfile.mkdtemp(prefix="embedded-"))
(FOLDER / "one.txt").write_text("content")
(FOLDER / "folder").mkdir()
(FOLDER / "folder" / "helping_module.py").write_text("def help_with(text):\n    return f'helped {text}'\n")
(FOLDER / "folder" / "data.txt").write_text("data b")


def cell(source, *tags):
    return {
        "cell_type": "code",
        "execution_count": None,
        "id": f"cell-{abs(hash(source)) % 10**8}",
        "metadata": {"tags": list(tags)},
        "outputs": [],
        "source": source,
    }


def write_notebook(name, *cells):
    document = {"cells": list(cells), "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    (FOLDER / name).write_text(json.dumps(document))
    return str(FOLDER / name)


GOOD = write_notebook(
    "good.ipynb",
    cell("text = 'default'\nnumber = 7\ntarget = ''", "parameters"),
    cell("with open(target, 'w') as file:\n    file.write(f'{text} {number}')"),
)
BAD = write_notebook("bad.ipynb", cell("raise ValueError('broken')"))


@dsl.component(embedded_artifact_path=str(FOLDER / "one.txt"))
def one_file(data: dsl.EmbeddedInput[dsl.Dataset]) -> str:
    with open(data.path) as file:
        return file.read()


@dsl.component(embedded_artifact_path=str(FOLDER / "one.txt"))
def numbered(n: int, data: dsl.EmbeddedInput[dsl.Dataset]) -> str:
    with open(data.path) as file:
        return f"{file.read()}{n}"


@dsl.component(embedded_artifact_path=str(FOLDER / "folder"))
def whole_folder(data: dsl.EmbeddedInput[dsl.Dataset]) -> str:
    import os

    from helping_module import help_with

    with open(os.path.join(data.path, "data.txt")) as file:
        return f"{help_with('a')}, {file.read()}"


@dsl.notebook_component(notebook_path=GOOD)
def good_notebook(text: str) -> str:
    import os
    import tempfile

    target = os.path.join(tempfile.mkdtemp(), "written")
    dsl.run_notebook(text=text, target=target)
    with open(target) as file:
        return file.read()


@dsl.notebook_component(notebook_path=BAD)
def broken_notebook():
    dsl.run_notebook()


@dsl.pipeline
def files() -> NamedTuple("Outputs", one=str, folder=str):
    outputs = NamedTuple("Outputs", one=str, folder=str)
    return outputs(one_file().output, whole_folder().output)


@dsl.pipeline
def in_a_loop() -> list:
    with dsl.ParallelFor([1, 2]) as item:
        made = numbered(n=item)
    return dsl.Collected(made.output)


@dsl.pipeline
def notebook(text: str) -> str:
    return good_notebook(text=text).output


@dsl.pipeline
def failing_notebook():
    broken_notebook()
