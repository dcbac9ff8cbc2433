import pytest

from trainshed.errors import InvalidArgument
from trainshed.functions import runtimes

NAME = "projects/p/locations/r/functions/f"


def test_s37_retired_runtime_is_explained_and_the_local_interpreter_named():
    (finding,) = runtimes.check("python37", "3.11")

    assert finding.severity == "warning"
    assert "python37 is retired" in finding.message
    assert "Python 3.11" in finding.message
    assert "--runtime=python311" in finding.message


def test_matching_runtime_needs_no_word():
    assert runtimes.check("python311", "3.11") == []
    assert "runs on Python 3.11" in runtimes.check("python312", "3.11")[0].message


def test_what_is_no_python_is_refused():
    with pytest.raises(InvalidArgument, match="runtime: 'nodejs20'"):
        runtimes.check("nodejs20", "3.11")


def test_variables_are_those_of_the_runtime():
    old = runtimes.variables("python37", name=NAME, entry_point="e", signature="event", version=3)
    new = runtimes.variables("python311", name=NAME, entry_point="e", signature="event", version=3)

    assert old["GCP_PROJECT"] == "p"
    assert old["FUNCTION_NAME"] == "f"
    assert new == {
        "FUNCTION_TARGET": "e", "FUNCTION_SIGNATURE_TYPE": "event", "K_SERVICE": "f", "K_REVISION": "3",
    }  # fmt: skip
