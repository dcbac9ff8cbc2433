"""What starts work, and what became of it: schedules, topics, build and run triggers, receipts.

- `stories`: of each event the run or build that it led to; `sources` reads what they are told from.
- `months`: a calendar of firings. `messages`: how messages are shown. All three are pure.
- `schedules`: the lists; `schedule_page`: one of either kind, from what `schedule` and `run_schedule` say of it;
  `firings`: the strip, the list, the calendar; `schedule_forms`.
- `topics`: the list and one topic; `subscription`; `led_to`: the receipts of messages. `schemas`: what messages of topics have to look like.
- `starters`: the lists of triggers; `trigger_page`: one of either kind, from what `build_trigger` and `run_trigger` say
  of it; `new_trigger`: the page that makes one, from `build_trigger_forms` and `run_trigger_forms`, which change one too.
  `offered`: fields that offer topics and buckets.
- `receipts`: the ledger, and one receipt.
"""

from trainshed.dashboard.page import Tab

SECTION = "/triggers"
_TABS = (
    ("Build and run triggers", SECTION),
    ("Schedules", "/schedules"),
    ("Topics", "/topics"),
    ("Schemas", "/schemas"),
)


def tabs(current: str) -> tuple[Tab, ...]:
    """Answer the lists of this section; one of them is looked at."""
    return tuple(Tab(label=label, href=path, is_current=path == current) for label, path in _TABS)
