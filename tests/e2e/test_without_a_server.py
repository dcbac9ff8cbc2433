"""Commands on a home that no server owns: they do their work themselves, and say so."""

import json

from trainshed.testing import Server


def test_a_command_that_finds_no_server_says_so_in_one_line_beside_its_output(make_home):
    alone = Server(make_home())
    line = (
        f"No server runs on {alone.home}: this command does its work itself, and what is to follow waits for "
        "`trainshed up`.\n"
    )

    made = alone.run("pubsub", "topics", "create", "words")
    published = alone.run("pubsub", "topics", "publish", "words", "--message", "one", "--format", "json")
    due = ("--schedule", "0 2 * * *", "--topic", "words", "--message-body", "{}")
    scheduled = alone.run("scheduler", "jobs", "create", "pubsub", "nightly", *due)
    listed = alone.run("pipelines", "list")

    assert {done.stderr for done in (made, published, scheduled, listed)} == {line}
    assert json.loads(published.stdout)["messageIds"]
    assert listed.stdout.startswith("ID")
    alone.start()
    try:
        assert alone.run("pipelines", "list").stderr == ""
    finally:
        alone.stop()
