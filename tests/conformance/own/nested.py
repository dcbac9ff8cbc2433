"""Pipelines in pipelines: defaults and optional inputs at every level, one component with many inputs, outputs outward."""

from typing import NamedTuple, Optional

from kfp import dsl

CASES = [
    # A value goes as deep as it is passed; where it is not, the nearest default counts, and the root's may differ from
    # the component's.
    {
        "pipeline": "defaults",
        "outputs": {"given": "root", "kept": "inner", "component": "component", "whole": 1},
    },
    {
        "pipeline": "defaults",
        "arguments": {"text": "run", "n": 0},
        "outputs": {"given": "run", "kept": "inner", "component": "component", "whole": 0},
    },
    # False, 0 and "" are values, not absences.
    {
        "pipeline": "defaults",
        "arguments": {"text": ""},
        "outputs": {"given": "", "kept": "inner", "component": "component", "whole": 1},
    },
    # An optional input without default that nobody gives is absent all the way down; the function's None is used.
    {"pipeline": "optionals", "outputs": {"text": "None", "number": "None", "items": "None", "flag": "None"}},
    {
        "pipeline": "optionals",
        "arguments": {"text": "t", "number": 0, "items": [], "flag": False},
        "outputs": {"text": "'t'", "number": "0", "items": "[]", "flag": "False"},
    },
    {
        "pipeline": "optionals",
        "arguments": {"number": None, "flag": True},
        "outputs": {"text": "None", "number": "None", "items": "None", "flag": "True"},
    },
    # Absent at the root, and the level below has a default of its own: that default.
    {"pipeline": "absent_meets_default", "outputs": {"Output": "middle"}},
    {"pipeline": "absent_meets_default", "arguments": {"text": "root"}, "outputs": {"Output": "root"}},
    # The same nested pipeline three times, each with other inputs; tasks inside have the same names.
    {
        "pipeline": "reused",
        "arguments": {"n": 3},
        "outputs": {"Output": "4 6 16"},
        "ran": {
            "plus-and-times/add": 1,
            "plus-and-times/times": 1,
            "plus-and-times-2/add": 1,
            "plus-and-times-2/times": 1,
            "plus-and-times-3/add": 1,
            "plus-and-times-3/times": 1,
            "three": 1,
        },
    },
    # Five levels, a parameter and an artifact carried in and out at each.
    {
        "pipeline": "five_levels",
        "arguments": {"text": "x"},
        "outputs": {
            "text": "x12345",
            "data": {"artifact": "system.Dataset", "uri": "<local>", "content": "x1234", "metadata": {"length": 5}},
        },
    },
    # Outputs of a nested pipeline are its own: the same name means another thing on each level.
    {"pipeline": "same_names", "outputs": {"Output": "outer(inner(x))"}},
    # A nested pipeline that fails fails its task; what waits for it does not run, what does not wait for it does.
    {
        "pipeline": "failing_inside",
        "ends": "FAILED",
        "failed": ["breaks/fail"],
        "ran": {"breaks/fail": 1, "breaks/echo": 1, "echo-2": 1},
        "not_triggered": {"breaks/echo-2": 1, "echo": 1},
        "says": "breaks.fail",
    },
    # A nested pipeline without tasks that depend on its input begins only after what it waits for.
    {
        "pipeline": "waits",
        "arguments": {"file": "${TMP}/order"},
        "files": {"${TMP}/order": "a\nb\nc\n"},
    },
    # An optional artifact that is not passed, through two levels; and one that is.
    {"pipeline": "optional_artifact", "outputs": {"without": "nothing", "with_one": "data"}},
]


@dsl.component
def echo(text: str = "component") -> str:
    return text


@dsl.component
def echo_number(n: int = 7) -> int:
    return n


