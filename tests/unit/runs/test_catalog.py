"""What is kept of compiled pipelines that were read before."""

import pytest
from large_store import documents

from trainshed.runs import catalog


def _compiled(name: str, tasks: int) -> dict[str, dict[str, object]]:
    found: dict[str, dict[str, object]] = documents.document(name, documents.layered(tasks))
    return found


def test_a_template_answers_the_document_as_it_was_given() -> None:
    given = _compiled("one", 3)
    platform = {"platforms": {"kubernetes": {}}}
    template = catalog.Catalog().take(given["spec"], platform)
    assert template.spec == given["spec"]
    assert list(template.spec) == list(given["spec"])  # in its order too
    assert template.platform == platform
    assert len(template.plan.root.tasks) == 3


def test_documents_are_kept_up_to_a_size_and_the_newest_whatever_its_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalog, "_MOST_BYTES", 20_000)
    small, large = _compiled("small", 2), _compiled("large", 200)
    known = catalog.Catalog()
    asked: list[str] = []

    def read(name: str, document: dict[str, dict[str, object]]) -> catalog.Template:
        def fetch() -> dict[str, dict[str, object]]:
            asked.append(name)
            return document

        return known.get(name, fetch)

    first = read("small", small)
    assert read("small", small) is first
    assert read("large", large) is read("large", large)
    assert asked == ["small", "large"]
    read("small", small)
    assert asked == ["small", "large", "small"]  # it had to make room
