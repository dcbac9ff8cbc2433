"""Builds when the server goes away: nothing is left running, nothing is claimed that did not happen."""

import json
import os
import time
from contextlib import closing

import pytest

from trainshed.builds import Service, processes
from trainshed.clock import SystemClock
from trainshed.sql import Database
from trainshed.testing import Server

_PATIENCE_SECONDS = 60


@pytest.fixture
def server(tmp_path):
    running = Server(tmp_path / "home", TRAINSHED_GRACE_SECONDS="1").start()
    yield running
    running.stop()


def a_running_build(server, folder):
    """Start a build whose process has hidden itself in a session of its own; answer its id once it is up."""
    config = folder / "c.json"
    script = "setsid sleep 600 & trap '' TERM; echo up; sleep 601"
    config.write_text(json.dumps({"steps": [{"name": "bash", "script": script}, {"name": "bash", "args": ["true"]}]}))
    build = server.json("builds", "submit", "--no-source", "--async", "--config", str(config))["id"]
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while "Step #0: up" not in server.run("builds", "log", build).stdout:
        assert time.monotonic() < deadline, "the step did not come up"
    return build


def test_after_kill_9_the_build_is_lost_honestly_and_its_processes_end(server, tmp_path):
    build = a_running_build(server, tmp_path)
    server.kill()
    assert processes.find(f"{build}/")

    server.start()
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while (found := server.json("builds", "describe", build))["status"] == "WORKING":
        assert time.monotonic() < deadline, "the build is still WORKING"

    assert found["status"] == "INTERNAL_ERROR"
    assert [s["status"] for s in found["steps"]] == ["CANCELLED", "CANCELLED"]
    assert not processes.find(f"{build}/")
    assert "the server went away" in server.run("storage", "cat", f"{found['logsBucket']}/log-{build}.txt").stdout
    assert server.json("builds", "retry", build)["id"] != build


def test_a_cancel_that_the_server_did_not_live_to_carry_out_is_carried_out_at_its_next_start(server, tmp_path):
    build = a_running_build(server, tmp_path)
    server.kill()
    with closing(Database(tmp_path / "home/trainshed.db")) as store:
        Service(store, SystemClock(), folder=tmp_path / "home/builds").cancel(build)

    server.start()
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while processes.find(f"{build}/") or (tmp_path / "home/builds" / build / "workspace").exists():
        assert time.monotonic() < deadline, "the cancelled build goes on"

    assert server.json("builds", "describe", build)["status"] == "CANCELLED"
    assert "Step #0: up" in server.run("builds", "log", build).stdout


def test_a_server_that_drains_ends_its_builds(server, tmp_path):
    build = a_running_build(server, tmp_path)

    server.stop()
    assert not processes.find(f"{build}/")

    server.start()
    found = server.json("builds", "describe", build)
    assert found["status"] == "INTERNAL_ERROR"
    assert "server stopped" in found["statusDetail"]


def test_cancel_from_outside_ends_everything_within_the_grace(server, tmp_path):
    build = a_running_build(server, tmp_path)
    start = time.monotonic()

    cancelled = server.run("builds", "cancel", build)
    again = server.run("builds", "cancel", build)
    while processes.find(f"{build}/"):
        assert time.monotonic() - start < _PATIENCE_SECONDS
        os.sched_yield()

    assert (cancelled.returncode, again.returncode) == (0, 2)
    assert server.json("builds", "describe", build)["status"] == "CANCELLED"
