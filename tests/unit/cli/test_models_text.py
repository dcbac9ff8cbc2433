"""How long a rollback lasts, in words."""

from trainshed.cli.models import _lasts

_P = "projects/p/locations/l"


def test_what_may_replace_a_rollback_is_named_with_how_to_stop_it():
    assert _lasts([f"{_P}/jobs/hourly", f"{_P}/triggers/on-push"]) == (
        "It is live until the next version is pushed, as runs do that were started by schedule hourly, build trigger "
        "on-push. To keep it, pause what fires: `trainshed scheduler jobs pause hourly`."
    )


def test_versions_that_somebody_pushed_by_hand_are_replaced_by_nothing_that_is_known():
    assert _lasts([]).endswith("no schedule and no trigger pushed the last ones.")
