"""trainshed models, and the routes behind it, on versions that somebody recorded by hand."""

import pytest

from trainshed.client import Client
from trainshed.testing import server

PARENT = "projects/local-project/locations/us-central1/metadataStores/default"
DIRECTORY = "gs://served/models/scorer"


@pytest.fixture(scope="module")
def models(make_home):
    with server(make_home()) as running:
        push_by_hand(Client(running.address))
        yield running


def push_by_hand(client):
    client.call("POST", "/storage/v1/b", {"name": "served"}, query={"project": "local-project"})
    for number in (7, 8):
        query = {"uploadType": "media", "name": f"models/scorer/{number}/saved_model.pb"}
        client.upload("/upload/storage/v1/b/served/o", b"model %d" % number, query=query)
        artifact = {
            "schemaTitle": "system.Artifact",
            "uri": f"{DIRECTORY}/{number}",
            "metadata": {"pushed_destination": f"{DIRECTORY}/{number}"},
        }
        client.call("POST", f"/v1/{PARENT}/artifacts", artifact)


def test_models_are_listed_described_and_rolled_back(models):
    (model,) = models.json("models", "list")
    assert (model["displayName"], model["liveVersion"], model["directory"]) == ("scorer", "8", DIRECTORY)

    made = models.json("models", "rollback", "scorer", "--to", "7", "--reason", "8 is worse")
    described = models.json("models", "describe", DIRECTORY)

    assert (made["version"], made["restores"], made["author"], made["reason"]) == ("9", "7", "user", "8 is worse")
    assert [(v["version"], v["isLive"]) for v in described["versions"]] == [("9", True), ("8", False), ("7", False)]
    content = models.run("storage", "cat", f"{DIRECTORY}/9/saved_model.pb")
    assert content.stdout == "model 7"
    text = models.run("models", "describe", "scorer").stdout
    assert "rollback to 7" in text


def test_a_rollback_says_how_long_it_lasts(models):
    done = models.run("models", "rollback", "scorer", "--to", "8")

    assert "Version 8 is live again as " in done.stdout
    assert (
        "It is live until the next version is pushed; no schedule and no trigger pushed the last ones." in done.stdout
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("rollback", "scorer", "--to", "99"), "has no version '99'"),
        (("describe", "none"), "No model was pushed to 'gs://none'"),
        (("describe", "served/none"), "No model was pushed to 'gs://served/none'"),
    ],
)
def test_what_is_not_there_is_said(models, arguments, words):
    done = models.run("models", *arguments)

    assert done.returncode == 2
    assert words in done.stderr


def test_an_artifact_that_says_something_else_now_is_no_version_any_more(models):
    client = Client(models.address)
    artifact = {"uri": "gs://served/other/1", "metadata": {"pushed_destination": "gs://served/other/1"}}
    name = client.call("POST", f"/v1/{PARENT}/artifacts", artifact)["name"]
    name = name["response"]["name"] if isinstance(name, dict) else name
    assert "other" in {m["displayName"] for m in models.json("models", "list")}

    client.call("PATCH", f"/v1/{name}", {"metadata": {}}, query={"updateMask": "metadata"})

    assert "other" not in {m["displayName"] for m in models.json("models", "list")}
