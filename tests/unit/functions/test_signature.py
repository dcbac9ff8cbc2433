import pytest

from trainshed.errors import InvalidArgument
from trainshed.functions import signature


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("def f(event, context): ...", "event"),
        ("def f(event, context=None): ...", "event"),
        ("def f(*args): ...", "event"),
        ("def f(cloud_event): ...", "cloudevent"),
        ("import functions_framework\n@functions_framework.cloud_event\ndef f(e): ...", "cloudevent"),
        ("from functions_framework import http\n@http\ndef f(request): ...", "http"),
        ("from elsewhere import f", "event"),
        ("f = make()", "event"),
    ],
)
def test_parameters_and_decorators_tell_the_signature(source, expected):
    assert signature.check(source, "f", trigger="event") == expected


def test_http_trigger_makes_an_http_function():
    assert signature.check("def f(request): ...", "f", trigger="http") == "http"


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("def g(): ...", "no function 'f'; it defines g"),
        ("", "it defines no function"),
        ("def f(a, b, c): ...", r"\(event, context\)"),
        ("def f(): ...", "takes 0 arguments"),
        ("def f(:", "not Python: line 1"),
    ],
)
def test_what_cannot_be_called_is_refused_naming_it(source, words):
    with pytest.raises(InvalidArgument, match=words):
        signature.check(source, "f", trigger="event")
