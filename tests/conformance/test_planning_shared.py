"""Every document of the shared conformance folder plans: KFP's, of its local runner's tests, and TFX's.

They skip, saying so, where the folder is missing (TRAINSHED_CONFORMANCE names another).
"""

import os
from pathlib import Path

import pytest

from trainshed import ir

FOLDER = Path(os.environ.get("TRAINSHED_CONFORMANCE", Path(__file__).parents[3] / "shared" / "conformance"))
DOCUMENTS = sorted(
    path
    for path in FOLDER.glob("**/*")
    if path.suffix in {".yaml", ".json"} and path.name != "cases.json" and path.parent.name != "container"
)


@pytest.mark.skipif(not DOCUMENTS, reason=f"there are no shared pipelines in {FOLDER}")
def test_there_are_as_many_documents_as_the_readme_says():
    assert len(DOCUMENTS) >= 160


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(FOLDER)))
def test_a_document_plans(path):
    plan = ir.plan(ir.load(path.read_bytes()))

    walked = dict(plan.walk())
    assert walked
    assert all(plan.find(name) is task for name, task in walked.items())
    for dag in [plan.root, *(task.body for task in walked.values() if task.body is not None)]:
        assert_sound(dag)
    drawing = ir.graph(plan)
    known = {node["id"] for node in drawing["nodes"]}
    assert set(walked) <= known
    assert all({edge["from"], edge["to"]} <= known for edge in drawing["edges"])


def assert_sound(dag):
    """Assert that tasks come after what they wait for, that sources exist, and that expressions parse."""
    seen = set()
    for name, task in dag.tasks.items():
        assert set(task.upstream) <= seen
        seen.add(name)
        sources = [g.source for g in task.given_parameters.values()] + list(task.given_artifacts.values())
        fed = {s.task for s in sources if not isinstance(s, (ir.Constant, ir.InputParameter, ir.InputArtifact))}
        assert fed <= set(task.upstream) or task.driver
        assert not task.condition or ir.conditions.problem(task.condition) == ""
        for wanted in task.given_parameters.values():
            assert not wanted.selector or ir.conditions.problem(wanted.selector, is_selector=True) == ""
    chosen = [*dag.output_parameters.values(), *dag.output_artifacts.values()]
    assert all(source.task in dag.tasks for sources in chosen for source in sources)
