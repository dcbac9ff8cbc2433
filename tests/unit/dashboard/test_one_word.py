"""One thing has one word on every page: a label that means the same reads the same."""

import ast
from pathlib import Path

import pytest

import trainshed

_SOURCE = Path(trainshed.__file__).parent
_FILES = sorted([*(_SOURCE / "dashboard").rglob("*.py"), *(_SOURCE / "explain").rglob("*.py")])
_SAID = {  # other words for it → the one
    "Took": "Duration", "It took": "Duration", "Began": "Started", "Changed": "Updated", "Calls, last hour": "Invocations, last hour",
    "Latest calls": "Latest invocations", "Job id": "Run id", "What it says of itself": "Metadata",
    "Of what": "Event types", "How good": "Evaluation", "Its message": "Commit message",
}  # fmt: skip


@pytest.mark.parametrize("file", _FILES, ids=lambda file: str(file.relative_to(_SOURCE)))
def test_labels_are_said_by_the_one_word(file):
    texts = {node.value for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Constant)}

    assert {said: _SAID[said] for said in sorted(texts & _SAID.keys(), key=str)} == {}
