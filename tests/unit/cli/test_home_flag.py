"""`--home` before a command means the same as after it, and as TRAINSHED_HOME."""

import click
import pytest
from click.testing import CliRunner

from trainshed import cli, settings
from trainshed.cli import demo, server


@pytest.fixture
def served(monkeypatch):
    """The settings that `up` would serve; nothing of the environment stays changed."""
    found = []

    async def serve(chosen, log_file):
        found.append((chosen.home, log_file))

    for name in ("HOME", "ADDRESS", "TOKEN"):
        monkeypatch.setenv(f"TRAINSHED_{name}", "/elsewhere")
    monkeypatch.setattr(server, "_serve", serve)
    return found


@pytest.mark.parametrize(
    "typed",
    [
        ["--home", "{}", "up"],
        ["up", "--home", "{}"],
        ["--home", "/other", "up", "--home", "{}"],
    ],
)
def test_up_takes_its_home_before_or_after(served, tmp_path, typed):
    done = CliRunner().invoke(cli.trainshed, [word.format(tmp_path) for word in typed])

    assert done.exit_code == 0, done.output
    assert served == [(tmp_path, tmp_path / "logs" / "server.jsonl")]


def test_any_command_finds_the_server_of_the_home_that_was_typed(served, monkeypatch, tmp_path):
    seen = []
    looking = click.command()(lambda: seen.append(settings.load()))
    monkeypatch.setattr("trainshed.cli.receipts.command", looking)

    CliRunner().invoke(cli.trainshed, ["--home", str(tmp_path), "receipts"], catch_exceptions=False)

    assert [(found.home, found.address, found.token) for found in seen] == [(tmp_path, "", "")]


def test_the_demo_lives_where_it_is_told_to(served, monkeypatch, tmp_path):
    monkeypatch.setattr(demo, "_require", lambda _: None)
    homes = []

    class Seen(Exception):
        pass

    def stage(home, **_):
        homes.append(home)
        raise Seen

    monkeypatch.setattr(demo, "Stage", stage)
    CliRunner().invoke(cli.trainshed, ["--home", str(tmp_path), "demo"])

    assert homes == [tmp_path]
