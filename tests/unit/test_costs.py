"""What tasks, runs and builds cost."""

import dataclasses

import pytest

from trainshed import costs
from trainshed.costs import Usage
from trainshed.errors import InvalidArgument


@pytest.fixture(scope="module")
def prices():
    return costs.load()


def test_s59_a_run_costs_three_cents_and_its_machine_19_cents_an_hour(prices):
    hour_on_n1 = Usage(name="trainer", seconds=3600, machine_type="n1-standard-4")

    cost = costs.of_run(prices, [hour_on_n1])

    assert cost.cloud == pytest.approx(0.03 + 0.19)
    assert cost.parts["trainer"].cloud == pytest.approx(0.19)
    assert cost.currency == "USD"
    assert not cost.is_guess


def test_s59_the_references_experiments_stay_under_five_dollars(prices):
    tasks = [
        Usage(name=name, seconds=300, machine_type="n1-standard-4")
        for name in ("CsvExampleGen", "HyperparamsGen", "Trainer", "Evaluator", "Pusher")
    ]
    runs = {f"run {number}": costs.of_run(prices, tasks) for number in range(40)}

    assert 1.2 < costs.total(prices, runs).cloud < 5.0


def test_s60_an_estimate_before_the_run_and_the_actual_after(prices):
    before = costs.of_run(prices, [costs.expected("trainer", [90, 110, 100], machine_type="n1-standard-4")])
    after = costs.of_run(prices, [Usage(name="trainer", seconds=120, machine_type="n1-standard-4")])

    assert before.cloud == pytest.approx(0.03 + 100 / 3600 * 0.19)
    assert after.cloud == pytest.approx(0.03 + 120 / 3600 * 0.19)


def test_s60_a_task_that_never_ran_is_a_guess_and_says_so(prices):
    cost = costs.of_run(prices, [costs.expected("trainer", [])])

    assert cost.is_guess
    assert str(cost).startswith("about ")
    assert costs.to_document(cost)["isGuess"] is True


def test_the_median_of_an_even_number_of_runs_lies_between():
    assert costs.expected("t", [10, 20, 30, 100]).seconds == 25


def test_a_reused_task_costs_nothing(prices):
    cost = costs.of_run(prices, [Usage(name="trainer", seconds=500, is_reused=True)])

    assert cost.cloud == pytest.approx(0.03)
    assert cost.parts["trainer"].cloud == 0


def test_accelerators_are_added(prices):
    usage = Usage(
        name="trainer",
        seconds=1800,
        machine_type="n1-standard-4",
        accelerator_type="NVIDIA_TESLA_K80",
        accelerator_count=2,
    )

    assert costs.of_task(prices, usage).cloud == pytest.approx(0.5 * (0.19 + 2 * 0.45))


def test_an_unknown_accelerator_makes_the_amount_a_guess(prices):
    usage = Usage(name="trainer", seconds=60, accelerator_type="TPU_V9", accelerator_count=1)

    assert costs.of_task(prices, usage).is_guess


@pytest.mark.parametrize(
    ("cpus", "memory_bytes", "machine"),
    [
        (None, None, "n1-standard-4"),
        (4, 15_000_000_000, "n1-standard-4"),
        (4, 25_000_000_000, "n1-highmem-4"),
        (8, 8_000_000_000, "e2-highcpu-8"),
        (1, None, "n1-standard-2"),
        (96, None, "n1-standard-4"),
    ],
)
def test_a_request_is_billed_as_the_smallest_machine_that_fits(prices, cpus, memory_bytes, machine):
    assert costs.machine_for(prices, Usage(name="t", seconds=1, cpus=cpus, memory_bytes=memory_bytes)) == machine


def test_builds_are_billed_by_the_minute_of_their_machine(prices):
    assert costs.of_build(prices, seconds=480, machine_type="E2_HIGHCPU_8").cloud == pytest.approx(8 * 0.016)
    assert costs.of_build(prices, seconds=480).cloud == pytest.approx(8 * 0.003)
    assert costs.of_build(prices, seconds=60, machine_type="E9_HUGE").is_guess


def test_work_here_is_free_until_electricity_has_a_price(prices):
    usage = Usage(name="trainer", seconds=3600, cpu_seconds=7200)
    priced = dataclasses.replace(prices, kilowatt_hour=0.40, watts_per_core=15)

    assert costs.of_task(prices, usage).local == 0
    assert costs.of_task(priced, usage).local == pytest.approx(2 * 0.015 * 0.40)


def test_a_total_keeps_its_parts(prices):
    build = costs.of_build(prices, seconds=60)
    run = costs.of_run(prices, [Usage(name="t", seconds=60)])

    everything = costs.total(prices, {"build": build, "run": run})

    assert everything.cloud == pytest.approx(build.cloud + run.cloud)
    assert set(costs.to_document(everything)["parts"]) == {"build", "run"}


@pytest.mark.parametrize(
    ("document", "field"),
    [
        ({"pipeline_run": -1}, "pipeline_run"),
        ({"machine_hour": {"m": "0.2"}}, r"machine_hour\.m"),
        ({"machine_hour": {"m": float("nan")}}, r"machine_hour\.m"),
        ({"build_minute": {"m": True}}, r"build_minute\.m"),
        ({"machine_hour": {"m": 1}, "default_machine": "n"}, "default_machine"),
    ],
)
def test_a_price_list_that_is_wrong_names_the_field(document, field):
    with pytest.raises(InvalidArgument, match=rf"^{field}: "):
        costs.read(document)


def test_a_price_list_that_is_not_json_is_named(tmp_path):
    (tmp_path / "mine.json").write_text("{")

    with pytest.raises(InvalidArgument, match=r"mine\.json cannot be read as JSON"):
        costs.load(tmp_path / "mine.json")


def test_an_amount_reads_as_what_its_document_says():
    amount = 0.0301500001  # a document says 0.03015, which is 0.0301

    assert costs.written(amount) == f"{round(amount, 6):.4f}" == "0.0301"
    assert costs.written(0) == "0"
    assert costs.written(0.00001) == "<0.0001"
