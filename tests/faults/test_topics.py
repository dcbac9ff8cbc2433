"""A publish that returned an id survives the death of the server."""

import json
import os

import pytest
from faults.publishes.campaign import campaign

from trainshed.testing import Server

SEED = int(os.environ.get("TRAINSHED_TEST_SEED", "4"))


def test_r1_what_was_published_is_there_after_kill_9(tmp_path):
    running = Server(tmp_path / "home")
    running.start()
    try:
        running.run("pubsub", "topics", "create", "train")
        running.run("pubsub", "subscriptions", "create", "sub", "--topic", "train")
        for n in range(3):
            done = running.run("pubsub", "topics", "publish", "train", "--message", str(n), "--format", "json")
            assert json.loads(done.stdout)["messageIds"] == [str(n + 1)]
            running.kill()
            running.start()
        pulled = running.run("pubsub", "subscriptions", "pull", "sub", "--limit", "10", "--format", "json")

        assert sorted(m["message"]["messageId"] for m in json.loads(pulled.stdout)) == ["1", "2", "3"]
    finally:
        running.stop()


@pytest.mark.slow
@pytest.mark.timeout(240)
@pytest.mark.filterwarnings("ignore:The return_immediately flag:DeprecationWarning")
def test_r1_ids_that_googles_client_was_given_survive_kill_9_and_come_once(tmp_path):
    """The whole of it, 100,000 messages under 20 kills, is `make publishes`."""
    report = campaign(tmp_path / "home", messages=2500, kills=1, seed=SEED)

    assert report.kills == 1
    assert (report.lost, report.doubled, report.refused) == (set(), set(), []), report
    assert len(report.acknowledged) == len(report.bodies) == 2500
