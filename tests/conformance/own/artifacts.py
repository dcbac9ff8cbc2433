"""Artifacts: content, metadata, types, lists, places of their own, optional ones, and the workspace."""

from typing import List, NamedTuple, Optional

from kfp import dsl

CASES = [
    {
        "pipeline": "made_and_read",
        "arguments": {"text": "ünï\n"},
        "outputs": {
            "model": {
                "artifact": "system.Model",
                "name": "model",
                "uri": "<local>",
                "uri_suffix": "/model",
                "content": "ünï\n!",
                "metadata": {"framework": "none", "sizes": [1, 2.5], "nested": {"a": {"b": 3}}, "flag": True},
            },
            "seen": "system.Model ünï\n! none [1, 2.5] 3 True",
        },
    },
    # Metrics and their kin are artifacts whose content is metadata.
    {
        "pipeline": "metrics",
        "outputs": {
            "metrics": {
                "artifact": "system.Metrics",
                "uri": "<local>",
                "metadata": {"accuracy": 0.75, "rows": 4},
            },
            "roc": {
                "artifact": "system.ClassificationMetrics",
                "uri": "<local>",
                "metadata": {
                    "confusionMatrix": {
                        "annotationSpecs": [{"displayName": "a"}, {"displayName": "b"}],
                        "rows": [{"row": [1, 2]}, {"row": [3, 4]}],
                    }
                },
            },
        },
    },
    # The three ways to give an artifact: a parameter, a returned object, a returned value; and several of them.
    {
        "pipeline": "ways_to_return",
        "outputs": {
            "one": {"artifact": "system.Dataset", "uri": "<local>", "content": "one", "metadata": {"rows": 1}},
            "two": {"artifact": "system.Model", "uri": "<local>", "uri_suffix": "/own", "content": "two"},
            "three": {"artifact": "system.Artifact", "uri": "<local>", "content": "[1, 2]"},
        },
    },
    # A folder is an artifact with everything below it.
    {"pipeline": "folder", "outputs": {"Output": "a.txt=a sub/b.txt=b"}},
    # A consumer cannot change what others read.
    {"pipeline": "changed_by_a_reader", "outputs": {"Output": "original"}, "ran": {"make": 1, "spoil": 1, "read": 1}},
    # The URI is the same for the maker, the reader and the outside; text given as a URI is told as it is.
    {"pipeline": "told_uris", "outputs": {"same": True, "elsewhere": "gs://somewhere/else"}},
    # An artifact handed on unchanged is the same artifact in another task's name.
    {
        "pipeline": "handed_on",
        "outputs": {
            "Output": {
                "artifact": "system.Dataset",
                "uri": "<local>",
                "content": "original",
                "metadata": {"by": "make"},
            }
        },
    },
    # Lists of artifacts: collected from a loop, flat and in order, also from nested loops; looped over again.
    {"pipeline": "collected", "outputs": {"texts": "0,1,2", "nested": "00,01,10,11", "again": ["0!", "1!", "2!"]}},
    # Skipped makers are not in the list.
    {"pipeline": "collected_with_gaps", "arguments": {"least": 1}, "outputs": {"Output": "1,2"}},
    {"pipeline": "collected_with_gaps", "arguments": {"least": 9}, "outputs": {"Output": ""}},
    # A list of artifacts as the pipeline's own output.
    {
        "pipeline": "list_as_output",
        "outputs": {
            "Output": [
                {"artifact": "system.Dataset", "uri": "<local>", "content": "a", "metadata": {"text": "a"}},
                {"artifact": "system.Dataset", "uri": "<local>", "content": "b", "metadata": {"text": "b"}},
            ]
        },
    },
    # A list through a nested pipeline into a loop there.
    {"pipeline": "list_into_a_pipeline", "outputs": {"Output": ["a!", "b!"]}},
    # Optional artifacts: given, and not; a component with both.
    {"pipeline": "optional", "outputs": {"with_one": "extra a", "without": "extra None"}},
    # An artifact written elsewhere than at its URI is found there by whoever reads it, and its bytes by everybody.
    {
        "pipeline": "custom_place",
        "arguments": {"folder": "${TMP}/own"},
        "outputs": {
            "data": {"artifact": "system.Dataset", "uri": "<local>", "content": "elsewhere"},
            "text": "elsewhere",
        },
        "files": {"${TMP}/own/file.txt": "elsewhere"},
    },
    # The workspace is one folder for all tasks of a run, and another for the next run.
    {"pipeline": "workspace", "arguments": {"text": "kept"}, "outputs": {"Output": "note.txt=kept"}},
    {"pipeline": "workspace", "arguments": {"text": "again"}, "outputs": {"Output": "note.txt=again"}},
    # Paths by annotation, for artifacts and for their types by name.
    {"pipeline": "by_path", "outputs": {"Output": "by path"}},
    # A retried, cached or failing maker: what a failed task wrote is nobody's input.
    {
        "pipeline": "failing_maker",
        "ends": "FAILED",
        "failed": ["write-and-fail"],
        "ran": {"write-and-fail": 1, "exists": 1},
        "printed": {"exists": [["nothing"]]},
    },
]


