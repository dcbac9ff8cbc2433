"""Runs as a CSV file: what each column holds, and what programs of tables would compute."""

import csv
import io
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

from trainshed import runs
from trainshed.dashboard.runs import sheet, trend

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def measured(job, *, parameters=None, labels=None, numbers=None, seconds=2.5, **others):
    about = {"trigger": "", "cause_kind": "", "commit_sha": None, "state": "SUCCEEDED", "pipeline": "penguins"} | others
    end = None if seconds is None else NOON + timedelta(seconds=seconds)
    run = SimpleNamespace(
        name=f"projects/p/locations/l/pipelineJobs/{job}", parameters=parameters or {}, labels=labels or {}, pauses=None,
        create_time=NOON, start_time=NOON, end_time=end, **about,
    )  # fmt: skip
    return runs.Measured(run=run, numbers=numbers or {})


def read(text):
    return list(csv.DictReader(io.StringIO(text)))


def test_every_parameter_label_and_metric_has_a_column():
    first = measured("one", parameters={"rate": 0.1}, labels={"team": "birds"}, numbers={"train: loss": 0.25})
    second = measured(
        "two", parameters={"layers": [4, 8]}, numbers={"train: loss": -1e-9}, seconds=None, state="RUNNING"
    )

    one, two = read(sheet.write([first, second]))

    assert one == {
        "run": "one", "state": "SUCCEEDED", "pipeline": "penguins", "started_by": "user", "commit": "",
        "create_time": "2026-11-23T12:00:00Z", "seconds": "2.5", "parameter rate": "0.1", "parameter layers": "",
        "label team": "birds", "train: loss": "0.25",
    }  # fmt: skip
    assert (two["parameter layers"], two["train: loss"], two["seconds"]) == ("[4, 8]", "-1e-09", "")


def test_a_text_that_would_be_computed_stays_a_text():
    found = read(
        sheet.write([measured("one", parameters={"=key": "=HYPERLINK(1)", "minus": -3, "at": "@x", "plain": "a=b"})])
    )

    assert found[0]["parameter =key"] == "'=HYPERLINK(1)"
    assert (found[0]["parameter minus"], found[0]["parameter at"], found[0]["parameter plain"]) == ("-3", "'@x", "a=b")


def test_pages_are_read_until_the_file_is_full():
    asked = []

    class Service:
        def measured(self, wanted):
            asked.append(wanted.page_token)
            return [measured(f"run-{number}") for number in range(400)], f"page-{len(asked)}"

    found = sheet.everything(Service(), runs.Search())

    assert len(found) == sheet.MOST
    assert asked == ["", "page-1", "page-2"]


def test_the_parameters_that_differ_are_columns_of_the_page():
    same = {"rate": 0.1, "seed": 1}

    found = trend.varying(
        [measured("one", parameters=same), measured("two", parameters={**same, "rate": 0.2, "more": 1})]
    )

    assert found == ["rate", "more"]
