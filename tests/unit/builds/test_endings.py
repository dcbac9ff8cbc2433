"""How a build ended, as the next server finds it."""

from datetime import UTC, datetime

import pytest

from trainshed.builds import endings
from trainshed.builds.endings import Ending, StepNote

TIME = datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC)
ENDING = Ending(
    transition="fail",
    when=TIME,
    detail="step exited with non-zero status: 1",
    failure={"type": "USER_BUILD_STEP", "detail": "it did"},
    results={"images": [{"name": "a", "digest": "b"}]},
    timing={"BUILD": {"startTime": "2026-01-02T03:04:05Z", "endTime": "2026-01-02T03:04:06Z"}},
    steps=(
        StepNote(number=0, start_time=TIME, transition="break", end_time=TIME, exit_code=1, output="bWFkZQ=="),
        StepNote(number=1, start_time=TIME),
    ),
)


def test_an_ending_is_read_as_it_was_written(tmp_path):
    endings.save(tmp_path, ENDING)

    assert endings.read(tmp_path) == ENDING
    assert [file.name for file in tmp_path.iterdir()] == ["ended.json"]


def test_an_ending_that_the_rows_say_is_removed(tmp_path):
    endings.save(tmp_path, ENDING)
    endings.remove(tmp_path)
    endings.remove(tmp_path)

    assert endings.read(tmp_path) is None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"transition": "fail"}', '{"steps": [1]}'])
def test_what_is_no_ending_is_none(tmp_path, text):
    (tmp_path / "ended.json").write_text(text)

    assert endings.read(tmp_path) is None