@dsl.component
def train(text: str, model: dsl.Output[dsl.Model]):
    with open(model.path, "w") as file:
        file.write(f"{text}!")
    model.framework = "none"
    model.metadata["sizes"] = [1, 2.5]
    model.metadata["nested"] = {"a": {"b": 3}}
    model.metadata["flag"] = True


@dsl.component
def look(model: dsl.Input[dsl.Model]) -> str:
    with open(model.path) as file:
        content = file.read()
    meta = model.metadata
    return f"{model.schema_title} {content} {model.framework} {meta['sizes']} {meta['nested']['a']['b']} {meta['flag']}"


@dsl.component
def measure(metrics: dsl.Output[dsl.Metrics], roc: dsl.Output[dsl.ClassificationMetrics]):
    metrics.log_metric("accuracy", 0.75)
    metrics.log_metric("rows", 4)
    roc.log_confusion_matrix(["a", "b"], [[1, 2], [3, 4]])


@dsl.component
def three_ways(
    one: dsl.Output[dsl.Dataset],
) -> NamedTuple("Outputs", two=dsl.Model, three=dsl.Artifact):
    one.metadata["rows"] = 1
    with open(one.path, "w") as file:
        file.write("one")
    two = dsl.Model(uri=dsl.get_uri(suffix="own"))
    with open(two.path, "w") as file:
        file.write("two")
    outputs = NamedTuple("Outputs", two=dsl.Model, three=dsl.Artifact)
    return outputs(two, [1, 2])


@dsl.component
def make_folder(data: dsl.Output[dsl.Dataset]):
    import os

    os.makedirs(f"{data.path}/sub")
    for name, text in {"a.txt": "a", "sub/b.txt": "b"}.items():
        with open(f"{data.path}/{name}", "w") as file:
            file.write(text)


@dsl.component
def read_folder(data: dsl.Input[dsl.Dataset]) -> str:
    from pathlib import Path

    root = Path(data.path)
    files = sorted(path for path in root.rglob("*") if path.is_file())
    return " ".join(f"{path.relative_to(root)}={path.read_text()}" for path in files)


@dsl.component
def make(data: dsl.Output[dsl.Dataset]):
    data.metadata["by"] = "make"
    with open(data.path, "w") as file:
        file.write("original")


@dsl.component
def spoil(data: dsl.Input[dsl.Dataset]):
    import os

    try:
        os.remove(data.path)
        with open(data.path, "w") as file:
            file.write("spoiled")
    except OSError:
        pass  # not to be changed at all is as good


@dsl.component
def read(data: dsl.Input[dsl.Dataset]) -> str:
    with open(data.path) as file:
        return file.read()


@dsl.component
def tell_uri(data: dsl.Output[dsl.Dataset]) -> str:
    with open(data.path, "w") as file:
        file.write("x")
    return data.uri


@dsl.component
def compare_uri(data: dsl.Input[dsl.Dataset], uri: str) -> bool:
    return data.uri == uri


@dsl.component
def elsewhere(data: dsl.Output[dsl.Dataset]):
    data.uri = "gs://somewhere/else"


@dsl.component
def uri_of(data: dsl.Input[dsl.Dataset]) -> str:
    return data.uri


@dsl.component
def hand_on(data: dsl.Input[dsl.Dataset]) -> dsl.Dataset:
    return dsl.Dataset(uri=data.uri, metadata=data.metadata)


@dsl.component
def write(text: str, data: dsl.Output[dsl.Dataset]):
    data.metadata["text"] = text
    with open(data.path, "w") as file:
        file.write(text)


@dsl.component
def write_two(one: str, two: str, data: dsl.Output[dsl.Dataset]):
    with open(data.path, "w") as file:
        file.write(one + two)


@dsl.component
def join(items: dsl.Input[List[dsl.Dataset]]) -> str:
    return ",".join(open(item.path).read() for item in items or [])  # kfp gives None for no artifacts


@dsl.component
def loud(data: dsl.Input[dsl.Dataset]) -> str:
    with open(data.path) as file:
        return f"{file.read()}!"


@dsl.component
def number_is(n: int) -> int:
    return n


@dsl.component
def with_extra(extra: Optional[dsl.Input[dsl.Dataset]] = None) -> str:
    return f"extra {open(extra.path).read() if extra else None}"


@dsl.component
def write_elsewhere(folder: str, data: dsl.Output[dsl.Dataset]):
    import os

    os.makedirs(folder)
    data.custom_path = f"{folder}/file.txt"
    with open(data.path, "w") as file:
        file.write("elsewhere")


@dsl.component
def put_note(folder: str, text: str):
    import os

    assert os.listdir(folder) == [], "a new run begins with an empty workspace"
    with open(f"{folder}/note.txt", "w") as file:
        file.write(text)


@dsl.component
def list_notes(folder: str) -> str:
    import os

    return " ".join(f"{name}={open(f'{folder}/{name}').read()}" for name in sorted(os.listdir(folder)))


@dsl.component
def write_path(data: dsl.OutputPath("Dataset")):
    with open(data, "w") as file:
        file.write("by path")


