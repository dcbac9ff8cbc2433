"""What well-known image names mean."""

import pytest

from trainshed.builds.images import builders


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
def test_a_well_known_image_has_a_kind_and_an_entrypoint(image, kind, entrypoint):
    found = builders.known(image)

    assert (found.kind, found.entrypoint) == (kind, entrypoint)


def test_every_other_image_is_unknown_and_versions_are_read():
    assert builders.known("gcr.io/p/python") is None
    assert builders.known("localhost:5000/ubuntu") is None
    assert builders.known("python:3.11-slim").version == "3.11"
    assert builders.known("python:latest").version == ""
