"""trainshed demo: the whole loop on the penguin example, on a server of its own."""

import shutil
from pathlib import Path
from typing import Any

import click

from trainshed import costs, settings
from trainshed.cli import story as telling
from trainshed.cli.output import table
from trainshed.cli.stage import Stage, StepFailed
from trainshed.clock import monotonic, parse_rfc3339
from trainshed.errors import FailedPrecondition
from trainshed.quantities import counted
from trainshed.tally import Tally

_HEADINGS = ("WHAT", "RESULT", "SECONDS", "WHY", "COST HERE", "ON GOOGLE CLOUD")
_WIDEST = 76


@click.command(name="demo")
@click.option("--keep", is_flag=True, help="Leave the server running when everything is done.")
@click.option(
    "--home",
    "home_folder",
    type=click.Path(path_type=Path),
    default=Path("~/.trainshed-demo"),
    show_default=True,
    help="The demo's own home directory; emptied at each start but for the environments.",
)
@click.pass_context
def command(context: click.Context, keep: bool, home_folder: Path) -> None:
    """Run the whole loop on the penguin example: build, message, schedule, push, new data, prediction."""
    _require("git")
    defaults = settings.Settings()
    home = home_folder.expanduser().resolve()
    start = monotonic()
    try:
        with Stage(home, project=defaults.project, region=defaults.region, stays=keep) as stage:
            story = telling.Story(stage=stage, example=telling.example_folder())
            telling.tell(story)
            _summary(story, seconds=monotonic() - start)
            stage.is_complete = True
            _goodbye(stage)
    except StepFailed as failed:
        click.secho(f"\nThe demo stopped: {failed}", fg="red", err=True)
        click.echo(f"The server's log is {home / 'logs' / 'server.jsonl'}.", err=True)
        context.exit(failed.exit_code)
    except KeyboardInterrupt:
        click.echo("\nInterrupted; nothing is left running.", err=True)
        context.exit(130)


def _require(tool: str) -> None:
    if shutil.which(tool) is None:
        raise FailedPrecondition(f"The demo needs {tool}, which is not on the PATH.")


def _summary(story: telling.Story, *, seconds: float) -> None:
    prices = costs.load()
    found = telling.receipts(story)
    reasons = {receipt["link"]: receipt for receipt in reversed(found) if receipt["link"]}
    lines = [_build_line(prices, build, reasons) for build in telling.builds(story)]
    lines += [_run_line(prices, job, reasons, story.runs.get(job["name"], "")) for job in telling.described(story)]
    lines += [_skipped_line(prices, r) for r in telling.skipped(story) if r["link"] not in story.runs]
    lines.sort(key=lambda line: line[0])
    everything = costs.total(prices, {str(number): cost for number, (_, _, cost) in enumerate(lines)})
    click.secho("\nWhat ran, why, and what it cost", bold=True)
    table(_HEADINGS, [*(line for _, line, _ in lines), ("total", "", f"{seconds:.1f}", "", *_money(everything))])
    fee = f"{prices.pipeline_run:.4f} {prices.currency}"
    click.echo(
        f"Google Cloud takes {fee} for each run, also for one whose tasks were all reused; that is in its costs."
    )
    model = telling.served(story)
    click.secho(f"\nThe pushed model: accuracy {model['metrics']['accuracy']:.1%}, {model['destination']}", bold=True)
    click.echo(story.prediction)


def _build_line(
    prices: costs.Prices, build: dict[str, Any], reasons: dict[str, Any]
) -> tuple[str, tuple[str, ...], costs.Cost]:
    seconds = _seconds(build.get("startTime", build["createTime"]), build.get("finishTime", ""))
    machine = build.get("options", {}).get("machineType", "")
    cost = costs.of_build(prices, seconds=seconds, machine_type=machine)
    why = next((r["reason"] for link, r in reasons.items() if link.endswith(build["id"])), "submitted by hand")
    what = f"build of {counted(len(build['steps']), 'step')}"
    shown = (what, build["status"], f"{seconds:.1f}", _why(why), *_money(cost))
    return build["createTime"], shown, cost


def _run_line(
    prices: costs.Prices, job: dict[str, Any], reasons: dict[str, Any], cause: str
) -> tuple[str, tuple[str, ...], costs.Cost]:
    details = job.get("jobDetail", {}).get("taskDetails", [])
    usage = [
        costs.Usage(
            name=detail["taskName"],
            seconds=_seconds(detail.get("startTime", ""), detail.get("endTime", "")),
            is_reused=detail.get("state") == "SKIPPED",
        )
        for detail in details
        if "executorDetail" in detail  # imports name what exists, groups consist of other tasks: nothing runs
    ]
    cost = costs.of_run(prices, usage)
    seconds = _seconds(job["createTime"], job.get("endTime", ""))
    tally = Tally()
    for task in usage:
        tally = tally.plus(state="SKIPPED" if task.is_reused else "SUCCEEDED", has_begun=task.seconds > 0)
    receipt = reasons.get(job["name"], {})
    why = receipt.get("reason", "") or cause
    what = f"run: {tally.said()}"
    is_skipped = receipt.get("state") == "SKIPPED"
    state = "SKIPPED" if is_skipped else job["state"].removeprefix("PIPELINE_STATE_")
    return job["createTime"], (what, state, f"{seconds:.1f}", _why(why), *_money(cost)), cost


def _skipped_line(prices: costs.Prices, receipt: dict[str, Any]) -> tuple[str, tuple[str, ...], costs.Cost]:
    cost = costs.of_run(prices, [])  # Google Cloud bills a run that does nothing
    return receipt["createTime"], ("run", "SKIPPED", "0.0", _why(receipt["reason"]), *_money(cost)), cost


def _goodbye(stage: Stage) -> None:
    if stage.stays:
        click.echo(f"\nThe dashboard: {stage.address}/")
        click.echo(f"Commands reach this server with: export TRAINSHED_HOME={stage.home}")
        click.echo(f"End it with: kill {stage.process_id}")
    else:
        click.echo(f"\nTo look at all of it in the dashboard: trainshed up --home {stage.home}")
        click.echo(f"To type commands about it: trainshed --home {stage.home} receipts list")
        click.echo("Or keep the server next time: trainshed demo --keep")


def _money(cost: costs.Cost) -> tuple[str, str]:
    return f"{cost.local:.4f}", f"{'~' if cost.is_guess else ''}{cost.cloud:.4f} {cost.currency}"


def _seconds(start: str, end: str) -> float:
    return (parse_rfc3339(end) - parse_rfc3339(start)).total_seconds() if start and end else 0.0


def _why(reason: str) -> str:
    """Answer the cause in a receipt's reason; what it started is in the row already."""
    cause = reason.partition(" because ")[2].removeprefix("of ")
    return _short(cause or reason)


def _short(text: str) -> str:
    return text if len(text) <= _WIDEST else f"{text[: _WIDEST - 1]}…"
