"""What executors write, in both contracts."""

import json
from math import inf

import pytest

from trainshed.ir.written import Written, WrittenArtifact, read_output


def written(**document):
    return read_output(json.dumps(document))


def test_parameters_of_both_schemas_and_spellings():
    found = written(
        parameters={
            "steps": {"intValue": "536870911"},
            "rate": {"doubleValue": 0.5},
            "label": {"stringValue": "7"},
            "old_steps": {"int_value": 3},
        },
        parameterValues={"config": {"stringValue": "a mapping of the user's"}, "label": "newer"},
    )

    assert found.parameters == {
        "steps": 536870911,
        "rate": 0.5,
        "label": "newer",
        "old_steps": 3,
        "config": {"stringValue": "a mapping of the user's"},
    }
    assert isinstance(found.parameters["steps"], int)


def test_metadata_of_both_schemas():
    found = written(
        artifacts={
            "examples": {
                "artifacts": [
                    {
                        "name": "projects/1/locations/l/metadataStores/default/artifacts/4",
                        "uri": "gs://store/examples",
                        "properties": {"span": {"intValue": "4"}},
                        "customProperties": {"span": {"intValue": "5"}, "fingerprint": {"stringValue": "abc"}},
                        "metadata": {"tfx_version": "1.21.0"},
                    }
                ]
            }
        }
    )

    assert found.artifacts["examples"] == (
        WrittenArtifact(
            name="projects/1/locations/l/metadataStores/default/artifacts/4",
            uri="gs://store/examples",
            metadata={"span": 4, "custom:span": 5, "fingerprint": "abc", "tfx_version": "1.21.0"},
        ),
    )


def test_an_artifact_may_be_written_elsewhere_and_a_list_may_be_empty():
    found = written(
        artifacts={
            "here": {"artifacts": [{"custom_path": "/data/x"}]},
            "there": {"artifacts": [{"customPath": "/data/y"}]},
            "none": {"artifacts": []},
        }
    )

    assert [a.custom_path for a in (*found.artifacts["here"], *found.artifacts["there"])] == ["/data/x", "/data/y"]
    assert found.artifacts["none"] == ()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  ",
        '{"artifacts": 1, "parameterValues": [], "parameters": "x"}',
        '{"artifacts": {"a": 1}}',
    ],
)
def test_what_is_no_output_says_nothing(text):
    assert read_output(text) == Written()


@pytest.mark.parametrize(
    ("text", "said"),
    [("{", "is not JSON: "), ("[]", "is a list"), ("7", "is a single value"), ("[" * 10_000, "nested too deeply")],
)
def test_what_cannot_be_an_output_is_refused_with_the_reason(text, said):
    with pytest.raises(ValueError, match=said):
        read_output(text)


@pytest.mark.parametrize("value", [{"intValue": "many"}, {"doubleValue": None}, {"a": 1, "b": 2}, {}, 5])
def test_a_value_of_no_known_kind_is_kept(value):
    assert written(parameters={"x": value}).parameters == {"x": value}


def test_a_metric_that_is_too_large_for_any_number_is_infinite():
    large, text = 10**400, "7" * 400
    metadata = {"count": large, "below": [-large, {"deep": large}], "most": 10**308 - 1, "text": text}

    found = written(artifacts={"m": {"artifacts": [{"metadata": metadata}]}}, parameterValues={"product": large})

    said = {"count": inf, "below": [-inf, {"deep": inf}], "most": 10**308 - 1, "text": text}
    assert found.artifacts == {"m": (WrittenArtifact(metadata=said),)}
    assert found.parameters == {"product": large}, "a parameter stays what it is"


def test_a_typed_integer_that_is_too_large_for_any_number_is_kept():
    assert written(parameters={"x": {"intValue": "9" * 400}}).parameters == {"x": {"intValue": "9" * 400}}
    assert written(parameters={"x": {"intValue": "9" * 40}}).parameters == {"x": 1e40}
