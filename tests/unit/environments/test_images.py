"""Which patterns cover which images, and which of several wins."""

import pytest

from trainshed.environments import images


@pytest.mark.parametrize(
    ("pattern", "image", "covered"),
    [
        ("python", "python", True),
        ("python", "python:3.11", True),
        ("python", "docker.io/library/python:3.11", True),
        ("python:3.11", "python:3.11", True),
        ("python:3.11", "python:3.12", False),
        ("python:3.*", "python:3.12-slim", True),
        ("python:latest", "python", True),
        ("gcr.io/*/trainer", "gcr.io/my-project/trainer:v1", True),
        ("gcr.io/*/trainer", "gcr.io/my-project/other", False),
        ("localhost:5000/a", "localhost:5000/a:v1", True),
        ("localhost:5000/a:v2", "localhost:5000/a:v1", False),
        ("a@sha256:11", "a@sha256:11", True),
        ("a@sha256:11", "a@sha256:22", False),
        ("a@sha256:11", "a:v1", False),
        ("a:v1", "a@sha256:11", False),
        ("a", "a@sha256:11", True),
        ("*", "anything/at:all", True),
        ("a.b", "axb", False),
    ],
)
def test_a_pattern_covers(pattern, image, covered):
    assert images.matches(pattern, image) is covered


def test_the_pattern_that_leaves_least_open_wins():
    ordered = ["*", "gcr.io/*", "gcr.io/p/*", "gcr.io/p/a", "gcr.io/p/a:v*", "gcr.io/p/a:v1"]

    shuffled = ordered[3:] + ordered[:3]
    assert sorted(shuffled, key=images.specificity) == ordered
