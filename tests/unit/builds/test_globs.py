"""Globs of paths."""

import pytest

from trainshed.builds.globs import matches


@pytest.mark.parametrize(
    ("glob", "path", "expected"),
    [
        ("src/**", "src/a/b.py", True),
        ("src/**", "srcx/a", False),
        ("**/*.py", "a.py", True),
        ("**/*.py", "a/b/c.py", True),
        ("*.py", "a/b.py", False),
        ("a/*/c", "a/b/c", True),
        ("a/*/c", "a/b/b/c", False),
        ("a?c", "a/c", False),
        ("tfx-pipeline/**", "tfx-pipeline/modules/model.py", True),
    ],
)
def test_s64_globs_match_as_cloud_build_matches(glob, path, expected):
    assert matches(glob, path) is expected
