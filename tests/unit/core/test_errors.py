import pytest

from trainshed import errors
from trainshed.errors import Finding, InvalidArgument, TrainshedError

ALL = [v for v in vars(errors).values() if isinstance(v, type) and issubclass(v, TrainshedError)]


@pytest.mark.parametrize("cls", ALL, ids=lambda c: c.__name__)
def test_error_has_a_code_a_status_and_a_sentence(cls):
    error = cls()

    assert error.message.endswith(".")
    assert 400 <= error.http_status < 600
    assert error.code.isupper()


def test_field_error_names_the_field_in_message_and_violation():
    error = InvalidArgument.field("steps[0].waitFor", "names 'x', which no earlier step has as its id")

    assert str(error).startswith("steps[0].waitFor: names 'x'")
    assert error.violations[0].field == "steps[0].waitFor"


def test_findings_are_told_all_at_once():
    error = InvalidArgument.findings(
        [Finding(severity="error", path="a", message="one"), Finding(severity="error", path="", message="two")]
    )

    assert error.message == "a: one\ntwo"
    assert [v.field for v in error.violations] == ["a", ""]
