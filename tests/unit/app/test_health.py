"""What is measured of a server, and how often what is slow."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from trainshed.app import health
from trainshed.app.health import Measuring
from trainshed.clock import VirtualClock
from trainshed.dashboard.overview.health import findings
from trainshed.duty import Duty
from trainshed.settings import Settings

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class World:
    """A server in pieces: what it has, and how often it was asked for what is slow."""

    def __init__(self, home):
        self.home = home
        self.clock = VirtualClock(NOW)
        self.is_held = True
        self.broken = {}
        self.newest = NOW - timedelta(days=1)
        self.asked = 0
        self.ticks = 0.0
        self.features = SimpleNamespace(
            at_work=[Duty("outbox", None, interval_seconds=1, clock=self.clock)],
            environments=SimpleNamespace(broken=self._broken),
            ledger=SimpleNamespace(search=lambda _: SimpleNamespace(receipts=[])),
            runs=SimpleNamespace(search=lambda _: ([SimpleNamespace(create_time=self.newest)], "")),
            processes=SimpleNamespace(refused={}),
            engines=SimpleNamespace(why_not=()),
        )

    def measuring(self, **settings):
        made = Settings(home=self.home, **settings)
        return Measuring(made, self.features, self.clock, is_held=lambda: self.is_held, tick=lambda: self.ticks)

    def said(self, **settings):
        return " ".join(found.text for found in findings(self.measuring(**settings).measure()))

    def _broken(self):
        self.asked += 1
        return self.broken


@pytest.fixture
def world(tmp_path, monkeypatch):
    disk = SimpleNamespace(free=90 << 30, total=100 << 30)
    monkeypatch.setattr(health.shutil, "disk_usage", lambda _: disk)
    return World(tmp_path)


def test_a_server_that_is_well_says_nothing(world):
    assert world.said() == ""


def test_a_home_that_is_gone_is_said_and_not_an_error(world, monkeypatch):
    monkeypatch.undo()
    world.home.rmdir()

    assert world.said() == (
        f"The home directory {world.home} is gone: nothing can be kept. Put it back and start the server anew."
    )


def test_a_lock_that_is_not_held_any_more_is_said(world):
    world.is_held = False

    assert "a second server could take the same home" in world.said()


def test_a_clock_behind_what_was_recorded_is_said(world):
    world.newest = NOW + timedelta(hours=2)

    assert "What was recorded last is 2 h 0 min in the future" in world.said()


def test_a_duty_that_fails_and_one_that_does_not_end_its_turn_are_said(world, monkeypatch):
    world.features.at_work[0].failure = "OSError: no"
    assert "Background work 'outbox' failed in its last turn: OSError: no" in world.said()

    monkeypatch.setattr(Duty, "turn_seconds", 120.0)
    assert "Background work 'outbox' is late: its turn has lasted 2 min 0 s" in world.said()


def test_a_task_that_did_not_start_is_said_for_an_hour(world):
    world.features.processes.refused["1f"] = "the worker ended", world.clock.now()
    assert "environment 1f could not be started: the worker ended" in world.said()

    world.clock.advance(3600)
    assert world.said() == ""


def test_an_engine_is_missed_where_somebody_asked_for_one(world):
    world.features.engines.why_not = ("docker is not installed",)

    assert world.said(engine="auto") == ""
    assert "docker is not installed" in world.said(engine="docker")


def test_what_is_slow_is_measured_once_a_minute(world):
    measuring = world.measuring()
    for _ in range(100):
        measuring.measure()
    assert world.asked == 1

    world.broken = {"trainer": "its interpreter is gone"}
    world.ticks = 61.0
    assert measuring.measure().broken == world.broken
    assert world.asked == 2


def test_tools_that_are_missing_are_said(world, monkeypatch):
    monkeypatch.setattr(health.shutil, "which", lambda _: None)

    assert "git is not installed: builds clone repositories with it" in world.said()
