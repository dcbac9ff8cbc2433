"""Parameters: every type in and out and unchanged, text with placeholders in it, what a run says about itself."""

from typing import Dict, List, NamedTuple

from kfp import dsl

CASES = [
    # Integers in lists and dicts stay integers at every depth, floats stay floats, null stays null.
    {
        "pipeline": "every_type",
        "outputs": {
            "text": "str 'text'",
            "whole": "int 7",
            "fraction": "float 0.25",
            "flag": "bool True",
            "items": "list [1, 2.5, 'x', [3, {'k': 4}], True]",
            "table": "dict {'a': 1, 'b': {'c': [2, 3]}, 'd': 0.5}",
        },
    },
    {
        "pipeline": "every_type",
        "arguments": {
            "text": "",
            "whole": -9007199254740991,
            "fraction": 1e-9,
            "flag": False,
            "items": [None, [], {}, [[1]]],
            "table": {"e": None, "f": {"g": [None, 1]}},
        },
        "outputs": {
            "text": "str ''",
            "whole": "int -9007199254740991",
            "fraction": "float 1e-09",
            "flag": "bool False",
            "items": "list [None, [], {}, [[1]]]",
            "table": "dict {'e': None, 'f': {'g': [None, 1]}}",
        },
    },
    # Text comes through byte by byte: quotes, line ends, other scripts, what looks like JSON, like a shell command.
    {
        "pipeline": "echoes",
        "arguments": {"text": 'it\'s "quoted"\n\ttab \\ $HOME `id` $(id) ünï 日本 🦆 {"a": [1]} {{ x }} %s'},
        "outputs": {"Output": 'it\'s "quoted"\n\ttab \\ $HOME `id` $(id) ünï 日本 🦆 {"a": [1]} {{ x }} %s'},
    },
    {"pipeline": "echoes", "arguments": {"text": "null"}, "outputs": {"Output": "null"}},
    {"pipeline": "echoes", "arguments": {"text": "007"}, "outputs": {"Output": "007"}},
    # What a task gave and looks like a placeholder is a value: it is not looked into again, also not within other text.
    {"pipeline": "braces", "outputs": {"Output": "in {{$.pipeline_job_name}}{{$}} end"}},
    # In a text with placeholders an integer is 6 and never 6.0, a flag is true, an output of another task is its value.
    {
        "pipeline": "formatted",
        "arguments": {"n": 6, "x": 0.5, "word": "w"},
        "outputs": {"Output": "6|0.5|w|6+6=12|12"},
    },
    {
        "pipeline": "formatted",
        "arguments": {"n": 1000000, "x": 2.5, "word": ""},
        "outputs": {"Output": "1000000|2.5||1000000+1000000=2000000|2000000"},
    },
    # Values inside lists and dicts that the pipeline builds: of inputs, of outputs, and written ones.
    {
        "pipeline": "built",
        "arguments": {"n": 3},
        "outputs": {"Output": "[3, 6, 1, 'n=3'] {'in': 3, 'out': 6, 'two': {'deep': [3]}}"},
    },
    # Several outputs at once, one of them written to a file; its text is read as what was declared.
    {
        "pipeline": "several",
        "outputs": {"total": 5, "label": "five", "share": 0.5, "parts": [2, 3], "path": 42, "named": {"a": 1}},
    },
    # An output that was never written is no output; the pipeline has none of that name either.
    {"pipeline": "left_out", "outputs": {}, "given": {"maybe": [{}]}},
    {"pipeline": "large", "outputs": {"Output": 200000}},
    # Every placeholder of a run, alone and within text; `task_name` is the name of the task that has it.
    {
        "pipeline": "placeholders",
        "options": ["--job-id", "placeholders-1", "--pipeline-root", "gs://own-root/sub"],
        "outputs": {
            "name": "placeholders-1",
            "resource": "projects/local-project/locations/us-central1/pipelineJobs/placeholders-1",
            "job_id": {"matches": "[0-9]+"},
            "task": "echo-4",
            "task_id": {"matches": "[-0-9]+"},
            "root": "gs://own-root/sub",
            "created": {"matches": "20..-..-..T..:..:..(.[0-9]+)?Z"},
            "scheduled": {"matches": "20..-..-..T..:..:..(.[0-9]+)?Z"},
            "inside": {"matches": "in placeholders-1 [0-9]+ echo-9!"},
        },
    },
    # Inputs that the pipeline does not have, that are of another type, or missing: all are told at once.
    {
        "pipeline": "every_type",
        "arguments": {"whole": "seven", "flag": "maybe", "unheard": 1},
        "ends": "REFUSED",
        "says": "(?s)whole.*flag.*unheard|whole.*unheard.*flag|unheard.*whole.*flag",
    },
    {"pipeline": "echoes", "ends": "REFUSED", "says": "text"},
    # An integer that is written as text or as 7.0 is still one; 7.5 is none.
    {
        "pipeline": "whole_number",
        "arguments": {"whole": 7.0},
        "outputs": {"Output": "int 7"},
    },
    {"pipeline": "whole_number", "arguments": {"whole": 7.5}, "ends": "REFUSED", "says": "whole.*7.5"},
    # An integer for a float is a float's value.
    {"pipeline": "fraction_of", "arguments": {"x": 2}, "outputs": {"Output": 1.0}},
]


@dsl.component
def tell_all(text: str, whole: int, fraction: float, flag: bool, items: list, table: dict) -> NamedTuple(
    "Outputs", text=str, whole=str, fraction=str, flag=str, items=str, table=str
):
    outputs = NamedTuple("Outputs", text=str, whole=str, fraction=str, flag=str, items=str, table=str)
    table = {key: table[key] for key in sorted(table)}
    return outputs(*(f"{type(value).__name__} {value!r}" for value in (text, whole, fraction, flag, items, table)))


