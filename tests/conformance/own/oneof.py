"""OneOf: parameters and artifacts, as outputs, as inputs, through nested pipelines, inside and before loops."""

from typing import NamedTuple

from kfp import dsl

CASES = [
    {"pipeline": "parameter", "arguments": {"side": "left"}, "outputs": {"Output": "left!"}},
    {"pipeline": "parameter", "arguments": {"side": "right"}, "outputs": {"Output": "right!"}},
    {"pipeline": "parameter", "arguments": {"side": "up"}, "outputs": {"Output": "else!"}},
    # Each branch has another component and another output key.
    {
        "pipeline": "artifact",
        "arguments": {"side": "left"},
        "outputs": {
            "made": {"artifact": "system.Dataset", "uri": "<local>", "content": "L", "metadata": {"side": "left"}},
            "text": "read L",
        },
    },
    {
        "pipeline": "artifact",
        "arguments": {"side": "right"},
        "outputs": {"made": {"artifact": "system.Dataset", "uri": "<local>", "content": "R"}, "text": "read R"},
    },
    # The list of whichever branch ran is looped over.
    {"pipeline": "feeds_a_loop", "arguments": {"many": True}, "outputs": {"Output": [10, 20, 30]}},
    {"pipeline": "feeds_a_loop", "arguments": {"many": False}, "outputs": {"Output": [70]}},
    # In each iteration another branch; all of them are gathered in iteration order.
    {
        "pipeline": "inside_a_loop",
        "outputs": {"Output": "small 1,big 20,small 3"},
        "ran": {
            "for-loop-2[*]/condition-branches-3/condition-4/small": 2,
            "for-loop-2[*]/condition-branches-3/condition-5/big": 1,
            "for-loop-2[*]/say": 3,
            "join": 1,
        },
    },
    {"pipeline": "through_two_levels", "arguments": {"size": 1}, "outputs": {"Output": "small 1"}},
    {"pipeline": "through_two_levels", "arguments": {"size": 50}, "outputs": {"Output": "big 50"}},
    # A OneOf of a OneOf: the inner branches are DAGs within a branch.
    {"pipeline": "of_nested_branches", "arguments": {"first": "a", "second": "x"}, "outputs": {"Output": "ax"}},
    {"pipeline": "of_nested_branches", "arguments": {"first": "a", "second": "y"}, "outputs": {"Output": "a?"}},
    {"pipeline": "of_nested_branches", "arguments": {"first": "b", "second": "x"}, "outputs": {"Output": "b"}},
]


@dsl.component
def say(text: str) -> str:
    return text


@dsl.component
def mark(text: str) -> str:
    return f"{text}!"


@dsl.component
def left_data(data: dsl.Output[dsl.Dataset]):
    data.metadata["side"] = "left"
    with open(data.path, "w") as file:
        file.write("L")


@dsl.component
def right_data() -> dsl.Dataset:
    made = dsl.Dataset(uri=dsl.get_uri(), metadata={})
    with open(made.path, "w") as file:
        file.write("R")
    return made


@dsl.component
def read(data: dsl.Input[dsl.Dataset]) -> str:
    with open(data.path) as file:
        return f"read {file.read()}"


@dsl.component
def numbers(values: list) -> list:
    return values


@dsl.component
def ten_times(n: int) -> int:
    return n * 10


@dsl.component
def small(n: int) -> str:
    return f"small {n}"


@dsl.component
def big(n: int) -> str:
    return f"big {n}"


@dsl.component
def join(texts: list) -> str:
    return ",".join(texts)


@dsl.pipeline
def parameter(side: str) -> str:
    with dsl.If(side == "left"):
        one = say(text="left")
    with dsl.Elif(side == "right"):
        two = say(text="right")
    with dsl.Else():
        three = say(text="else")
    return mark(text=dsl.OneOf(one.output, two.output, three.output)).output


@dsl.pipeline
def artifact(side: str) -> NamedTuple("Outputs", made=dsl.Dataset, text=str):
    with dsl.If(side == "left"):
        one = left_data()
    with dsl.Else():
        two = right_data()
    chosen = dsl.OneOf(one.outputs["data"], two.output)
    outputs = NamedTuple("Outputs", made=dsl.Dataset, text=str)
    return outputs(chosen, read(data=chosen).output)


@dsl.pipeline
def all_ten_times(values: list) -> list:
    with dsl.ParallelFor(values) as item:
        made = ten_times(n=item)
    return dsl.Collected(made.output)


@dsl.pipeline
def feeds_a_loop(many: bool) -> list:
    with dsl.If(many == True):  # noqa: E712
        one = numbers(values=[1, 2, 3])
    with dsl.Else():
        two = numbers(values=[7])
    return all_ten_times(values=dsl.OneOf(one.output, two.output)).output


@dsl.pipeline
def inside_a_loop() -> str:
    with dsl.ParallelFor([1, 20, 3]) as item:
        with dsl.If(item < 10):
            one = small(n=item)
        with dsl.Else():
            two = big(n=item)
        chosen = say(text=dsl.OneOf(one.output, two.output))
    return join(texts=dsl.Collected(chosen.output)).output


@dsl.pipeline
def sized(size: int) -> str:
    with dsl.If(size < 10):
        one = small(n=size)
    with dsl.Else():
        two = big(n=size)
    return dsl.OneOf(one.output, two.output)


@dsl.pipeline
def passed_on(size: int) -> str:
    return sized(size=size).output


@dsl.pipeline
def through_two_levels(size: int) -> str:
    return say(text=passed_on(size=size).output).output


@dsl.pipeline
def second_choice(second: str) -> str:
    with dsl.If(second == "x"):
        one = say(text="ax")
    with dsl.Else():
        two = say(text="a?")
    return dsl.OneOf(one.output, two.output)


@dsl.pipeline
def of_nested_branches(first: str, second: str) -> str:
    with dsl.If(first == "a"):
        one = second_choice(second=second)
    with dsl.Else():
        two = say(text="b")
    return dsl.OneOf(one.output, two.output)
