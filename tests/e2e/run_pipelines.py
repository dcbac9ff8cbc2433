"""Pipelines whose tasks fail, count what they do, refuse to end: compiled for the tests of this folder."""

import subprocess
import sys

IMAGE = "gcr.io/p/told"
SOURCE = f"""
import sys
from kfp import compiler, dsl

C = dict(base_image="{IMAGE}", install_kfp_package=False)


@dsl.component(**C)
def count(item: int, folder: str, bad: int = -1) -> int:
    import os, sys
    with open(f"{{folder}}/done", "a") as file:
        file.write(f"{{item}}\\n")
    print(f"item {{item}}", flush=True)
    if item == bad and not os.path.exists(f"{{folder}}/mended"):
        print("bad luck", flush=True)
        sys.exit(3)
    return item


@dsl.component(**C)
def total(items: list) -> int:
    return sum(items)


@dsl.component(**C)
def bye(status: dsl.PipelineTaskFinalStatus, folder: str, slow: bool = False):
    import time
    with open(f"{{folder}}/bye", "a") as file:
        file.write(status.state + "\\n")
    while slow:
        time.sleep(1)


@dsl.component(**C)
def stubborn(folder: str):
    import os, signal, subprocess, sys, time
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    code = "import signal, time\\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\\nwhile True: time.sleep(1)"
    children = [subprocess.Popen([sys.executable, "-c", code], start_new_session=True) for _ in range(2)]
    with open(f"{{folder}}/new", "w") as file:
        file.write(" ".join(str(p) for p in [os.getpid(), *(c.pid for c in children)]))
    os.rename(f"{{folder}}/new", f"{{folder}}/pids")
    print("holding on", flush=True)
    while True:
        time.sleep(1)


@dsl.component(**C)
def fail(folder: str):
    with open(f"{{folder}}/tried", "a") as file:
        file.write("x")
    raise SystemExit(4)


@dsl.pipeline
def inner(folder: str, item: int) -> int:
    one = count(item=item, folder=folder)
    return count(item=one.output, folder=folder).set_caching_options(False).output


@dsl.pipeline(name="nested")
def nested(folder: str, bad: int = -1, wanted: str = "no") -> int:
    first = count(item=0, folder=folder).set_caching_options(False)
    inside = inner(folder=folder, item=first.output)
    with dsl.If(wanted == "yes", name="if-wanted"):
        count(item=100, folder=folder)
    with dsl.ParallelFor([1, 2, 3]) as item:
        done = count(item=item, folder=folder, bad=bad).set_caching_options(False)
    return total(items=dsl.Collected(done.output)).after(inside).set_caching_options(False).output


@dsl.pipeline(name="cancelled")
def cancelled(folder: str, slow: bool = False):
    with dsl.ExitHandler(bye(folder=folder, slow=slow)):
        held = stubborn(folder=folder)
        count(item=1, folder=folder).after(held)


@dsl.pipeline(name="hopeless")
def hopeless(folder: str):
    fail(folder=folder).set_retry(num_retries=5, backoff_duration="600s", backoff_factor=1)


@dsl.pipeline(name="two")
def two(folder: str, bad: int = 1):
    count(item=1, folder=folder, bad=bad).set_caching_options(False)
    slow = count(item=2, folder=folder).set_caching_options(False)
    count(item=3, folder=folder).after(slow).set_caching_options(False)


for pipeline in (nested, cancelled, hopeless, two):
    compiler.Compiler().compile(pipeline, f"{{pipeline.name}}.json")
"""


def compile_for(trainshed, folder):
    """Compile them into `folder`, and let their image be the environment of the tests."""
    (folder / "pipelines.py").write_text(SOURCE)
    subprocess.run([sys.executable, "pipelines.py"], cwd=folder, check=True, capture_output=True)
    bound = trainshed.run("images", "bind", IMAGE, "--environment", sys.prefix)
    assert bound.returncode == 0, bound.stderr
    return folder
