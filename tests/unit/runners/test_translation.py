"""What is told of an attempt's log when it failed."""

from trainshed.runners.contract import NOTE
from trainshed.runners.translation import last_lines


def test_what_was_noted_before_an_attempt_ran_is_no_reason_of_its_failure(tmp_path):
    log = tmp_path / "log"
    log.write_text(f"{NOTE}Installed 1 package\nepoch 1\nValueError: no\n")
    assert last_lines(log) == "epoch 1\nValueError: no"

    log.write_text(f"{NOTE}Installed 1 package\n")
    assert last_lines(log) == ""