@dsl.component
def read_path(data: dsl.InputPath("Dataset")) -> str:
    with open(data) as file:
        return file.read()


@dsl.component
def write_and_fail(data: dsl.Output[dsl.Dataset]):
    with open(data.path, "w") as file:
        file.write("half")
    raise ValueError("after writing")


@dsl.component
def exists(data: Optional[dsl.Input[dsl.Dataset]] = None):
    print("nothing" if data is None else "something")


@dsl.pipeline
def made_and_read(text: str) -> NamedTuple("Outputs", model=dsl.Model, seen=str):
    made = train(text=text)
    outputs = NamedTuple("Outputs", model=dsl.Model, seen=str)
    return outputs(made.outputs["model"], look(model=made.outputs["model"]).output)


@dsl.pipeline
def metrics() -> NamedTuple("Outputs", metrics=dsl.Metrics, roc=dsl.ClassificationMetrics):
    made = measure()
    outputs = NamedTuple("Outputs", metrics=dsl.Metrics, roc=dsl.ClassificationMetrics)
    return outputs(made.outputs["metrics"], made.outputs["roc"])


@dsl.pipeline
def ways_to_return() -> NamedTuple("Outputs", one=dsl.Dataset, two=dsl.Model, three=dsl.Artifact):
    made = three_ways()
    outputs = NamedTuple("Outputs", one=dsl.Dataset, two=dsl.Model, three=dsl.Artifact)
    return outputs(made.outputs["one"], made.outputs["two"], made.outputs["three"])


@dsl.pipeline
def folder() -> str:
    return read_folder(data=make_folder().outputs["data"]).output


@dsl.pipeline
def changed_by_a_reader() -> str:
    made = make()
    spoiled = spoil(data=made.outputs["data"])
    return read(data=made.outputs["data"]).after(spoiled).output


@dsl.pipeline
def told_uris() -> NamedTuple("Outputs", same=bool, elsewhere=str):
    made = tell_uri()
    outputs = NamedTuple("Outputs", same=bool, elsewhere=str)
    return outputs(
        compare_uri(data=made.outputs["data"], uri=made.outputs["Output"]).output,
        uri_of(data=elsewhere().outputs["data"]).output,
    )


@dsl.pipeline
def handed_on() -> dsl.Dataset:
    return hand_on(data=make().outputs["data"]).output


@dsl.pipeline
def all_loud(items: List[dsl.Dataset]) -> list:
    with dsl.ParallelFor(items) as item:
        made = loud(data=item)
    return dsl.Collected(made.output)


@dsl.pipeline
def collected() -> NamedTuple("Outputs", texts=str, nested=str, again=list):
    with dsl.ParallelFor(["0", "1", "2"]) as item:
        made = write(text=item)
    with dsl.ParallelFor(["0", "1"]) as one, dsl.ParallelFor(["0", "1"]) as two:
        pair = write_two(one=one, two=two)
    outputs = NamedTuple("Outputs", texts=str, nested=str, again=list)
    return outputs(
        join(items=dsl.Collected(made.outputs["data"])).output,
        join(items=dsl.Collected(pair.outputs["data"])).output,
        all_loud(items=dsl.Collected(made.outputs["data"])).output,
    )


@dsl.pipeline
def collected_with_gaps(least: int) -> str:
    with dsl.ParallelFor([0, 1, 2]) as item, dsl.If(item >= least):
        made = write(text=f"{item}")
    return join(items=dsl.Collected(made.outputs["data"])).output


@dsl.pipeline
def two_datasets() -> List[dsl.Dataset]:
    with dsl.ParallelFor(["a", "b"]) as item:
        made = write(text=item)
    return dsl.Collected(made.outputs["data"])


@dsl.pipeline
def list_as_output() -> List[dsl.Dataset]:
    return two_datasets().output


@dsl.pipeline
def list_into_a_pipeline() -> list:
    return all_loud(items=two_datasets().output).output


@dsl.pipeline
def optional() -> NamedTuple("Outputs", with_one=str, without=str):
    outputs = NamedTuple("Outputs", with_one=str, without=str)
    return outputs(with_extra(extra=write(text="a").outputs["data"]).output, with_extra().output)


@dsl.pipeline
def custom_place(folder: str) -> NamedTuple("Outputs", data=dsl.Dataset, text=str):
    made = write_elsewhere(folder=folder)
    outputs = NamedTuple("Outputs", data=dsl.Dataset, text=str)
    return outputs(made.outputs["data"], read(data=made.outputs["data"]).output)


@dsl.pipeline(pipeline_config=dsl.PipelineConfig(workspace=dsl.WorkspaceConfig(size="1Gi")))
def workspace(text: str) -> str:
    put = put_note(folder=dsl.WORKSPACE_PATH_PLACEHOLDER, text=text)
    return list_notes(folder=dsl.WORKSPACE_PATH_PLACEHOLDER).after(put).output


@dsl.pipeline
def by_path() -> str:
    return read_path(data=write_path().outputs["data"]).output


@dsl.pipeline
def failing_maker():
    exists(data=write_and_fail().outputs["data"]).ignore_upstream_failure()