@dsl.component
def hand_on(text: str, whole: int, fraction: float, flag: bool, items: list, table: dict) -> NamedTuple(
    "Outputs", text=str, whole=int, fraction=float, flag=bool, items=list, table=dict
):
    outputs = NamedTuple("Outputs", text=str, whole=int, fraction=float, flag=bool, items=list, table=dict)
    return outputs(text, whole, fraction, flag, items, table)


@dsl.component
def echo(text: str) -> str:
    return text


@dsl.component
def give_braces() -> str:
    return "{{$.pipeline_job_name}}{{$}}"


@dsl.component
def double(n: int) -> int:
    return n * 2


@dsl.component
def both(items: list, table: dict) -> str:
    return f"{items} {table}"


@dsl.component
def several_outputs(path: dsl.OutputPath(int), named: dsl.OutputPath(dict)) -> NamedTuple(
    "Outputs", total=int, label=str, share=float, parts=List[int]
):
    import json

    with open(path, "w") as file:
        file.write("42")
    with open(named, "w") as file:
        json.dump({"a": 1}, file)
    outputs = NamedTuple("Outputs", total=int, label=str, share=float, parts=List[int])
    return outputs(5, "five", 0.5, [2, 3])


@dsl.component
def maybe(path: dsl.OutputPath(str)):
    pass


@dsl.component
def much() -> str:
    return "x" * 200000


@dsl.component
def length(text: str) -> int:
    return len(text)


@dsl.component
def tell_number(whole: int) -> str:
    return f"{type(whole).__name__} {whole}"


@dsl.component
def half(x: float) -> float:
    return x / 2


@dsl.pipeline
def every_type(
    text: str = "text",
    whole: int = 7,
    fraction: float = 0.25,
    flag: bool = True,
    items: list = [1, 2.5, "x", [3, {"k": 4}], True],  # noqa: B006
    table: Dict[str, dict] = {"a": 1, "b": {"c": [2, 3]}, "d": 0.5},  # noqa: B006
) -> NamedTuple("Outputs", text=str, whole=str, fraction=str, flag=str, items=str, table=str):
    one = hand_on(text=text, whole=whole, fraction=fraction, flag=flag, items=items, table=table)
    two = tell_all(
        text=one.outputs["text"],
        whole=one.outputs["whole"],
        fraction=one.outputs["fraction"],
        flag=one.outputs["flag"],
        items=one.outputs["items"],
        table=one.outputs["table"],
    )
    outputs = NamedTuple("Outputs", text=str, whole=str, fraction=str, flag=str, items=str, table=str)
    return outputs(*(two.outputs[key] for key in ("text", "whole", "fraction", "flag", "items", "table")))


@dsl.pipeline
def echoes(text: str) -> str:
    return echo(text=echo(text=text).output).output


@dsl.pipeline
def braces() -> str:
    return echo(text=f"in {give_braces().output} end").output


@dsl.pipeline
def formatted(n: int, x: float, word: str) -> str:
    twice = double(n=n)
    inner = echo(text=f"{n}+{n}={twice.output}")
    return echo(text=f"{n}|{x}|{word}|{inner.output}|{twice.output}").output


@dsl.pipeline
def built(n: int) -> str:
    twice = double(n=n)
    items = [n, twice.output, 1, f"n={n}"]
    return both(items=items, table={"in": n, "out": twice.output, "two": {"deep": [n]}}).output


@dsl.pipeline
def several() -> NamedTuple("Outputs", total=int, label=str, share=float, parts=list, path=int, named=dict):
    made = several_outputs()
    outputs = NamedTuple("Outputs", total=int, label=str, share=float, parts=list, path=int, named=dict)
    return outputs(*(made.outputs[key] for key in ("total", "label", "share", "parts", "path", "named")))


@dsl.pipeline
def left_out() -> str:
    return maybe().outputs["path"]


@dsl.pipeline
def large() -> int:
    return length(text=much().output).output


@dsl.pipeline
def placeholders() -> NamedTuple(
    "Outputs",
    name=str,
    resource=str,
    job_id=str,
    task=str,
    task_id=str,
    root=str,
    created=str,
    scheduled=str,
    inside=str,
):
    outputs = NamedTuple(
        "Outputs",
        name=str,
        resource=str,
        job_id=str,
        task=str,
        task_id=str,
        root=str,
        created=str,
        scheduled=str,
        inside=str,
    )
    return outputs(
        echo(text=dsl.PIPELINE_JOB_NAME_PLACEHOLDER).output,
        echo(text=dsl.PIPELINE_JOB_RESOURCE_NAME_PLACEHOLDER).output,
        echo(text=dsl.PIPELINE_JOB_ID_PLACEHOLDER).output,
        echo(text=dsl.PIPELINE_TASK_NAME_PLACEHOLDER).output,
        echo(text=dsl.PIPELINE_TASK_ID_PLACEHOLDER).output,
        echo(text=dsl.PIPELINE_ROOT_PLACEHOLDER).output,
        echo(text=dsl.PIPELINE_JOB_CREATE_TIME_UTC_PLACEHOLDER).output,
        echo(text=dsl.PIPELINE_JOB_SCHEDULE_TIME_UTC_PLACEHOLDER).output,
        echo(
            text=f"in {dsl.PIPELINE_JOB_NAME_PLACEHOLDER} {dsl.PIPELINE_JOB_ID_PLACEHOLDER} "
            f"{dsl.PIPELINE_TASK_NAME_PLACEHOLDER}!"
        ).output,
    )


@dsl.pipeline
def whole_number(whole: int) -> str:
    return tell_number(whole=whole).output


@dsl.pipeline
def fraction_of(x: float) -> float:
    return half(x=x).output
