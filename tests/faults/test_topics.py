"""A publish that returned an id survives the death of the server."""

import json

from trainshed.testing import Server


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
