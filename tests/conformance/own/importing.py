"""Importers: what is there already becomes an artifact; where from, with what metadata, how often."""

from typing import List, NamedTuple

from kfp import dsl

CASES = [
    # An object that is here: the reader gets its bytes.
    {
        "pipeline": "from_a_bucket",
        "objects": {"gs://own-data/in/rows.csv": "1,2\n"},
        "outputs": {
            "data": {
                "artifact": "system.Dataset",
                "uri": "gs://own-data/in/rows.csv",
                "content": "1,2\n",
                "metadata": {"origin": "bucket"},
            },
            "text": "1,2\n",
        },
        "ran": {"importer": 1, "read": 1},
    },
    # Everything below a prefix.
    {
        "pipeline": "a_prefix",
        "objects": {"gs://own-data/many/a.txt": "a", "gs://own-data/many/sub/b.txt": "b"},
        "outputs": {"Output": "a.txt=a sub/b.txt=b"},
    },
    # A file on this machine.
    {
        "pipeline": "from_a_path",
        "arguments": {"uri": "${TMP}/local.txt"},
        "write": {"${TMP}/local.txt": "local"},
        "outputs": {"Output": "local"},
    },
    # What is elsewhere is known by its URI alone.
    {
        "pipeline": "elsewhere",
        "outputs": {
            "data": {"artifact": "system.Model", "uri": "s3://elsewhere/model", "metadata": {}},
            "uri": "s3://elsewhere/model",
        },
    },
    # Metadata is put together from inputs and outputs at run time, in keys and at every depth; so is the URI.
    {
        "pipeline": "put_together",
        "arguments": {"bucket": "own-data", "version": 3},
        "objects": {"gs://own-data/v3/x": "third"},
        "outputs": {
            "data": {
                "artifact": "system.Dataset",
                "uri": "gs://own-data/v3/x",
                "content": "third",
                "metadata": {
                    "label": "version 3 of own-data",
                    "maker": "me",
                    "me": ["me", {"deep": "own-data"}],
                },
            },
            "text": "third",
        },
    },
    # In a loop, one artifact for each item.
    {
        "pipeline": "in_a_loop",
        "arguments": {"uris": ["gs://own-data/loop/a", "gs://own-data/loop/b"]},
        "objects": {"gs://own-data/loop/a": "A", "gs://own-data/loop/b": "B"},
        "outputs": {"Output": ["A", "B"]},
        "ran": {"for-loop-1[*]/importer": 2, "for-loop-1[*]/read": 2},
    },
    # Under a condition: not imported where it does not hold.
    {"pipeline": "under_a_condition", "arguments": {"wanted": False}, "ran": {}, "not_triggered": {"condition-1": 1}},
    # In a nested pipeline with an output, chosen by OneOf from an importer and a maker.
    {
        "pipeline": "imported_or_made",
        "arguments": {"known": "gs://own-data/known"},
        "objects": {"gs://own-data/known": "known"},
        "outputs": {"Output": "known"},
    },
    {"pipeline": "imported_or_made", "arguments": {"known": ""}, "outputs": {"Output": "made"}},
    # Into the workspace: a copy that may be changed.
    {
        "pipeline": "into_the_workspace",
        "objects": {"gs://own-data/ws/x": "shared"},
        "outputs": {"Output": "shared"},
    },
    # What is gone is told by the reader that needs it.
    {
        "pipeline": "from_a_path",
        "arguments": {"uri": "gs://own-data/never/was"},
        "ends": "FAILED",
        "says": "(read|importer)",
    },
]


@dsl.component
def read(data: dsl.Input[dsl.Dataset]) -> str:
    with open(data.path) as file:
        return file.read()


@dsl.component
def read_folder(data: dsl.Input[dsl.Dataset]) -> str:
    from pathlib import Path

    root = Path(data.path)
    files = sorted(path for path in root.rglob("*") if path.is_file())
    return " ".join(f"{path.relative_to(root)}={path.read_text()}" for path in files)


@dsl.component
def uri_of(model: dsl.Input[dsl.Model]) -> str:
    return model.uri


@dsl.component
def me() -> str:
    return "me"


@dsl.component
def place(bucket: str, version: int) -> str:
    return f"gs://{bucket}/v{version}/x"


@dsl.component
def make(data: dsl.Output[dsl.Dataset]):
    with open(data.path, "w") as file:
        file.write("made")


@dsl.pipeline
def from_a_bucket() -> NamedTuple("Outputs", data=dsl.Dataset, text=str):
    data = dsl.importer(
        artifact_uri="gs://own-data/in/rows.csv", artifact_class=dsl.Dataset, metadata={"origin": "bucket"}
    )
    outputs = NamedTuple("Outputs", data=dsl.Dataset, text=str)
    return outputs(data.output, read(data=data.output).output)


@dsl.pipeline
def a_prefix() -> str:
    data = dsl.importer(artifact_uri="gs://own-data/many", artifact_class=dsl.Dataset)
    return read_folder(data=data.output).output


@dsl.pipeline
def from_a_path(uri: str) -> str:
    data = dsl.importer(artifact_uri=uri, artifact_class=dsl.Dataset, reimport=True)
    return read(data=data.output).output


@dsl.pipeline
def elsewhere() -> NamedTuple("Outputs", data=dsl.Model, uri=str):
    model = dsl.importer(artifact_uri="s3://elsewhere/model", artifact_class=dsl.Model)
    outputs = NamedTuple("Outputs", data=dsl.Model, uri=str)
    return outputs(model.output, uri_of(model=model.output).output)


@dsl.pipeline
def put_together(bucket: str, version: int) -> NamedTuple("Outputs", data=dsl.Dataset, text=str):
    name = me().output
    data = dsl.importer(
        artifact_uri=place(bucket=bucket, version=version).output,
        artifact_class=dsl.Dataset,
        metadata={
            "label": f"version {version} of {bucket}",
            "maker": name,
            name: [name, {"deep": bucket}],
        },
    )
    outputs = NamedTuple("Outputs", data=dsl.Dataset, text=str)
    return outputs(data.output, read(data=data.output).output)


@dsl.pipeline
def in_a_loop(uris: List[str]) -> list:
    with dsl.ParallelFor(uris) as uri:
        data = dsl.importer(artifact_uri=uri, artifact_class=dsl.Dataset)
        text = read(data=data.output)
    return dsl.Collected(text.output)


@dsl.pipeline
def under_a_condition(wanted: bool):
    with dsl.If(wanted == True):  # noqa: E712
        read(data=dsl.importer(artifact_uri="gs://own-data/none", artifact_class=dsl.Dataset).output)


@dsl.pipeline
def imported_or_made(known: str) -> str:
    with dsl.If(known != ""):
        one = dsl.importer(artifact_uri=known, artifact_class=dsl.Dataset)
    with dsl.Else():
        two = make()
    return read(data=dsl.OneOf(one.output, two.outputs["data"])).output


@dsl.pipeline(pipeline_config=dsl.PipelineConfig(workspace=dsl.WorkspaceConfig(size="1Gi")))
def into_the_workspace() -> str:
    data = dsl.importer(artifact_uri="gs://own-data/ws/x", artifact_class=dsl.Dataset, download_to_workspace=True)
    return read(data=data.output).output
