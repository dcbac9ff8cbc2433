"""Two and three features at once: where they meet is where engines go wrong."""

from typing import List, NamedTuple, Optional

from kfp import dsl

CASES = [
    # An exit handler in a nested pipeline in a loop: each iteration is told of its own group.
    {
        "pipeline": "exits_in_a_loop",
        "arguments": {"file": "${TMP}/states"},
        "ends": "FAILED",
        "outputs": {},
        "ran": {
            "for-loop-2[*]/guarded/exit-handler-1/fail-on": 3,
            "for-loop-2[*]/guarded/exit-handler-1/say": 2,
            "for-loop-2[*]/guarded/note-state": 3,
        },
        "files": {"${TMP}/states1": "SUCCEEDED", "${TMP}/states2": "FAILED", "${TMP}/states3": "SUCCEEDED"},
    },
    # Collected from a loop in a condition in a nested pipeline, looped over outside, collected again.
    {"pipeline": "there_and_back", "arguments": {"wide": True}, "outputs": {"Output": [11, 21, 31]}},
    {"pipeline": "there_and_back", "arguments": {"wide": False}, "outputs": {"Output": [6]}},
    # A nested pipeline in each iteration collects artifacts; outside they are one flat list, in order of iterations.
    {
        "pipeline": "lists_of_lists_of_artifacts",
        "outputs": {"Output": "a1,a2,b1,b2"},
        "ran": {"for-loop-2[*]/pair/for-loop-2[*]/write": 4, "join": 1},
    },
    # Each iteration chooses one of two artifacts, made or imported; the chosen are gathered in order.
    {
        "pipeline": "chosen_artifacts",
        "objects": {"gs://own-combined/known": "imported"},
        "outputs": {"Output": "made 1,imported,made 3"},
    },
    # A OneOf over branches that are nested pipelines with loops.
    {"pipeline": "branches_with_loops", "arguments": {"n": 2}, "outputs": {"Output": [4, 5, 6]}},
    {"pipeline": "branches_with_loops", "arguments": {"n": 0}, "outputs": {"Output": [0]}},
    # An optional input goes through a loop and a condition to a task with a default.
    {"pipeline": "optional_in_a_loop", "outputs": {"Output": ["default 1", "default 2"]}},
    {"pipeline": "optional_in_a_loop", "arguments": {"word": "given"}, "outputs": {"Output": ["given 1", "given 2"]}},
    # An optional artifact into an iteration, through two nested pipelines.
    {
        "pipeline": "optional_artifact_in_a_loop",
        "outputs": {"with_one": ["1 there", "2 there"], "without": ["1 none", "2 none"]},
    },
    # A retried task in an iteration of a loop whose other iterations go on; collected when all are done.
    {
        "pipeline": "retries_in_a_loop",
        "arguments": {"file": "${TMP}/tries"},
        "outputs": {"Output": [1, 2, 3]},
        "attempts": {"for-loop-2[*]/third-time": 5},
    },
    # ignore_upstream_failure after a loop of which one iteration failed: it runs, the run is FAILED.
    {
        "pipeline": "ignoring_a_loop",
        "ends": "FAILED",
        "failed": ["for-loop-2[*]/fail-on"],
        "printed": {"say": [["anyway"]]},
        "not_triggered": {"say-2": 1},
    },
    # ignore_upstream_failure inside an iteration: the failed task has its successor, the iteration has failed.
    {
        "pipeline": "ignoring_inside_a_loop",
        "ends": "FAILED",
        "failed": ["for-loop-2[*]/fail-on"],
        "ran": {"for-loop-2[*]/fail-on": 3, "for-loop-2[*]/say": 3},
        "printed": {"for-loop-2[*]/say": [["default"], ["went on"], ["went on"]]},
    },
    # A condition on what was collected, and on a part of an item.
    {
        "pipeline": "condition_on_a_sum",
        "arguments": {"numbers": [1, 2, 3]},
        "ran": {"for-loop-1[*]/double": 3, "add-all": 1, "condition-2/say": 1},
        "not_triggered": {"condition-3": 1},
    },
    # A nested pipeline's default meets a loop item, and one of its outputs is a constant of its own.
    {"pipeline": "defaults_in_a_loop", "outputs": {"Output": ["1-x", "2-x"], "other": ["1-y", "2-y"]}},
    # Exit tasks read the run's inputs, after a failure deep inside.
    {
        "pipeline": "deep_failure",
        "arguments": {"file": "${TMP}/cleaned"},
        "ends": "FAILED",
        "failed": ["exit-handler-1/for-loop-3[*]/level-two/level-one/fail-on"],
        "files": {"${TMP}/cleaned": "FAILED"},
        "says": "level-one.fail-on",
    },
    # Placeholders of the run inside a loop in a nested pipeline: the task name is the task's own.
    {
        "pipeline": "names_in_loops",
        "options": ["--job-id", "names-in-loops"],
        "outputs": {"Output": ["names-in-loops say 1", "names-in-loops say 2"]},
    },
    # Loops one after the other over the same list, joined by a task that needs both.
    {
        "pipeline": "two_loops_meet",
        "arguments": {"numbers": [1, 2]},
        "outputs": {"Output": "[2, 4] [1, 2] [[2, 4], [1, 2]]"},
    },
    # A pipeline that is used inside itself through another: two levels of the same component in one tree.
    {"pipeline": "same_twice", "arguments": {"n": 1}, "outputs": {"Output": 16}},
]


