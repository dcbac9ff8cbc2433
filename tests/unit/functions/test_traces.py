"""The exception in what a function printed."""

import pytest

from trainshed.functions.traces import LastException

_TRACE = "Traceback (most recent call last):"
_FRAME = '  File "main.py", line 3, in handle\n    raise it'
_GROUP = (
    f'  + Exception Group {_TRACE}\n  |   File "main.py", line 3, in handle\n  |     raise it\n'
    f"  | ExceptionGroup: two (2 sub-exceptions)\n  +-+---------------- 1 ----------------\n"
    f"    | ValueError: a\n    +------------------------------------"
)


@pytest.mark.parametrize(
    ("printed", "text"),
    [
        ("", ""),
        ("started\nall is well\n127.0.0.1 - - GET /", "all is well"),
        (f"{_TRACE}\n{_FRAME}\nValueError: no", "ValueError: no"),
        (
            f"{_TRACE}\n{_FRAME}\ngoogle.InvalidArgument: 400  n: 'many' is no integer [reason: \"X\"\ndomain: \"t\"\n]",
            "google.InvalidArgument: 400 n: 'many' is no integer",
        ),
        (f"{_TRACE}\n{_FRAME}\nRpcError: <of RPC that ended with:\n\tdetails = no\n>", "RpcError: <of RPC that ended with: details = no >"),
        (f"{_TRACE}\n{_FRAME}\nKeyError: 'a'\n\nDuring handling of it:\n\n{_TRACE}\n{_FRAME}\nValueError: b", "ValueError: b"),
        (f"{_TRACE}\n{_FRAME}\nKeyError: 'a'\nafterwards\n127.0.0.1 - - GET /", "KeyError: 'a'"),
        (f"{_TRACE}\n{_FRAME}\nKeyError: x[0]\nmore", "KeyError: x[0]"),
        (_GROUP, "ExceptionGroup: two (2 sub-exceptions)"),
        (f"{_TRACE}\n{_FRAME}\n" + "ValueError: " + "a" * 3000 + "\n" + "b\n" * 500, ("ValueError: " + "a" * 3000)[:2000]),
    ],
)  # fmt: skip
def test_the_reason_is_the_class_and_the_first_line_of_the_exception_that_was_raised(printed, text):
    seen = LastException()

    for line in printed.split("\n"):
        seen.see(line)

    assert seen.text() == text
