import re

import pytest

from trainshed.api.descriptors import METHODS, Rule, message
from trainshed.api.transcode import Match, Router, read, write
from trainshed.errors import InvalidArgument

ROUTER = Router()


def request_of(verb, target, body=b"", content_type="application/json"):
    path, _, query = target.partition("?")
    match = ROUTER.find(verb, path)
    assert match is not None, f"{verb} {path} is not routed"
    return match.method.name, read(match, query, content_type, body)


@pytest.mark.parametrize(
    ("verb", "path", "method", "bindings"),
    [
        ("PUT", "/v1/projects/p/topics/t", "Publisher/CreateTopic", {"name": "projects/p/topics/t"}),
        ("POST", "/v1/projects/p/topics/t:publish", "Publisher/Publish", {"topic": "projects/p/topics/t"}),
        ("POST", "/v1/projects/p/topics/t%3Apublish", "Publisher/Publish", {"topic": "projects/p/topics/t"}),
        ("GET", "/v1/projects/p/topics", "Publisher/ListTopics", {"project": "projects/p"}),
        ("GET", "/v1/projects/x.com:p/topics/t", "Publisher/GetTopic", {"topic": "projects/x.com:p/topics/t"}),
        ("PATCH", "/v1/projects/p/locations/l/jobs/j", "CloudScheduler/UpdateJob", {"job.name": "projects/p/locations/l/jobs/j"}),
        ("POST", "/v1/projects/p/builds", "CloudBuild/CreateBuild", {"project_id": "p"}),
        ("POST", "/v1/projects/p/locations/l/builds", "CloudBuild/CreateBuild", {"parent": "projects/p/locations/l"}),
        ("GET", "/v1/operations/build/p/abc", "Operations/GetOperation", {"name": "operations/build/p/abc"}),
        ("GET", "/v1beta1/projects/p/locations/l/pipelineJobs/j", "PipelineService/GetPipelineJob", {"name": "projects/p/locations/l/pipelineJobs/j"}),
        ("GET", "/v1/projects/p/topics/a%20b", "Publisher/GetTopic", {"topic": "projects/p/topics/a b"}),
    ],
)  # fmt: skip
def test_a_request_line_means_a_method_and_binds_its_fields(verb, path, method, bindings):
    match = ROUTER.find(verb, path)

    assert match is not None
    assert match.method.path.endswith(method)
    assert match.bindings == bindings


@pytest.mark.parametrize(
    ("verb", "path"),
    [
        ("POST", "/v1/projects/p/topics/t"),
        ("GET", "/v1/projects/p/nothing/t"),
        ("GET", "/v9/projects/p/topics/t"),
        ("GET", "/"),
        ("GET", "/v1/projects//topics/t"),
    ],
)
def test_what_no_rule_has_is_not_routed(verb, path):
    assert ROUTER.find(verb, path) is None


def test_every_rule_of_every_method_leads_back_to_it():
    astray = []
    for method in METHODS.values():
        for rule in method.rules:
            template = re.sub(r"\{[\w.]+=([^}]*)\}", r"\1", rule.template)
            path = re.sub(r"\{[\w.]+\}", "*", template).replace("**", "x/y").replace("*", "x")
            found = ROUTER.find(rule.verb, path)
            if found is None or found.method != method:
                astray.append((method.path, rule.template, found and found.method.path))

    assert astray == []


def test_a_body_is_the_whole_request_or_one_field_of_it():
    assert request_of("POST", "/v1/projects/p/topics/t:publish", b'{"messages": [{"data": "aGk="}]}') == (
        "Publish",
        message("google.pubsub.v1.PublishRequest", topic="projects/p/topics/t", messages=[{"data": b"hi"}]),
    )
    assert request_of("POST", "/v1/projects/p/locations/l/jobs", b'{"schedule": "* * * * *"}') == (
        "CreateJob",
        message(
            "google.cloud.scheduler.v1.CreateJobRequest",
            parent="projects/p/locations/l",
            job={"schedule": "* * * * *"},
        ),
    )


