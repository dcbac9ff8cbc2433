"""Values: typed by declaration, filled into placeholders, digested into keys."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainshed import ir
from trainshed.errors import InvalidArgument
from trainshed.ir.render import as_text
from trainshed.ir.resources import quantity

FACTS = ir.RunFacts(
    job_name="job",
    resource_name="projects/p/x/job",
    job_uuid="7",
    root="gs://b",
    create_time="t",
    schedule_time="s",
    task_name="task",
)


@pytest.mark.parametrize(
    ("value", "declared", "expected"),
    [
        ("3", "NUMBER_INTEGER", 3), (3.0, "NUMBER_INTEGER", 3), ("-4", "NUMBER_INTEGER", -4), ("3.0", "NUMBER_INTEGER", 3),
        ("1e-2", "NUMBER_DOUBLE", 0.01), (3, "NUMBER_DOUBLE", 3.0), ("true", "BOOLEAN", True), ("False", "BOOLEAN", False),
        ("[1, 2]", "LIST", [1, 2]), ('{"a": 1}', "STRUCT", {"a": 1}), ("x", "STRING", "x"), ("3", "STRING", "3"),
    ],
)  # fmt: skip
def test_s49_values_get_their_declared_type(value, declared, expected):
    converted = ir.convert(value, declared)

    assert (converted, type(converted)) == (expected, type(expected))


@pytest.mark.parametrize(
    ("value", "declared", "reason"),
    [
        ("3.5", "NUMBER_INTEGER", "'3.5' is not an integer"), (True, "NUMBER_INTEGER", "is not an integer"),
        ("nan", "NUMBER_DOUBLE", "not a finite number"), ("1e400", "NUMBER_DOUBLE", "not a finite number"),
        ("9" * 20, "NUMBER_INTEGER", "larger than 2^53"), ("9" * 5000, "NUMBER_INTEGER", "larger than 2^53"),
        ("[NaN]", "LIST", "is not a list"), ("[" * 9999, "LIST", "is not a list"), ("yes", "BOOLEAN", "is not a boolean"),
        ("{", "STRUCT", "is not a mapping"), ([1], "STRUCT", "is not a mapping"), (1, "STRING", "put it in quotes"),
        (None, "STRING", "null is not a string"), ({}, "STRING", "is not a string"),
    ],
)  # fmt: skip
def test_s49_what_cannot_be_meant_is_refused_with_the_reason(value, declared, reason):
    with pytest.raises(ValueError, match=".") as caught:
        ir.convert(value, declared)

    assert reason in str(caught.value)


@settings(deadline=None)
@given(st.integers(-(2**53), 2**53))
def test_every_integer_survives_being_text(number):
    assert ir.convert(str(number), "NUMBER_INTEGER") == number


@settings(deadline=None)
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_finite_number_survives_being_text(number):
    assert math.isclose(ir.convert(repr(number), "NUMBER_DOUBLE"), number)


def test_unknown_and_missing_parameters_are_said_at_once():
    definitions = {
        "num_epochs": ir.ParameterDefinition(type="NUMBER_INTEGER"),
        "rate": ir.ParameterDefinition(type="NUMBER_DOUBLE", default=0.1),
    }

    with pytest.raises(InvalidArgument) as caught:
        ir.bind(definitions, {"num_epoch": 1})

    assert caught.value.message.splitlines() == [
        "parameters.num_epoch: the pipeline has no such parameter; did you mean 'num_epochs'?",
        "parameters.num_epochs: the pipeline needs this parameter (an integer) and it is missing",
    ]


@pytest.mark.parametrize(
    ("definition", "bound"),
    [
        (ir.ParameterDefinition(type="STRING", is_optional=True), {}),
        (ir.ParameterDefinition(type="STRING", is_optional=True, default="d"), {"x": "d"}),
        (ir.ParameterDefinition(type="NUMBER_INTEGER", is_optional=True, default=3), {"x": 3}),
    ],
)
def test_null_for_an_optional_parameter_is_as_if_it_were_not_given(definition, bound):
    assert ir.bind({"x": definition}, {"x": None}) == bound


def test_null_for_a_parameter_that_is_needed_is_refused():
    with pytest.raises(InvalidArgument, match=r"parameters\.x: null is not a string") as caught:
        ir.bind({"x": ir.ParameterDefinition(type="STRING")}, {"x": None})

    assert "missing" not in str(caught.value)


def test_a_parameter_with_literals_accepts_no_other_value():
    size = ir.ParameterDefinition(type="STRING", literals=("small", "large"))

    assert ir.bind({"size": size}, {"size": "small"}) == {"size": "small"}
    with pytest.raises(InvalidArgument, match="'huge' is none of the values that it accepts: 'small', 'large'"):
        ir.bind({"size": size}, {"size": "huge"})


def bound(definitions, given):
    try:
        return ir.bind(definitions, given)
    except InvalidArgument as error:
        return error.message.splitlines()


EVERY_TYPE = {
    "n": ir.ParameterDefinition(type="NUMBER_INTEGER"),
    "x": ir.ParameterDefinition(type="NUMBER_DOUBLE", default=0.5),
    "deep": ir.ParameterDefinition(type="BOOLEAN", default=False),
    "name": ir.ParameterDefinition(type="STRING", is_optional=True),
    "layers": ir.ParameterDefinition(type="LIST", default=[1, 2]),
    "more": ir.ParameterDefinition(type="STRUCT", is_optional=True),
}


def test_text_from_a_command_line_is_typed_by_declaration():
    text = {"n": "3", "x": "1e-3", "deep": "true", "name": "5", "layers": "[1, 2.5, 3]", "more": '{"a": 1}'}

    found = bound(EVERY_TYPE, text)

    assert found == {"n": 3, "x": 0.001, "deep": True, "name": "5", "layers": [1, 2.5, 3], "more": {"a": 1}}
    assert [type(found[k]) for k in ("n", "name")] == [int, str]
    assert [type(v) for v in (*found["layers"], found["more"]["a"])] == [int, float, int, int]


def test_what_is_optional_may_be_left_out_or_null_and_defaults_hold():
    left_out = bound(EVERY_TYPE, {"n": 1})

    assert left_out == {"n": 1, "x": 0.5, "deep": False, "layers": [1, 2]}
    assert bound(EVERY_TYPE, dict.fromkeys(EVERY_TYPE) | {"n": 1}) == left_out
    assert bound(EVERY_TYPE, {"n": None}) == [
        "parameters.n: null is not an integer; leave the parameter out instead",
    ]


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("x", math.inf, "parameters.x: 'Infinity' is not a finite number"),
        ("n", math.nan, "parameters.n: 'NaN' is not an integer"),
        ("n", 2**60, "parameters.n: 1152921504606846976 is larger than 2^53, which a PipelineSpec integer cannot hold"),
        ("name", "a\0", "parameters.name: the text holds a NUL character, which no file and no command can hold; take it out"),
    ],
)  # fmt: skip
def test_a_number_that_nothing_can_hold_is_told_by_its_type(name, value, problem):
    assert bound(EVERY_TYPE, {"n": 1} | {name: value}) == [problem]


def test_every_wrong_parameter_is_said_at_once():
    given = {"n": 1.5, "x": "a lot", "deep": "yes", "name": 3, "layers": "['a']", "more": [1], "nn": 1}

    assert bound(EVERY_TYPE, given) == [
        "parameters.n: '1.5' is not an integer",
        "parameters.x: 'a lot' is not a number",
        "parameters.deep: 'yes' is not a boolean",
        "parameters.name: 3 is not a string; put it in quotes",
        """parameters.layers: "['a']" is not a list; write JSON such as [1, "a"]""",
        "parameters.more: '[1]' is not a mapping",
        "parameters.nn: the pipeline has no such parameter; did you mean 'n'?",
    ]


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ([1, math.nan], "parameters.layers[1]: nan is not a number that JSON has; give a finite number"),
        ([{"a": 2**60}], "parameters.layers[0].a: 1152921504606846976 is larger than 2^53"),
        ("[1, Infinity]", "parameters.layers[1]: inf is not a number that JSON has"),
        ('[{"a": 1, "a": 2}]', "parameters.layers[0].a: the key is there twice; keep one"),
        ("[" + "9" * 5000 + "]", f"parameters.layers[0]: {'9' * 37}… is larger than 2^53"),
        (["\0"], "parameters.layers[0]: the text holds a NUL character"),
        ([0] * 300_000, "parameters.layers: the document has more than 250000 values"),
        ("[" * 9000 + "]" * 9000, "parameters.layers: '[[["),
    ],
)
def test_values_inside_values_are_looked_at_too(value, problem):
    (found,) = bound(EVERY_TYPE, {"n": 1, "layers": value})

    assert found.startswith(problem)


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from([*EVERY_TYPE, "other"]), st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
)))  # fmt: skip
def test_no_values_break_the_binding(given_values):
    found = bound(EVERY_TYPE, given_values)

    if isinstance(found, list):
        assert all(line.startswith("parameters.") for line in found)
    else:
        assert set(found) >= {"n", "x", "deep", "layers"}


def test_s50_json_inside_json_is_explained():
    with pytest.raises(InvalidArgument, match="encoded twice") as caught:
        ir.parse_message(b'"{\\"num_epochs\\": 3}"')

    assert caught.value.reason == "DOUBLE_ENCODED"


@pytest.mark.parametrize(("value", "text"), [(6.0, "6"), (6.5, "6.5"), (True, "true"), ([1, 2], "[1, 2]"), ("x", "x")])
def test_values_in_text_keep_integers_whole(value, text):
    assert as_text(value) == text


def test_commands_are_filled_in_and_conditional_words_left_out():
    document = {
        "inputs": {
            "parameterValues": {"n": 6.0},
            "artifacts": {"d": {"artifacts": [{"uri": "gs://b/d", "metadata": {"k": "v"}}]}},
        },
        "outputs": {"parameters": {"o": {"outputFile": "/o"}}},
    }
    words = [
        "n={{$.inputs.parameters['n']}}", "{{$.inputs.artifacts['d'].path}}", "{{$.inputs.artifacts['d'].metadata['k']}}",
        "{{$.outputs.parameters['o'].output_file}}", '{"Concat": ["a", "{{$.pipeline_job_name}}"]}',
        '{"IfPresent": {"InputName": "n", "Then": ["--n"], "Else": ["--none"]}}',
        '{"IfPresent": {"InputName": "m", "Then": ["--m"]}}', "$HOME {{other}}",
    ]  # fmt: skip

    line = ir.command_line(words, FACTS, document, lambda uri: uri.replace("gs:/", "/mount"))

    assert line == ["n=6", "/mount/b/d", "v", "/o", "ajob", "--n", "$HOME {{other}}"]


def test_a_lightweight_component_is_recognised_with_what_it_installs():
    line = (
        "PIP=1 python3 -m pip install --quiet 'kfp==2.14.3' '--no-deps' "
        '\'typing-extensions>=3.7.4,<5; python_version<"3.9"\' && python3 -m pip install --index-url https://x \'pandas<3\' && "$0" "$@"'
    )
    container = {
        "command": ["sh", "-c", line, "sh", "-ec", "… ephemeral_component.py …", "def f(): pass"],
        "args": ["--executor_input", "{{$}}", "--function_to_execute", "f"],
    }

    found = ir.recognise(container)

    assert found == ir.Python(
        function="f",
        source="def f(): pass",
        requirements=("kfp==2.14.3 --no-deps", "--index-url https://x", "pandas<3"),
    )
    assert isinstance(ir.recognise({"command": ["echo"], "args": ["x"]}), ir.Shell)


@pytest.mark.parametrize(
    ("text", "number"), [("500m", 0.5), ("2", 2), ("4Gi", 4 * 2**30), ("1.5G", 1.5e9), ("{{x}}", None)]
)
def test_quantities_are_read_as_kubernetes_writes_them(text, number):
    assert quantity(text) == number
