"""Container components, run verbatim in the environment that their image is bound to; and Python in an image."""

from typing import NamedTuple, Optional

from kfp import dsl

IMAGE = "example.com/own/tools"
CASES = [
    # Exact words: no shell in between, nothing joined or split, empty ones kept.
    {
        "pipeline": "words",
        "arguments": {"text": "a b  $HOME 'q' \"d\" *", "n": 7},
        "printed": {"show": [["['--text', 'a b  $HOME \\'q\\' \"d\" *', '', '--n=7', 'x']"]]},
    },
    # Outputs by file: parameters are read as declared, artifacts are what lies at their path.
    {
        "pipeline": "outputs",
        "arguments": {"text": "hi"},
        "outputs": {
            "length": 2,
            "words": ["hi", 1],
            "data": {"artifact": "system.Dataset", "uri": "<local>", "content": "hi"},
        },
    },
    # A parameter that was never written fails the task, named.
    {"pipeline": "forgets", "ends": "FAILED", "failed": ["forget"], "says": "forget.*number|number.*forget"},
    # Concatenation, nested and with artifacts' places.
    {
        "pipeline": "concatenated",
        "arguments": {"a": "x", "b": 2},
        "printed": {"concat": [["['pre-x+2-post', '--both=x2x']"]]},
    },
    # A condition on whether an input is there: absent, given, given as False or 0 or "".
    {"pipeline": "if_present", "printed": {"present": [["['else', 'end']"]]}},
    {"pipeline": "if_present", "arguments": {"text": "t"}, "printed": {"present": [["['--text', 't', 'end']"]]}},
    {"pipeline": "if_present", "arguments": {"text": ""}, "printed": {"present": [["['--text', '', 'end']"]]}},
    # The same inside a concatenation, for parameters and for artifacts.
    {
        "pipeline": "present_inside_concat",
        "arguments": {"text": "t"},
        "printed": {"inside": [["['a-t-data']"]], "inside-2": [["['a-none-none']"]]},
    },
    # Names of artifacts in commands: path, URI, metadata.
    {
        "pipeline": "artifact_words",
        "printed": {"about": [["made True 5"]]},
    },
    # An exit code that is not 0 is a failure; what was printed is kept.
    {"pipeline": "exit_code", "ends": "FAILED", "failed": ["leave"], "says": "(?s)7"},
    # A program that is not there is told by name.
    {"pipeline": "no_program", "ends": "FAILED", "failed": ["nowhere"], "says": "no-such-program"},
    # An image that stands for nothing is refused before anything runs, naming task, image and way out; all at once.
    {
        "pipeline": "unbound",
        "ends": "REFUSED",
        "says": "(?s)deep.unknown-one.*example.com/unknown:1.*images bind.*unknown-two.*example.com/unknown:2",
    },
    # Also in a branch that would not be taken: whether it is, is not known before.
    {"pipeline": "unbound_in_a_branch", "arguments": {"wanted": False}, "ends": "REFUSED", "says": "unknown-one"},
    # What a task gave and looks like a placeholder is a value: it is not looked into again.
    {
        "pipeline": "given_words",
        "printed": {"show": [["['--text', '{{$.pipeline_job_name}}', '', '--n=1', 'x']"]]},
    },
    # An artifact that was written to a place of its own is there for commands as well.
    {
        "pipeline": "custom_path",
        "arguments": {"folder": "${TMP}/own"},
        "printed": {"show": [["['--text', 'elsewhere', '', '--n=1', 'x']"]]},
    },
    # The whole executor input in a command, as JSON.
    {"pipeline": "whole_input", "arguments": {"items": [1, {"a": 2}]}, "printed": {"whole": [["[1, {'a': 2}] True"]]}},
    # What runs in a loop, with the item in its command.
    {
        "pipeline": "in_a_loop",
        "printed": {
            "for-loop-2[*]/show": [["['--text', 'a', '', '--n=1', 'x']"], ["['--text', 'b', '', '--n=1', 'x']"]]
        },
    },
    # Chosen at run time: an image from an input.
    {
        "pipeline": "image_from_an_input",
        "arguments": {"image": "example.com/own/tools:2"},
        "printed": {"say": [["in an image"]]},
    },
]
SHOW = "import sys; print(sys.argv[1:])"
ABOUT = """
import sys
path, uri, rows = sys.argv[1:]
print(open(path).read(), uri.startswith("gs://"), rows)
"""
WHOLE = """
import json, sys
given = json.loads(sys.argv[1])
print(given["inputs"]["parameterValues"]["items"], "outputFile" in given["outputs"])
"""


@dsl.container_component
def show(text: str, n: int):
    return dsl.ContainerSpec(image=IMAGE, command=["python3", "-c", SHOW], args=["--text", text, "", f"--n={n}", "x"])


@dsl.container_component
def write_outputs(text: str, length: dsl.OutputPath(int), words: dsl.OutputPath(list), data: dsl.Output[dsl.Dataset]):
    return dsl.ContainerSpec(
        image=IMAGE,
        command=[
            "sh",
            "-ec",
            """
mkdir -p "$(dirname "$1")" "$(dirname "$2")" "$(dirname "$3")"
printf '%s' "${#0}" > "$1"
printf '["%s", 1]' "$0" > "$2"
printf '%s' "$0" > "$3"
""",
        ],
        args=[text, length, words, data.path],
    )


