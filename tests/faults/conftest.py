"""A pipeline whose tasks leave a mark each time they really run, so that what was done twice can be counted."""

import subprocess
import sys

import pytest

from trainshed.testing import Server

_PIPELINE = """
from kfp import compiler, dsl
from kfp.dsl import Dataset, Input, Output

@dsl.component
def step(name: str, marks: str, seconds: float, before: str = "") -> str:
    import os, time
    attempt = os.environ["TRAINSHED_ATTEMPT"].rsplit("@", 1)[-1]
    with open(f"{marks}/{name}@{attempt}", "a") as file:
        file.write("begun\\n")
        file.flush()
        time.sleep(seconds)
        file.write("done\\n")
    return f"{before}{name}"

@dsl.component
def write(name: str, marks: str, seconds: float, before: str, data: Output[Dataset]):
    import os, time
    attempt = os.environ["TRAINSHED_ATTEMPT"].rsplit("@", 1)[-1]
    with open(f"{marks}/{name}@{attempt}", "a") as file:
        file.write("begun\\n")
        file.flush()
        time.sleep(seconds)
        with open(data.path, "w") as content:
            content.write(before)
        file.write("done\\n")

@dsl.component
def read(name: str, marks: str, seconds: float, data: Input[Dataset]) -> str:
    import os, time
    attempt = os.environ["TRAINSHED_ATTEMPT"].rsplit("@", 1)[-1]
    with open(f"{marks}/{name}@{attempt}", "a") as file:
        file.write("begun\\n")
        file.flush()
        time.sleep(seconds)
        file.write("done\\n")
    return open(data.path).read()

@dsl.pipeline(name="marked")
def marked(marks: str, seconds: float = 0.3) -> str:
    a = step(name="a", marks=marks, seconds=seconds).set_display_name("a")
    b = step(name="b", marks=marks, seconds=seconds, before=a.output)
    c = step(name="c", marks=marks, seconds=seconds, before=a.output)
    d = write(name="d", marks=marks, seconds=seconds, before=b.output).after(c)
    e = read(name="e", marks=marks, seconds=seconds, data=d.outputs["data"])
    return e.output

@dsl.pipeline(name="single")
def single(marks: str, seconds: float = 0.3) -> str:
    return step(name="a", marks=marks, seconds=seconds).output

compiler.Compiler().compile(marked, "marked.json")
compiler.Compiler().compile(single, "single.json")
"""


@pytest.fixture(scope="session")
def pipelines(once, make_home):
    """Answer a folder with `marked.json`, five tasks, and `single.json`, one; their environment is there."""

    def fill(folder):
        (folder / "compile.py").write_text(_PIPELINE)
        subprocess.run([sys.executable, "compile.py"], cwd=folder, check=True, capture_output=True)
        done = Server(make_home()).run(
            "pipelines", "run", str(folder / "single.json"), "--parameter", f"marks={folder}", "--wait"
        )
        assert done.returncode == 0, done.stderr

    return once("marked-pipelines", fill)
