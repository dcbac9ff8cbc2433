import pytest

from trainshed.clock import duration


@pytest.mark.parametrize(
    ("seconds", "written"),
    [(60, "60s"), (0, "0s"), (1.5, "1.5s"), (2e-09, "0.000000002s"), (1e6, "1000000s"), (3599.999999, "3599.999999s")],
)
def test_durations_are_written_as_googles_json_reads_them(seconds, written):
    assert duration(seconds) == written
