"""The pipelines of the campaign; `python mix.py FOLDER` compiles them.

Each task signs what it does by appending a line to the file `marks`, outside of the server's home:
`TASK_ID@ATTEMPT SECONDS WORD`. A line of that length is appended whole or not at all.
"""

import sys
from functools import partial
from typing import List  # noqa: UP035  (what kfp understands)

from kfp import compiler, dsl
from kfp.dsl import Dataset, Input, Model, Output, PipelineTaskFinalStatus

# ruff: noqa: PTH110, PTH123, SIM115, SIM117, FURB122

component = partial(dsl.component, base_image="python:3.11")


@component()
def add(marks: str, number: int, plus: int = 1, seconds: float = 0.0) -> int:
    import os
    import time

    def sign(word: str) -> None:
        file = os.open(marks, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(file, f"{os.environ['TRAINSHED_ATTEMPT']} {time.time()} {word}\n".encode())
        os.close(file)

    sign("begun")
    time.sleep(seconds)
    sign("done")
    return number + plus


@component()
def numbers(marks: str, count: int) -> List[int]:  # noqa: UP006
    import os
    import time

    file = os.open(marks, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(file, f"{os.environ['TRAINSHED_ATTEMPT']} {time.time()} begun\n".encode())
    os.write(file, f"{os.environ['TRAINSHED_ATTEMPT']} {time.time()} done\n".encode())
    return list(range(1, count + 1))


@component()
def total(marks: str, numbers: List[int]) -> int:  # noqa: UP006
    import os
    import time

    file = os.open(marks, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(file, f"{os.environ['TRAINSHED_ATTEMPT']} {time.time()} begun\n".encode())
    os.write(file, f"{os.environ['TRAINSHED_ATTEMPT']} {time.time()} done\n".encode())

    def flat(value: object) -> int:
        return sum(map(flat, value)) if isinstance(value, list) else int(value)

    return flat(numbers)


@component()
def write(marks: str, text: str, data: Output[Dataset]) -> None:
    import os
    import time

    file = os.open(marks, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(file, f"{os.environ['TRAINSHED_ATTEMPT']} {time.time()} begun\n".encode())
    with open(data.path, "a") as content:  # what an earlier attempt left would show
        content.write(text + "\n")
    data.metadata["length"] = len(text)
    os.write(file, f"{os.environ['TRAINSHED_ATTEMPT']} {time.time()} done\n".encode())


@component()
def gather(marks: str, parts: Input[List[Dataset]], whole: Output[Dataset]) -> int:  # noqa: UP006
    import os
    import time

    file = os.open(marks, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(file, f"{os.environ['TRAINSHED_ATTEMPT']} {time.time()} begun\n".encode())
    with open(whole.path, "a") as content:
        for part in parts:
            content.write(open(part.path).read())
    os.write(file, f"{os.environ['TRAINSHED_ATTEMPT']} {time.time()} done\n".encode())
    return len(parts)


@component()
def fail_first(marks: str, times: int) -> str:
    """Fail until that many attempts have said so."""
    import os
    import time

    me = os.environ["TRAINSHED_ATTEMPT"]
    file = os.open(marks, os.O_RDWR | os.O_APPEND | os.O_CREAT)
    os.write(file, f"{me} {time.time()} begun\n".encode())
    lines = [line.split() for line in open(marks).read().splitlines()]
    failed = sum(line[0].split("@")[0] == me.split("@")[0] and line[2] == "failed" for line in lines)
    if failed < times:
        os.write(file, f"{me} {time.time()} failed\n".encode())
        raise RuntimeError("not yet")
    os.write(file, f"{me} {time.time()} done\n".encode())
    return "came through"


@component()
def need_permit(marks: str, number: int) -> int:
    """Fail unless somebody has allowed it."""
    import os
    import time

    me = os.environ["TRAINSHED_ATTEMPT"]
    file = os.open(marks, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(file, f"{me} {time.time()} begun\n".encode())
    if not os.path.exists(f"{marks}.permit"):
        os.write(file, f"{me} {time.time()} failed\n".encode())
        raise RuntimeError("not allowed")
    os.write(file, f"{me} {time.time()} done\n".encode())
    return number + 1


@component()
def train(marks: str, steps: int, rows: int, model: Output[Model]) -> float:
    """Take longer than a server is away; each step is signed."""
    import os
    import time

    me = os.environ["TRAINSHED_ATTEMPT"]
    file = os.open(marks, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(file, f"{me} {time.time()} begun\n".encode())
    loss = float(rows)
    for step in range(steps):
        time.sleep(0.2)
        loss /= 2
        os.write(file, f"{me} {time.time()} step{step}\n".encode())
    with open(model.path, "a") as content:
        content.write(f"weights after {steps} steps\n")
    os.write(file, f"{me} {time.time()} done\n".encode())
    return loss


@component()
def farewell(marks: str, status: PipelineTaskFinalStatus) -> str:
    import os
    import time

    file = os.open(marks, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(file, f"{os.environ['TRAINSHED_ATTEMPT']} {time.time()} begun\n".encode())
    os.write(file, f"{os.environ['TRAINSHED_ATTEMPT']} {time.time()} done\n".encode())
    return status.state


@dsl.pipeline(name="chain")
def chain(marks: str) -> int:
    last = add(marks=marks, number=0, seconds=0.05)
    for _ in range(5):
        last = add(marks=marks, number=last.output, seconds=0.05)
    return last.output


@dsl.pipeline(name="loop")
def loop(marks: str) -> int:
    with dsl.ParallelFor(items=numbers(marks=marks, count=4).output, parallelism=2) as outer:
        with dsl.ParallelFor(items=[10, 20]) as inner:
            each = add(marks=marks, number=outer, plus=inner, seconds=0.05)
    return total(marks=marks, numbers=dsl.Collected(each.output)).output


@dsl.pipeline(name="conditions")
def conditions(marks: str) -> int:
    first = add(marks=marks, number=1)
    with dsl.If(first.output == 1):
        one = add(marks=marks, number=100)
    with dsl.Elif(first.output == 2):
        two = add(marks=marks, number=200)
        with dsl.If(two.output > 200):
            add(marks=marks, number=two.output)
    with dsl.Else():
        three = add(marks=marks, number=300)
    chosen = dsl.OneOf(one.output, two.output, three.output)
    return add(marks=marks, number=chosen).output


@dsl.pipeline(name="exits")
def exits(marks: str) -> None:
    after = farewell(marks=marks)
    with dsl.ExitHandler(after):
        made = add(marks=marks, number=1)
        fail_first(marks=marks, times=9).after(made)
    add(marks=marks, number=5)


@dsl.pipeline(name="retries")
def retries(marks: str) -> str:
    stubborn = fail_first(marks=marks, times=9)
    stubborn.set_retry(num_retries=2, backoff_duration="0s")
    add(marks=marks, number=1, plus=1, seconds=0.0).after(stubborn).ignore_upstream_failure()
    patient = fail_first(marks=marks, times=2)
    patient.set_retry(num_retries=3, backoff_duration="1s")
    return patient.output


@dsl.pipeline(name="artifacts")
def artifacts(marks: str) -> Dataset:
    with dsl.ParallelFor(items=["a", "b", "c"]) as letter:
        made = write(marks=marks, text=letter)
    whole = gather(marks=marks, parts=dsl.Collected(made.outputs["data"]))
    return whole.outputs["whole"]


@dsl.pipeline(name="inner")
def inner(marks: str, number: int) -> int:
    first = add(marks=marks, number=number)
    with dsl.If(first.output > 2):
        add(marks=marks, number=first.output)
    return add(marks=marks, number=first.output, plus=10).output


@dsl.pipeline(name="nested")
def nested(marks: str) -> int:
    with dsl.ParallelFor(items=[1, 2, 3]) as number:
        each = inner(marks=marks, number=number)
    alone = inner(marks=marks, number=7)
    return total(marks=marks, numbers=dsl.Collected(each.output)).after(alone).output


@dsl.pipeline(name="cached")
def cached(marks: str) -> int:
    last = add(marks=marks, number=0)
    made = write(marks=marks, text="kept").after(last)
    with dsl.ParallelFor(items=[1, 2]) as plus:
        add(marks=marks, number=last.output, plus=plus).after(made)
    return add(marks=marks, number=last.output, plus=50).output


@dsl.pipeline(name="training")
def training(marks: str, steps: int = 40) -> Model:
    rows = add(marks=marks, number=1000)
    trained = train(marks=marks, steps=steps, rows=rows.output)
    add(marks=marks, number=1).after(trained)
    return trained.outputs["model"]


@dsl.pipeline(name="cancelled")
def cancelled(marks: str) -> None:
    after = farewell(marks=marks)
    with dsl.ExitHandler(after):
        held = add(marks=marks, number=1, seconds=600.0)
        add(marks=marks, number=2).after(held)


@dsl.pipeline(name="permits")
def permits(marks: str) -> int:
    first = add(marks=marks, number=1)
    with dsl.ParallelFor(items=[1, 2]) as number:
        allowed = need_permit(marks=marks, number=number).after(first)
        each = add(marks=marks, number=allowed.output)
    return total(marks=marks, numbers=dsl.Collected(each.output)).output


ALL = (chain, loop, conditions, exits, retries, artifacts, nested, cached, training, cancelled, permits)

if __name__ == "__main__":
    for pipeline in ALL:
        compiler.Compiler().compile(pipeline, f"{sys.argv[1]}/{pipeline.name}.json")
