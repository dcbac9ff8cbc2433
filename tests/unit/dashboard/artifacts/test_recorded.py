"""An artifact of metrics has an address and no file: nothing leads there."""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from trainshed.dashboard.artifacts.recorded import Artifacts
from trainshed.dashboard.asked import Asked
from trainshed.dashboard.document import document
from trainshed.errors import InvalidArgument
from trainshed.lineage import Artifact

_MODEL = Artifact(
    artifact_id=7, type={}, uri="gs://b/run/model", metadata={}, digest="0a0b", name="model",
    create_time=datetime(2026, 1, 31, tzinfo=UTC), schema_title="system.Model",
)  # fmt: skip
_METRICS = replace(_MODEL, uri="gs://b/run/evaluation", digest=hashlib.sha256(b"").hexdigest(), name="evaluation")


def pages(artifact):
    service = SimpleNamespace(
        uses=lambda *_: SimpleNamespace(artifact=artifact, makers=(), users=(), same=()),
        browse=lambda **_: [artifact],
        titles=lambda _: [],
    )
    section = Artifacts(service)
    one = section.one(Asked(path="/artifacts/7", names={"name": "7"}))
    return str(document(one)), str(document(section.listing(Asked(path="/artifacts"))))


@pytest.mark.parametrize(("artifact", "leads"), [(_MODEL, True), (_METRICS, False)])
def test_only_what_holds_files_leads_to_them(artifact, leads):
    one, listed = pages(artifact)

    assert ("/buckets/b?object=" in one, "/buckets/b?object=" in listed) == (leads, leads)
    assert artifact.uri in one
    assert artifact.uri in listed
    assert ("no file: everything it says is here" in one) is not leads


def listing(*titles, word=""):
    """Make the list with a type asked for; answer it, and what the service was asked."""
    wanted = {}
    service = SimpleNamespace(browse=lambda **words: wanted.update(words) or [_MODEL], titles=lambda _: list(titles))
    query = [("type", word)] if word else []
    return document(Artifacts(service).listing(Asked(path="/artifacts", query=query))), wanted


def test_a_type_is_called_as_in_graphs_and_in_full_where_one_points_at_it():
    page, _ = listing("system.Dataset", "system.Model")
    one, _ = pages(_MODEL)

    filters, table = page["parts"]
    assert table["rows"][0][1] == {"text": "Model", "title": "system.Model", "cell": "type"}
    assert filters["filters"][0]["choices"][1:] == [["Dataset", "Dataset"], ["Model", "Model"]]
    assert "{'text': 'Model', 'title': 'system.Model', 'cell': 'type'}" in one


@pytest.mark.parametrize("word", ["Model", "system.Model"])
def test_a_type_is_found_by_either_of_its_names(word):
    page, wanted = listing("system.Dataset", "system.Model", word=word)

    assert wanted["title"] == "system.Model"
    assert page["parts"][0]["filters"][0]["value"] == "Model"


def test_types_that_are_called_the_same_are_told_apart():
    page, wanted = listing("system.Model", "tfx.Model", word="tfx.Model")

    assert page["parts"][0]["filters"][0]["choices"][1:] == [
        ["system.Model", "system.Model"],
        ["tfx.Model", "tfx.Model"],
    ]
    assert wanted["title"] == "tfx.Model"
    with pytest.raises(InvalidArgument, match="type: 'Model' may be system.Model or tfx.Model"):
        listing("system.Model", "tfx.Model", word="Model")


def test_a_type_that_nothing_has_is_asked_for_as_it_is():
    assert listing("system.Model", word="Nothing")[1]["title"] == "Nothing"
