"""Dockerfiles: what an environment and a snapshot can stand for, and what not."""

import pytest

from trainshed.builds.images.dockerfile import Copy, DockerfileError, Folder, Install, read

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
