"""Read masks: whole fields, parts of messages, keys of free documents."""

import pytest

from trainshed.api.descriptors import from_json, message, message_class, to_json
from trainshed.api.read_masks import ReadMask
from trainshed.errors import InvalidArgument

JOB = "google.cloud.aiplatform.v1.PipelineJob"
DOCUMENT = {
    "name": "n",
    "labels": {"a": "b"},
    "pipelineSpec": {"pipelineInfo": {"name": "p"}, "root": {}},
    "jobDetail": {"pipelineContext": {"name": "c"}, "pipelineRunContext": {"name": "r"}},
}


def masked(*paths):
    mask = ReadMask(message("google.protobuf.FieldMask", paths=paths), message_class(JOB))
    return to_json(mask.of(from_json(JOB, DOCUMENT))), mask


@pytest.mark.parametrize("paths", [(), ("*",)])
def test_nothing_and_everything_leave_a_resource_as_it_is(paths):
    assert masked(*paths)[0] == DOCUMENT


def test_only_what_is_named_is_kept():
    found, mask = masked("name", "labels", "pipeline_spec.pipeline_info", "jobDetail.pipelineContext", "error")

    assert found == {
        "name": "n",
        "labels": {"a": "b"},
        "pipelineSpec": {"pipelineInfo": {"name": "p"}},
        "jobDetail": {"pipelineContext": {"name": "c"}},
    }
    assert (mask.asks_for("pipeline_spec"), mask.asks_for("runtime_config")) == (True, False)


def test_a_path_that_there_is_not_is_refused():
    with pytest.raises(InvalidArgument, match="has the path 'colour', which the resource does not have"):
        masked("colour")
