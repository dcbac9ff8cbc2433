"""What resolvers ask for, read from documents of TFX."""

import pytest

from trainshed import ir
from trainshed.lineage import filters
from trainshed.runs import queries

MODEL = {
    "name": "projects/p/locations/l/metadataStores/default/artifacts/7",
    "schema_title": "tfx.Model",
    "artifact_type": "tfx.Model",
    "state": "LIVE",
    "metadata": {"blessed": 1.0},
}
NAMED = "schema_title=\"tfx.Model\" AND state=LIVE AND name=\"{{$.inputs.artifacts['input'].metadata['id']}}\""


def a_plan(text):
    task = ir.Task(
        name="Resolver.model",
        component="Resolver.model",
        display_name="",
        executor={"resolver": {"outputArtifactQueries": {"model": {"filter": text}}}},
    )
    root = ir.Dag(component="root", tasks={task.name: task})
    return ir.Plan(name="penguins", schema_version="2.1.0", root=root, parameters={})


def holds(text, artifact=MODEL, fill=str):
    found = queries.condition_of({"filter": text})
    return filters.holds(queries.filled(found, fill), artifact, lambda _: False)


@pytest.mark.parametrize(
    ("text", "is_wanted"),
    [
        ('schema_title="tfx.Model" AND state=LIVE', True),
        ('schema_title="tfx.ModelBlessing" AND state=LIVE', False),
        ('artifact_type="tfx.Model" AND state=LIVE AND metadata.blessed.number_value=1', True),
        ('schema_title="tfx.Model" AND metadata.blessed.number_value=0', False),
    ],
)
def test_the_filters_that_tfx_writes(text, is_wanted):
    assert holds(text) is is_wanted


@pytest.mark.parametrize(
    ("value", "is_wanted"), [(MODEL["name"], True), ("", False), ('x" OR state="LIVE', False), ("{{$.unknown}}", False)]
)
def test_what_a_placeholder_becomes_is_a_value_and_nothing_else(value, is_wanted):
    assert holds(NAMED, fill=lambda text: value if text.startswith("{{$") else text) is is_wanted


def test_a_placeholder_names_a_context():
    found = queries.filled(queries.condition_of({"filter": 'NOT in_context("{{$.c}}") OR uri="{{$.u}}"'}), str.upper)

    assert {related.context for related in filters.relations(found)} == {"{{$.C}}"}


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ('schema_title="tfx.Model" AND state=LIVE', "tfx.Model"),
        ('artifact_type="system.Model"', "system.Model"),
        ('schema_title="tfx.*" AND state=LIVE', ""),
        ('schema_title!="tfx.Model"', ""),
        ('schema_title="tfx.Model" OR state=LIVE', ""),
        ("", ""),
    ],
)
def test_the_one_type_that_can_match(text, title):
    assert queries.title_of(queries.condition_of({"filter": text})) == title


def test_a_filter_that_cannot_be_read_is_a_finding():
    (found,) = queries.problems(a_plan('colour="red"'))

    assert found.path == "tasks.Resolver.model"
    assert "task 'Resolver.model' looks for its 'model' by a filter that cannot be read: 'colour'" in found.message
    assert list(queries.problems(a_plan(NAMED))) == []