@dsl.component
def shown(
    text: Optional[str] = None,
    number: Optional[int] = None,
    items: Optional[list] = None,
    flag: Optional[bool] = None,
) -> NamedTuple("Outputs", text=str, number=str, items=str, flag=str):
    outputs = NamedTuple("Outputs", text=str, number=str, items=str, flag=str)
    return outputs(repr(text), repr(number), repr(items), repr(flag))


@dsl.component
def add(a: int, b: int) -> int:
    return a + b


@dsl.component
def times(a: int, b: int) -> int:
    return a * b


@dsl.component
def three(a: int, b: int, c: int) -> str:
    return f"{a} {b} {c}"


@dsl.component
def begin(text: str, data: dsl.Output[dsl.Dataset]) -> str:
    data.metadata["length"] = len(text) + 1
    with open(data.path, "w") as file:
        file.write(f"{text}1")
    return f"{text}1"


@dsl.component
def go_on(text: str, mark: str, data: dsl.Input[dsl.Dataset], longer: dsl.Output[dsl.Dataset]) -> str:
    with open(data.path) as file:
        content = file.read()
    with open(longer.path, "w") as file:
        file.write(content + mark)
    longer.metadata["length"] = len(content + mark)
    return text + mark


@dsl.component
def wrap_end(text: str) -> str:
    return f"{text}5"


@dsl.component
def wrap(text: str, around: str) -> str:
    return f"{around}({text})"


@dsl.component
def fail(after: str):
    raise ValueError(after)


@dsl.component
def write_down(file: str, text: str):
    with open(file, "a") as out:
        out.write(f"{text}\n")


@dsl.component
def make(data: dsl.Output[dsl.Dataset]):
    with open(data.path, "w") as file:
        file.write("data")


@dsl.component
def read_if_there(data: Optional[dsl.Input[dsl.Dataset]] = None) -> str:
    if data is None:
        return "nothing"
    with open(data.path) as file:
        return file.read()


@dsl.pipeline
def innermost(text: str = "innermost", n: int = 5) -> NamedTuple(
    "Outputs", given=str, kept=str, component=str, whole=int
):
    outputs = NamedTuple("Outputs", given=str, kept=str, component=str, whole=int)
    return outputs(echo(text=text).output, echo(text="inner").output, echo().output, echo_number(n=n).output)


@dsl.pipeline
def middle(text: str = "middle", n: int = 3) -> NamedTuple("Outputs", given=str, kept=str, component=str, whole=int):
    made = innermost(text=text, n=n)
    outputs = NamedTuple("Outputs", given=str, kept=str, component=str, whole=int)
    return outputs(made.outputs["given"], made.outputs["kept"], made.outputs["component"], made.outputs["whole"])


@dsl.pipeline
def defaults(text: str = "root", n: int = 1) -> NamedTuple("Outputs", given=str, kept=str, component=str, whole=int):
    made = middle(text=text, n=n)
    outputs = NamedTuple("Outputs", given=str, kept=str, component=str, whole=int)
    return outputs(made.outputs["given"], made.outputs["kept"], made.outputs["component"], made.outputs["whole"])


@dsl.pipeline
def optional_middle(
    text: Optional[str] = None,
    number: Optional[int] = None,
    items: Optional[list] = None,
    flag: Optional[bool] = None,
) -> NamedTuple("Outputs", text=str, number=str, items=str, flag=str):
    made = shown(text=text, number=number, items=items, flag=flag)
    outputs = NamedTuple("Outputs", text=str, number=str, items=str, flag=str)
    return outputs(made.outputs["text"], made.outputs["number"], made.outputs["items"], made.outputs["flag"])


@dsl.pipeline
def optionals(
    text: Optional[str] = None,
    number: Optional[int] = None,
    items: Optional[list] = None,
    flag: Optional[bool] = None,
) -> NamedTuple("Outputs", text=str, number=str, items=str, flag=str):
    made = optional_middle(text=text, number=number, items=items, flag=flag)
    outputs = NamedTuple("Outputs", text=str, number=str, items=str, flag=str)
    return outputs(made.outputs["text"], made.outputs["number"], made.outputs["items"], made.outputs["flag"])


