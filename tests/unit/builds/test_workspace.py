"""A container's paths in what a step runs."""

import pytest

from trainshed.builds.workspace import PathMap


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
