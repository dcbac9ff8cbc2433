"""Dockerfiles: what an environment and a snapshot can stand for, and what not; ignore files."""

import pytest

from trainshed.builds import ignore, lifecycle
from trainshed.builds.images import builders
from trainshed.builds.images.dockerfile import Copy, DockerfileError, Folder, Install, read
from trainshed.builds.workspace import PathMap

TEXT = """\
# a comment
ARG VERSION=3.11
FROM python:${VERSION}-slim
ENV MODE=fast OTHER="a b"
WORKDIR /app
COPY requirements.txt .
RUN pip install --no-cache-dir -r requirements.txt \\
    && python -m pip install 'six>=1.0' numpy
COPY --chown=1:1 utils/* ./utils/
LABEL a=b
EXPOSE 80
ENTRYPOINT ["python", "-m", "app"]
CMD ["--help"]
"""


def test_s16_a_dockerfile_is_read():
    recipe = read(TEXT)

    assert recipe.base == "python:3.11-slim"
    assert recipe.variables == {"MODE": "fast", "OTHER": "a b"}
    assert recipe.workdir == "/app"
    assert recipe.actions == [
        Folder(path="/app"),
        Copy(sources=("requirements.txt",), target="/app/", line=6),
        Install(files=("/app/requirements.txt",), line=7),
        Install(requirements=("six>=1.0", "numpy"), line=7),
        Copy(sources=("utils/*",), target="/app/utils/", line=9),
    ]
    assert (recipe.entrypoint, recipe.command) == (("python", "-m", "app"), ("--help",))


def test_build_arguments_beat_defaults():
    assert read(TEXT, {"VERSION": "3.12"}).base == "python:3.12-slim"


def test_the_seeds_dockerfile_is_read():
    recipe = read("FROM gcr.io/tfx-oss-public/tfx:1.0.0\nRUN mkdir -p utils\nCOPY utils/* ./utils/")

    assert recipe.actions == [Folder(path="/utils"), Copy(sources=("utils/*",), target="/utils/", line=3)]


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("FROM a\nRUN apt-get update", "line 2: RUN apt-get update"),
        ("FROM a\nRUN pip install x | tee log", "line 2"),
        ("FROM a\nRUN pip install -e .", "line 2"),
        ("FROM a\nFROM b", "line 2: a second FROM"),
        ("FROM a\nCOPY --from=b x y", "line 2: COPY --from=b"),
        ("FROM a\nADD https://x/y z", "line 2: ADD"),
        ("FROM a\nONBUILD RUN x", "line 2: ONBUILD"),
        ("COPY a b", "line 1: COPY comes before FROM"),
        ("", "no FROM"),
        ("FROM a\nENV 'x", "line 2"),
    ],
)
def test_what_needs_an_engine_names_its_line(text, part):
    with pytest.raises(DockerfileError) as caught:
        read(text)

    assert part in str(caught.value)


@pytest.mark.parametrize(
    ("image", "kind", "entrypoint"),
    [
        ("gcr.io/cloud-builders/git", "host", ("git",)),
        ("gcr.io/cloud-builders/docker:20.10", "docker", ("docker",)),
        ("gcr.io/cloud-builders/gsutil", "host", ("gsutil",)),
        ("gcr.io/cloud-builders/gcloud", "host", ("gcloud",)),
        ("python:3.11-slim", "python", ()),
        ("docker.io/library/python", "python", ()),
        ("ubuntu", "host", ()),
        ("gcr.io/google.com/cloudsdktool/cloud-sdk:slim", "host", ()),
    ],
)
def test_well_known_builders(image, kind, entrypoint):
    found = builders.known(image)

    assert (found.kind, found.entrypoint) == (kind, entrypoint)


def test_every_other_image_is_unknown_and_versions_are_read():
    assert builders.known("gcr.io/p/python") is None
    assert builders.known("localhost:5000/ubuntu") is None
    assert builders.known("python:3.11-slim").version == "3.11"
    assert builders.known("python:latest").version == ""


def test_ignore_files_work_as_gits(tmp_path):
    for name in ("a.py", "a.log", "keep.log", "build/x", "sub/build/y", "sub/b.py", ".git/config"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / ".gitignore").write_text("*.log\n!keep.log\nbuild/\n")

    found = [p.as_posix() for p in ignore.walk(tmp_path, ignore.of_source(tmp_path))]

    assert sorted(found) == [".gitignore", "a.py", "keep.log", "sub/b.py"]


def test_a_gcloudignore_rules_alone_and_may_include(tmp_path):
    (tmp_path / "a.py").touch()
    (tmp_path / "b.txt").touch()
    (tmp_path / ".gitignore").write_text("*.txt\n")
    (tmp_path / ".gcloudignore").write_text("#!include:.gitignore\n.g*\n")

    assert [p.name for p in ignore.walk(tmp_path, ignore.of_source(tmp_path))] == ["a.py"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/workspace", "W"),
        ("/workspace/a", "W/a"),
        ("--out=/workspace/a:/workspace/b", "--out=W/a:W/b"),
        ("cd /workspace; ls", "cd W; ls"),
        ("in /workspace.", "in W."),
        ("gs://b/workspace/x", "gs://b/workspace/x"),
        ("/workspaces/x", "/workspaces/x"),
        ("x/workspace", "x/workspace"),
        ("/builder/home/.config", "H/.config"),
    ],
)
def test_paths_of_the_container_are_mapped(text, expected):
    assert PathMap({"/workspace": "W", "/builder/home": "H"}).apply(text) == expected


@pytest.mark.parametrize("table", [lifecycle.BUILD, lifecycle.STEP])
def test_every_state_and_transition_pair_is_decided(table):
    for transition in table.transitions:
        for state in table.states:
            assert table.allows(transition.name, state) == (state in transition.sources)
    assert not any(table.is_final(s) for t in table.transitions for s in t.sources)
