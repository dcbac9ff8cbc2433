"""An artifact of metrics has an address and no file: nothing leads there."""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from trainshed.dashboard.artifacts.recorded import Artifacts
from trainshed.dashboard.asked import Asked
from trainshed.dashboard.document import document
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
