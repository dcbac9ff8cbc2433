"""The trainer module can be told from others without importing TensorFlow."""

import ast
from pathlib import Path

import pytest

from utils import training

ROOT = Path(__file__).resolve().parent.parent


def test_the_module_defines_run_fn():
    tree = ast.parse((ROOT / "trainer.py").read_text())

    assert "run_fn" in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_a_module_is_loaded_from_wherever_it_is(tmp_path):
    (tmp_path / "other.py").write_text("def run_fn(fn_args):\n    return {'accuracy': 1.0}\n")

    assert training.run_fn_of(tmp_path / "other.py")(None) == {"accuracy": 1.0}


def test_a_module_without_run_fn_is_refused(tmp_path):
    (tmp_path / "empty.py").write_text("")

    with pytest.raises(TypeError, match=r"empty\.py defines no function run_fn"):
        training.run_fn_of(tmp_path / "empty.py")
