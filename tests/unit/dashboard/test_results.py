"""Reports of tasks on the page of a run: as much of them as a page can take, and what is left out is said."""

from types import SimpleNamespace

import pytest

from trainshed.dashboard.page import Notice
from trainshed.dashboard.runs import results
from trainshed.dashboard.runs.results import Framed, Written

KIB = 1024


def shown(*sizes):
    """Answer the parts of a page on reports of so many KiB."""
    texts = {f"gs://bucket/{number}": b"![" * (size * KIB // 2) for number, size in enumerate(sizes)}
    made = [
        SimpleNamespace(
            task="write",
            key=f"report_{number}",
            artifact=SimpleNamespace(artifact_id=number, uri=uri, schema_title="system.Markdown", metadata={}),
        )
        for number, uri in enumerate(texts)
    ]
    service = SimpleNamespace(
        products=lambda _run, _titles, limit: made[:limit],
        content=lambda artifact, most: texts[artifact.uri][:most],
    )
    return results.parts(service, SimpleNamespace(name="run"))


def test_a_report_that_fits_is_shown_whole():
    (text,) = [part for part in shown(256) if isinstance(part, Written)]

    assert len(text.text) == 256 * KIB
    assert not [part for part in shown(256) if isinstance(part, Notice)]


def test_of_a_report_that_is_too_long_the_beginning_is_shown_and_the_file_linked_to():
    parts = shown(900)

    (text,) = [part for part in parts if isinstance(part, Written)]
    (cut,) = [part for part in parts if isinstance(part, Notice)]
    assert len(text.text) == 256 * KIB
    assert cut.text == "Only the first 256 KiB are shown."
    assert cut.next.href == "/buckets/bucket?object=0"


@pytest.mark.parametrize(("beyond", "said"), [(0, []), (1, ["Only the first 8 MiB are shown."])])
def test_beside_a_frame_that_is_cut_the_file_is_linked_to(beyond, said):
    artifact = SimpleNamespace(artifact_id=7, uri="gs://bucket/7", schema_title="system.HTML", metadata={})
    service = SimpleNamespace(
        products=lambda _run, _titles, limit: [SimpleNamespace(task="write", key="page", artifact=artifact)],
        content_size=lambda _artifact: (8 << 20) + beyond,
    )

    _, frame, *cut = results.parts(service, SimpleNamespace(name="run"))

    assert isinstance(frame, Framed)
    assert [(part.text, part.next.href) for part in cut] == [(text, "/buckets/bucket?object=7") for text in said]


def test_all_reports_of_a_page_are_no_more_than_a_server_can_draw_beside_its_work():
    parts = shown(*[250] * 20)

    assert sum(len(part.text) for part in parts if isinstance(part, Written)) == 512 * KIB
    assert [part.text for part in parts if isinstance(part, Notice)] == [
        "Only the first 12 KiB are shown.",
        *["It is not shown: the reports above fill the page."] * 17,
    ]


def test_tasks_are_called_as_the_graph_calls_them():
    artifact = SimpleNamespace(artifact_id=7, uri="gs://b/7", schema_title="system.Dataset", metadata={})
    service = SimpleNamespace(
        products=lambda _run, _titles, limit: [SimpleNamespace(task="importer-2", key="data", artifact=artifact)]
    )
    run = SimpleNamespace(name="projects/p/locations/l/pipelineJobs/r")

    *_, things = results.parts(service, run, {"importer-2": "module"}.get)

    assert (things.rows[0][0].text, things.rows[0][0].href.rpartition("=")[2]) == ("module", "importer-2")
