"""What is typed into the form of a run is read as its script reads it, and what would become of it is put in words."""

import pytest

from trainshed import ir
from trainshed.dashboard import asked
from trainshed.dashboard.asked import Asked
from trainshed.dashboard.cells import Named
from trainshed.dashboard.page import Field
from trainshed.dashboard.runs import foreseen, typed
from trainshed.errors import FieldViolation, InvalidArgument
from trainshed.runs import Step

FIELDS = (
    Field(name="parameters.[rate]", label="rate", type="number", value="0.1", sends_empty=True),
    Field(name="parameters.[layers]", label="layers", type="json"),
    Field(name="parameters.[epochs]", label="epochs", type="integer", is_required=True),
    Field(name="parameters.[dry]", label="dry", type="boolean", value="true"),
    Field(name="jobId", label="Job id"),
)


def read(query):
    return typed.read(FIELDS, asked.read("/runs/new", {}, query, ("template", *foreseen.WORDS)))


def test_every_field_is_read_by_its_type_and_keeps_what_is_typed():
    found = read("parameters.[rate]=&parameters.[layers]=[1,2]&parameters.[epochs]=3&jobId=mine&see=1")

    assert found.is_readable
    assert found.parameters == {"rate": None, "layers": [1, 2], "epochs": 3, "dry": False}
    assert found.values["jobId"] == "mine"
    assert [field.value for field in found.fields] == ["", "[1,2]", "3", "", "mine"]


def test_where_nothing_is_typed_the_form_is_as_it_was():
    found = read("see=1")

    assert [field.value for field in found.fields] == ["0.1", "", "", "true", ""]
    assert found.parameters == {"rate": 0.1, "dry": True}
    assert [field.name for field in found.fields if field.problem] == ["parameters.[epochs]"]


@pytest.mark.parametrize(
    ("word", "text", "said"),
    [
        ("rate", "fast", "no number"),
        ("rate", "nan", "no number"),
        ("layers", "[1", "no JSON"),
        ("layers", "[NaN]", "no JSON"),
        ("epochs", "1_000", "no whole number"),
        ("epochs", "3.5", "no whole number"),
        ("epochs", "", "no whole number"),
    ],
)
def test_what_cannot_be_read_is_said_at_its_field(word, text, said):
    words = {"epochs": "1", word: text}
    found = read("&".join(f"parameters.[{key}]={value}" for key, value in words.items()))

    assert not found.is_readable
    (wrong,) = [field for field in found.fields if field.problem]
    assert (wrong.label, wrong.value) == (word, text)
    assert said in wrong.problem


def test_a_parameter_that_the_pipeline_does_not_take_is_refused():
    with pytest.raises(InvalidArgument, match="epoch: the pipeline takes no such parameter"):
        read("parameters.[epoch]=3")


def test_what_is_refused_is_said_at_its_field_and_the_rest_beside_them():
    error = InvalidArgument(
        "all of it",
        violations=tuple(
            FieldViolation(field=name, description=f"of {name}") for name in ("parameters.layers[0]", "jobId", "image")
        ),
    )

    fields, rest = typed.blame(FIELDS, error)

    assert [field.problem for field in fields] == ["", "of parameters.layers[0]", "", "", "of jobId"]
    assert rest == "of image"
    assert typed.blame(FIELDS, InvalidArgument("no field")) == (list(FIELDS), "no field")


def test_a_word_of_a_query_may_hold_any_name_in_brackets_where_its_page_says_so():
    known = ("parameters.[NAME]",)
    found = asked.read("/runs/new", {}, "parameters.[a.b]=1", known)

    assert found.given("parameters.[a.b]") == "1"
    for word in ("parameters.[a", "parameters.a", "others.[a]", "parameters"):
        with pytest.raises(InvalidArgument, match="no such word"):
            asked.read("/runs/new", {}, f"{word}=1", known)


def a_step(task, decision="run", reason="changed: parameter n", **more):
    shown = more.pop("display_name", task)
    return Step(task=task, display_name=shown, decision=decision, reason=reason, resources=ir.Resources(), **more)


def test_a_plan_says_what_iterations_have_in_common_once_and_what_is_foreseen():
    steps = [
        a_step("load", "reuse", "same as in r-1"),
        *(a_step(f"loop[{i}].train", display_name="train", unseen=("data",)) for i in range(3)),
        a_step("new", reason="never ran"),
        a_step("left", "leave_out", "its condition does not hold"),
    ]

    facts, table = foreseen.plan(steps, {"load": [5.0], "loop.train": [1.0, 3.0, 2.0]})

    pairs = dict(facts.pairs)
    together = pairs["All tasks together, by what they took before"]
    assert pairs["Tasks"] == "4 tasks would run, 1 reused, 1 left out."
    assert together.cells[0].seconds == pytest.approx(6.0)
    assert together.cells[1] == "of 1 task nothing is known yet"
    assert "guess" in pairs["Cost"]
    unseen = "the content behind its parameter data is not looked at"
    rows = [(row[0], row[1], row[2], row[3].seconds if row[3] else None, row[4]) for row in table.rows]
    assert rows == [
        ("load", "be reused", 1, 5.0, "same as in r-1"),
        (Named(text="train", title="loop.train"), "run", 3, 2.0, f"changed: parameter n; {unseen}"),
        ("new", "run", 1, None, "never ran"),
        ("left", "be left out", 1, None, "its condition does not hold"),
    ]


def test_tasks_of_a_plan_are_called_as_the_graph_does_and_told_apart_where_that_calls_two_alike():
    steps = [
        a_step("load", display_name="Load birds"),
        a_step("train", reason="load runs before it", after="Load birds", display_name="Train"),
        a_step("again.train", reason="train runs before it", after="Train", display_name="Train"),
    ]

    _, table = foreseen.plan(steps, {})

    assert [(row[0], row[4]) for row in table.rows] == [
        (Named(text="Load birds", title="load"), "changed: parameter n"),
        (Named(text="Train (train)", title="train"), "Load birds runs before it"),
        (Named(text="Train (again.train)", title="again.train"), "Train runs before it"),
    ]


def test_a_form_without_the_word_shows_no_plan():
    query = Asked(path="/runs/new", query=(("template", "gs://b/p.json"),), known=("template", *foreseen.WORDS))

    (form,) = foreseen.parts(None, query, FIELDS[:1], None, None, form="new")

    assert (form.look.href, form.look.word, form.look.kept) == (
        "/runs/new#plan",
        "see",
        [("template", "gs://b/p.json")],
    )