def test_query_parameters_are_fields_nested_and_repeated_ones_too():
    _, update = request_of("PATCH", "/v1/projects/p/locations/l/jobs/j?updateMask=schedule,timeZone", b"{}")
    _, listing = request_of("GET", "/v1/projects/p/topics?page_size=5&pageToken=x&$alt=json&prettyPrint=true&key=k")
    _, queried = request_of(
        "GET", "/v1/projects/p/locations/l/metadataStores/m/contexts/c:queryContextLineageSubgraph?alt=json"
    )
    _, policy = request_of("GET", "/v1/projects/p/topics/t:getIamPolicy?options.requestedPolicyVersion=3")
    _, children = request_of(
        "POST", "/v1/projects/p/locations/l/metadataStores/m/contexts/c:addContextChildren", b'{"childContexts": ["a"]}'
    )

    assert list(update.update_mask.paths) == ["schedule", "time_zone"]
    assert (listing.page_size, listing.page_token) == (5, "x")
    assert queried.context.endswith("/contexts/c")
    assert policy.options.requested_policy_version == 3
    assert list(children.child_contexts) == ["a"]


def test_a_repeated_parameter_keeps_every_value_and_a_dotted_one_reaches_into_maps():
    acknowledge = METHODS["/google.pubsub.v1.Subscriber/Acknowledge"]
    create = METHODS["/google.pubsub.v1.Publisher/CreateTopic"]
    without_body = Rule(verb="GET", template="/x", body="")

    several = read(Match(method=acknowledge, rule=without_body, bindings={}), "ackIds=a&ack_ids=b", "", b"")
    labelled = read(Match(method=create, rule=without_body, bindings={}), "labels.k=v&labels.a.b=w", "", b"")

    assert list(several.ack_ids) == ["a", "b"]
    assert dict(labelled.labels) == {"k": "v", "a.b": "w"}


@pytest.mark.parametrize(
    ("verb", "target", "body", "message_text"),
    [
        ("PUT", "/v1/projects/p/topics/t", b"{", "body: is not JSON"),
        ("PUT", "/v1/projects/p/topics/t", b"[]", "body: is not a JSON object"),
        ("PUT", "/v1/projects/p/topics/t", b'{"lables": {}}', "lables: unknown name; Topic has no field 'lables', did you mean 'labels'?"),
        ("PUT", "/v1/projects/p/topics/t", b'{"labels": {"a": 1}}', "labels"),
        ("POST", "/v1/projects/p/topics/t:publish", b'{"messages": [{"dta": ""}]}', "messages[0].dta: unknown name; PubsubMessage has no field 'dta', did you mean 'data'?"),
        ("PUT", "/v1/projects/p/subscriptions/s", b'{"ackDeadlineSeconds": "x"}', "ackDeadlineSeconds: "),
        ("PUT", "/v1/projects/p/subscriptions/s", b'{"retryPolicy": {"minimumBackoff": 3}}', "retryPolicy.minimumBackoff: "),
        ("GET", "/v1/projects/p/topics?pageSiz=3", b"", "pageSiz: unknown name; ListTopicsRequest has no field 'pageSiz', did you mean 'pageSize'?"),
        ("GET", "/v1/projects/p/topics?pageSize=many", b"", "pageSize: "),
        ("GET", "/v1/projects/p/topics?pageSize.x=1", b"", "pageSize.x: "),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_by_the_name_of_its_field(verb, target, body, message_text):
    with pytest.raises(InvalidArgument) as raised:
        request_of(verb, target, body)

    assert raised.value.message.startswith(message_text)
    assert raised.value.violations[0].field == raised.value.message.split(":")[0]


def test_a_webhook_body_is_passed_on_as_it_came():
    _, request = request_of("POST", "/v1/projects/p/triggers/t:webhook?secret=s", b"\x00raw", "text/x")

    assert (request.body.data, request.body.content_type, request.secret) == (b"\x00raw", "text/x", "s")


def test_defaults_are_left_out_and_enums_are_names_unless_numbers_are_asked_for():
    job = message("google.cloud.scheduler.v1.Job", name="j", state="PAUSED")

    assert write(job, "")[0] == b'{"name": "j", "state": "PAUSED"}'
    assert write(job, "%24alt=json%3Benum-encoding%3Dint")[0] == b'{"name": "j", "state": 2}'