@dsl.container_component
def forget(number: dsl.OutputPath(int)):
    return dsl.ContainerSpec(image=IMAGE, command=["true", number])


@dsl.container_component
def concat(a: str, b: int):
    return dsl.ContainerSpec(
        image=IMAGE,
        command=["python3", "-c", SHOW],
        args=[
            dsl.ConcatPlaceholder(["pre-", a, "+", b, "-post"]),
            dsl.ConcatPlaceholder(["--both=", dsl.ConcatPlaceholder([a, b]), a]),
        ],
    )


@dsl.container_component
def present(text: Optional[str] = None):
    return dsl.ContainerSpec(
        image=IMAGE,
        command=["python3", "-c", SHOW],
        args=[dsl.IfPresentPlaceholder(input_name="text", then=["--text", text], else_=["else"]), "end"],
    )


@dsl.container_component
def inside(text: Optional[str] = None, data: Optional[dsl.Input[dsl.Dataset]] = None):
    return dsl.ContainerSpec(
        image=IMAGE,
        command=["python3", "-c", SHOW],
        args=[
            dsl.ConcatPlaceholder(
                [
                    "a-",
                    dsl.IfPresentPlaceholder(input_name="text", then=text, else_="none"),
                    "-",
                    dsl.IfPresentPlaceholder(input_name="data", then="data", else_="none"),
                ]
            )
        ],
    )


@dsl.component
def make(data: dsl.Output[dsl.Dataset]):
    data.metadata["rows"] = 5
    with open(data.path, "w") as file:
        file.write("made")


@dsl.container_component
def about(data: dsl.Input[dsl.Dataset]):
    return dsl.ContainerSpec(
        image=IMAGE,
        command=[
            "python3",
            "-c",
            ABOUT,
            data.path,
            data.uri,
            data.metadata["rows"],
        ],
    )


@dsl.component
def braces() -> str:
    return "{{$.pipeline_job_name}}"


@dsl.component
def write_elsewhere(folder: str, data: dsl.Output[dsl.Dataset]):
    import os

    os.makedirs(folder)
    data.custom_path = f"{folder}/file.txt"
    with open(data.path, "w") as file:
        file.write("elsewhere")


@dsl.container_component
def content_of(data: dsl.Input[dsl.Dataset], content: dsl.OutputPath(str)):
    return dsl.ContainerSpec(
        image=IMAGE,
        command=["sh", "-ec", 'mkdir -p "$(dirname "$1")"; cat "$0" > "$1"'],
        args=[data.path, content],
    )


@dsl.container_component
def leave():
    return dsl.ContainerSpec(image=IMAGE, command=["sh", "-c", "echo before; exit 7"])


@dsl.container_component
def nowhere():
    return dsl.ContainerSpec(image=IMAGE, command=["no-such-program"])


@dsl.container_component
def unknown_one():
    return dsl.ContainerSpec(image="example.com/unknown:1", command=["true"])


@dsl.container_component
def unknown_two():
    return dsl.ContainerSpec(image="example.com/unknown:2", command=["true"])


@dsl.container_component
def whole(items: list):
    return dsl.ContainerSpec(
        image=IMAGE,
        command=[
            "python3",
            "-c",
            WHOLE,
            dsl.PIPELINE_TASK_EXECUTOR_INPUT_PLACEHOLDER,
        ],
    )


@dsl.component
def say():
    print("in an image")


@dsl.pipeline
def words(text: str, n: int):
    show(text=text, n=n)


@dsl.pipeline
def given_words():
    show(text=braces().output, n=1)


@dsl.pipeline
def custom_path(folder: str):
    show(text=content_of(data=write_elsewhere(folder=folder).outputs["data"]).outputs["content"], n=1)


@dsl.pipeline
def outputs(text: str) -> NamedTuple("Outputs", length=int, words=list, data=dsl.Dataset):
    made = write_outputs(text=text)
    outputs = NamedTuple("Outputs", length=int, words=list, data=dsl.Dataset)
    return outputs(made.outputs["length"], made.outputs["words"], made.outputs["data"])


@dsl.pipeline
def forgets():
    forget()


@dsl.pipeline
def concatenated(a: str, b: int):
    concat(a=a, b=b)


@dsl.pipeline
def if_present(text: Optional[str] = None):
    present(text=text)


@dsl.pipeline
def present_inside_concat(text: Optional[str] = None):
    inside(text=text, data=make().outputs["data"])
    inside()


@dsl.pipeline
def artifact_words():
    about(data=make().outputs["data"])


@dsl.pipeline
def exit_code():
    leave()


@dsl.pipeline
def no_program():
    nowhere()


@dsl.pipeline
def deep():
    unknown_one()


@dsl.pipeline
def unbound():
    deep()
    unknown_two()
    say()


@dsl.pipeline
def unbound_in_a_branch(wanted: bool):
    with dsl.If(wanted == True):  # noqa: E712
        unknown_one()


@dsl.pipeline
def whole_input(items: list):
    whole(items=items)


@dsl.pipeline
def in_a_loop():
    with dsl.ParallelFor(["a", "b"]) as item:
        show(text=item, n=1)


@dsl.pipeline
def image_from_an_input(image: str):
    say().set_container_image(image)