@dsl.component
def fail_on(n: int, bad: int) -> str:
    if n == bad:
        raise ValueError(f"{n} is bad")
    return "went on"


@dsl.component
def say(text: str = "default") -> str:
    print(text)
    return text


@dsl.component
def note_state(file: str, n: int, status: dsl.PipelineTaskFinalStatus):
    with open(f"{file}{n}", "a") as out:
        out.write(status.state)


@dsl.component
def note(file: str, status: dsl.PipelineTaskFinalStatus):
    with open(file, "a") as out:
        out.write(status.state)


@dsl.component
def add(a: int, b: int) -> int:
    return a + b


@dsl.component
def double(n: int) -> int:
    return n * 2


@dsl.component
def keep(n: int) -> int:
    return n


@dsl.component
def up_to(n: int) -> List[int]:
    return list(range(n + 1))


@dsl.component
def add_all(values: list) -> int:
    return sum(values)


@dsl.component
def numbered(n: int, word: str = "default") -> str:
    return f"{word} {n}"


@dsl.component
def write(letter: str, n: str, data: dsl.Output[dsl.Dataset]):
    with open(data.path, "w") as file:
        file.write(f"{letter}{n}")


@dsl.component
def make(n: int, data: dsl.Output[dsl.Dataset]):
    with open(data.path, "w") as file:
        file.write(f"made {n}")


@dsl.component
def hand_on(data: dsl.Input[dsl.Dataset], copy: dsl.Output[dsl.Dataset]):
    with open(data.path) as file, open(copy.path, "w") as out:
        out.write(file.read())


@dsl.component
def join(items: dsl.Input[List[dsl.Dataset]]) -> str:
    return ",".join(open(item.path).read() for item in items)


@dsl.component
def is_there(n: int, data: Optional[dsl.Input[dsl.Dataset]] = None) -> str:
    return f"{n} {'none' if data is None else 'there'}"


@dsl.component
def third_time(file: str, n: int) -> int:
    with open(f"{file}{n}", "a") as out:
        out.write("x")
    with open(f"{file}{n}") as seen:
        if n == 2 and len(seen.read()) < 3:
            raise ValueError("not yet")
    return n


@dsl.component
def dashed(n: int, letter: str) -> str:
    return f"{n}-{letter}"


@dsl.component
def three(a: list, b: list, both: list) -> str:
    return f"{a} {b} {both}"


@dsl.component
def both(a: list, b: list) -> list:
    return [a, b]


@dsl.pipeline
def guarded(file: str, n: int):
    with dsl.ExitHandler(note_state(file=file, n=n)):
        say(text=fail_on(n=n, bad=2).output)


@dsl.pipeline
def exits_in_a_loop(file: str):
    with dsl.ParallelFor([1, 2, 3]) as n:
        guarded(file=file, n=n)


@dsl.pipeline
def tens() -> list:
    with dsl.ParallelFor([10, 20, 30]) as n:
        made = keep(n=n)
    return dsl.Collected(made.output)


@dsl.pipeline
def five() -> list:
    with dsl.ParallelFor([5]) as n:
        made = keep(n=n)
    return dsl.Collected(made.output)


@dsl.pipeline
def wide_or_not(wide: bool) -> list:
    with dsl.If(wide == True):  # noqa: E712
        one = tens()
    with dsl.Else():
        two = five()
    return dsl.OneOf(one.output, two.output)


@dsl.pipeline
def there_and_back(wide: bool) -> list:
    with dsl.ParallelFor(wide_or_not(wide=wide).output) as n:
        made = add(a=n, b=1)
    return dsl.Collected(made.output)


@dsl.pipeline
def pair(letter: str) -> List[dsl.Dataset]:
    with dsl.ParallelFor(["1", "2"]) as n:
        made = write(letter=letter, n=n)
    return dsl.Collected(made.outputs["data"])


@dsl.pipeline
def lists_of_lists_of_artifacts() -> str:
    with dsl.ParallelFor(["a", "b"]) as letter:
        made = pair(letter=letter)
    return join(items=dsl.Collected(made.output)).output


@dsl.pipeline
def one_artifact(n: int) -> dsl.Dataset:
    with dsl.If(n == 2):
        one = dsl.importer(artifact_uri="gs://own-combined/known", artifact_class=dsl.Dataset)
    with dsl.Else():
        two = make(n=n)
    return dsl.OneOf(one.output, two.outputs["data"])


@dsl.pipeline
def chosen_artifacts() -> str:
    with dsl.ParallelFor([1, 2, 3]) as n:
        made = hand_on(data=one_artifact(n=n).output)
    return join(items=dsl.Collected(made.outputs["copy"])).output