@dsl.pipeline
def middle_default(text: Optional[str] = "middle") -> str:
    return echo(text=text).output


@dsl.pipeline
def absent_meets_default(text: Optional[str] = None) -> str:
    return middle_default(text=text).output


@dsl.pipeline
def plus_and_times(a: int, b: int = 1) -> int:
    return times(a=add(a=a, b=b).output, b=b).output


@dsl.pipeline
def reused(n: int) -> str:
    first = plus_and_times(a=n)
    second = plus_and_times(a=1, b=2)
    third = plus_and_times(a=second.output, b=2)
    return three(a=first.output, b=second.output, c=third.output).output


@dsl.pipeline
def level_5(text: str) -> NamedTuple("Outputs", text=str, data=dsl.Dataset):
    made = begin(text=text)
    outputs = NamedTuple("Outputs", text=str, data=dsl.Dataset)
    return outputs(made.outputs["Output"], made.outputs["data"])


@dsl.pipeline
def level_4(text: str) -> NamedTuple("Outputs", text=str, data=dsl.Dataset):
    below = level_5(text=text)
    made = go_on(text=below.outputs["text"], mark="2", data=below.outputs["data"])
    outputs = NamedTuple("Outputs", text=str, data=dsl.Dataset)
    return outputs(made.outputs["Output"], made.outputs["longer"])


@dsl.pipeline
def level_3(text: str) -> NamedTuple("Outputs", text=str, data=dsl.Dataset):
    below = level_4(text=text)
    made = go_on(text=below.outputs["text"], mark="3", data=below.outputs["data"])
    outputs = NamedTuple("Outputs", text=str, data=dsl.Dataset)
    return outputs(made.outputs["Output"], made.outputs["longer"])


@dsl.pipeline
def level_2(text: str) -> NamedTuple("Outputs", text=str, data=dsl.Dataset):
    below = level_3(text=text)
    made = go_on(text=below.outputs["text"], mark="4", data=below.outputs["data"])
    outputs = NamedTuple("Outputs", text=str, data=dsl.Dataset)
    return outputs(made.outputs["Output"], made.outputs["longer"])


@dsl.pipeline
def five_levels(text: str) -> NamedTuple("Outputs", text=str, data=dsl.Dataset):
    below = level_2(text=text)
    last = wrap_end(text=below.outputs["text"])
    outputs = NamedTuple("Outputs", text=str, data=dsl.Dataset)
    return outputs(last.output, below.outputs["data"])


@dsl.pipeline
def wrapped(text: str) -> str:
    return wrap(text=text, around="inner").output


@dsl.pipeline
def same_names() -> str:
    return wrap(text=wrapped(text="x").output, around="outer").output


@dsl.pipeline
def breaks():
    broken = fail(after=echo(text="a").output)
    echo(text="never").after(broken)


@dsl.pipeline
def failing_inside():
    echo(text="after").after(breaks())
    echo(text="beside")


@dsl.pipeline
def two_writes(file: str):
    write_down(file=file, text="b")


@dsl.pipeline
def waits(file: str):
    first = write_down(file=file, text="a")
    second = two_writes(file=file).after(first)
    write_down(file=file, text="c").after(second)


@dsl.pipeline
def reads(data: Optional[dsl.Input[dsl.Dataset]] = None) -> str:
    return read_if_there(data=data).output


@dsl.pipeline
def reads_below(data: Optional[dsl.Input[dsl.Dataset]] = None) -> str:
    return reads(data=data).output


@dsl.pipeline
def optional_artifact() -> NamedTuple("Outputs", without=str, with_one=str):
    outputs = NamedTuple("Outputs", without=str, with_one=str)
    return outputs(reads_below().output, reads_below(data=make().outputs["data"]).output)