@dsl.pipeline
def each_plus(n: int) -> list:
    with dsl.ParallelFor(up_to(n=n).output) as item:
        made = add(a=item, b=4)
    return dsl.Collected(made.output)


@dsl.pipeline
def each_doubled(n: int) -> list:
    with dsl.ParallelFor(up_to(n=n).output) as item:
        made = double(n=item)
    return dsl.Collected(made.output)


@dsl.pipeline
def branches_with_loops(n: int) -> list:
    with dsl.If(n > 0):
        one = each_plus(n=n)
    with dsl.Else():
        two = each_doubled(n=n)
    return dsl.OneOf(one.output, two.output)


@dsl.pipeline
def numbered_inside(n: int, word: Optional[str] = None) -> str:
    return numbered(n=n, word=word).output


@dsl.pipeline
def optional_in_a_loop(word: Optional[str] = None) -> list:
    with dsl.ParallelFor([1, 2]) as n:
        made = numbered_inside(n=n, word=word)
    return dsl.Collected(made.output)


@dsl.pipeline
def look_inside(n: int, data: Optional[dsl.Input[dsl.Dataset]] = None) -> str:
    return is_there(n=n, data=data).output


@dsl.pipeline
def look_in_a_loop(data: Optional[dsl.Input[dsl.Dataset]] = None) -> list:
    with dsl.ParallelFor([1, 2]) as n:
        made = look_inside(n=n, data=data)
    return dsl.Collected(made.output)


@dsl.pipeline
def optional_artifact_in_a_loop() -> NamedTuple("Outputs", with_one=list, without=list):
    outputs = NamedTuple("Outputs", with_one=list, without=list)
    return outputs(look_in_a_loop(data=make(n=1).outputs["data"]).output, look_in_a_loop().output)


@dsl.pipeline
def retries_in_a_loop(file: str) -> list:
    with dsl.ParallelFor([1, 2, 3]) as n:
        made = third_time(file=file, n=n).set_retry(2, backoff_duration="0s")
    return dsl.Collected(made.output)


@dsl.pipeline
def ignoring_a_loop():
    with dsl.ParallelFor([1, 2, 3]) as n:
        inside = fail_on(n=n, bad=2)
    say(text="anyway").after(inside).ignore_upstream_failure()
    say(text="never").after(inside)


@dsl.pipeline
def ignoring_inside_a_loop():
    with dsl.ParallelFor([1, 2, 3]) as n:
        say(text=fail_on(n=n, bad=2).output).ignore_upstream_failure()


@dsl.pipeline
def condition_on_a_sum(numbers: List[int]):
    with dsl.ParallelFor(numbers) as n:
        made = double(n=n)
    total = add_all(values=dsl.Collected(made.output))
    with dsl.If(total.output == 12):
        say(text="twelve")
    with dsl.If(total.output != 12):
        say(text="not twelve")


@dsl.pipeline
def with_default(n: int, letter: str = "x") -> NamedTuple("Outputs", one=str, other=str):
    outputs = NamedTuple("Outputs", one=str, other=str)
    return outputs(dashed(n=n, letter=letter).output, dashed(n=n, letter="y").output)


@dsl.pipeline
def defaults_in_a_loop() -> NamedTuple("Outputs", Output=list, other=list):
    with dsl.ParallelFor([1, 2]) as n:
        made = with_default(n=n)
    outputs = NamedTuple("Outputs", Output=list, other=list)
    return outputs(dsl.Collected(made.outputs["one"]), dsl.Collected(made.outputs["other"]))


@dsl.pipeline
def level_one(n: int):
    fail_on(n=n, bad=2)


@dsl.pipeline
def level_two(n: int):
    level_one(n=n)


@dsl.pipeline
def deep_failure(file: str):
    with dsl.ExitHandler(note(file=file)), dsl.ParallelFor([1, 2, 3]) as n:
        level_two(n=n)


@dsl.pipeline
def named(n: int) -> str:
    return say(text=f"{dsl.PIPELINE_JOB_NAME_PLACEHOLDER} {dsl.PIPELINE_TASK_NAME_PLACEHOLDER} {n}").output


@dsl.pipeline
def names_in_loops() -> list:
    with dsl.ParallelFor([1, 2]) as n:
        made = named(n=n)
    return dsl.Collected(made.output)


@dsl.pipeline
def two_loops_meet(numbers: List[int]) -> str:
    with dsl.ParallelFor(numbers) as n:
        one = double(n=n)
    with dsl.ParallelFor(numbers) as n:
        two = keep(n=n)
    pairs = both(a=dsl.Collected(one.output), b=dsl.Collected(two.output))
    return three(a=dsl.Collected(one.output), b=dsl.Collected(two.output), both=pairs.output).output


@dsl.pipeline
def twice(n: int) -> int:
    return double(n=double(n=n).output).output


@dsl.pipeline
def four_times(n: int) -> int:
    return twice(n=twice(n=n).output).output


@dsl.pipeline
def same_twice(n: int) -> int:
    return four_times(n=n).output
