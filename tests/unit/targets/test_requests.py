"""What is sent to Google is read first as Google would read it."""

import json

import pytest

from trainshed.api.descriptors import METHODS
from trainshed.errors import InvalidArgument
from trainshed.targets import endpoints, permissions, requests, storage_methods
from trainshed.targets.endpoints import Endpoints


def read(verb, target, body=None):
    data = None if body is None else json.dumps(body).encode()
    return requests.read(verb, target, content_type="application/json" if body is not None else "", body=data)


@pytest.mark.parametrize(
    ("verb", "target", "body", "said"),
    [
        ("PUT", "/v1/projects/p/topics/abc", {"labls": {}}, "did you mean 'labels'"),
        ("GET", "/v1/projects/p/topics?pagesize=3", None, "no field 'pagesize'"),
        ("POST", "/v1/projects/p/topics/abc:publsh", {}, "is no method"),
        ("GET", "/trainshed/v1/receipts", None, "is no method"),
        ("POST", "/storage/v1/b?project=p", {"nam": "b"}, "nam: is no field that is sent to storage.buckets.insert"),
        ("GET", "/storage/v1/b/b/o?prefx=a", None, "prefx: is no parameter of storage.objects.list"),
        ("POST", "/v1/projects/p/locations/r/jobs", {"schedule": 3}, "schedule"),
    ],
)
def test_what_google_has_no_place_for_is_refused_by_name(verb, target, body, said):
    with pytest.raises(InvalidArgument, match=said):
        read(verb, target, body)


@pytest.mark.parametrize(
    ("verb", "target", "body"),
    [
        ("PUT", "/v1/projects//topics/abc", {}),
        ("POST", "/storage/v1/b?project=", {"name": "b"}),
        ("PUT", "/v1/projects/p/subscriptions/abc", {"topic": "projects//topics/abc"}),
    ],
)
def test_a_request_with_a_hole_for_the_project_says_how_to_give_one(verb, target, body):
    with pytest.raises(InvalidArgument, match="--project: no project is known"):
        read(verb, target, body)


@pytest.mark.parametrize(
    ("verb", "target", "api", "url"),
    [
        ("GET", "/v1/projects/p/topics", "pubsub", "https://pubsub.googleapis.com/v1/projects/p/topics"),
        ("GET", "/v1/projects/p/locations/l1/jobs", "cloudscheduler", "https://cloudscheduler.googleapis.com/v1/"),
        ("GET", "/v1/projects/p/locations/l1/builds", "cloudbuild", "https://cloudbuild.googleapis.com/v1/"),
        ("GET", "/v1/projects/p/locations/-/functions", "cloudfunctions", "https://cloudfunctions.googleapis.com/v1/"),
        (
            "GET",
            "/storage/v1/b/b/o/a%2Fb?alt=media",
            "storage",
            "https://storage.googleapis.com/storage/v1/b/b/o/a%2Fb",
        ),
        ("GET", "/v1/projects/p/locations/l1/pipelineJobs", "aiplatform", "https://l1-aiplatform.googleapis.com/v1/"),
        ("GET", "/v1/projects/p/locations/global/pipelineJobs", "aiplatform", "https://aiplatform.googleapis.com/v1/"),
        ("GET", "/v1/projects/p/locations/l1/operations/1", "aiplatform", "https://l1-aiplatform.googleapis.com/v1/"),
        ("GET", "/v1/operations/build/p/abc", "cloudbuild", "https://cloudbuild.googleapis.com/v1/operations/"),
        ("GET", "/v1/operations/abc", "cloudfunctions", "https://cloudfunctions.googleapis.com/v1/operations/"),
    ],
)
def test_each_request_goes_to_the_host_of_its_api(verb, target, api, url):
    call = read(verb, target)

    assert call.api == api
    assert (Endpoints(region="r").base(call.api, call.region) + call.target).startswith(url)


def test_overrides_stand_for_one_api_or_for_all_and_lead_uploads_there_too():
    found = Endpoints(region="r", overrides=endpoints.read_overrides("pubsub=http://127.0.0.1:1/,*=http://localhost:2"))

    assert found.base("pubsub") == "http://127.0.0.1:1"
    assert found.base("storage") == "http://localhost:2"
    assert found.lead("https://storage.googleapis.com/a/b?sign=1") == "http://localhost:2/a/b?sign=1"
    assert Endpoints(region="r").lead("https://storage.googleapis.com/a?b") == "https://storage.googleapis.com/a?b"


@pytest.mark.parametrize(
    "text",
    ["pubsub=http://example.com", "pubsub=ftp://127.0.0.1", "pubsub", "pubsubs=https://x.y", "storage=http://10.0.0.1"],
)
def test_a_token_travels_by_https_or_not_beyond_this_machine(text):
    with pytest.raises(InvalidArgument, match="API_ENDPOINT_OVERRIDES"):
        endpoints.read_overrides(text)
    with pytest.raises(InvalidArgument):
        Endpoints(region="r").lead("http://storage.googleapis.com/upload")


def test_the_table_of_permissions_names_published_methods_alone():
    published = {f"{m.service}/{m.name}" for m in METHODS.values()} | {m.name for m in storage_methods.STORAGE}

    assert set(permissions.PERMISSIONS) <= published
    assert {m.name for m in storage_methods.STORAGE} <= set(permissions.PERMISSIONS)


def test_every_permission_has_a_role_that_can_be_granted():
    tables = (permissions.PERMISSIONS, permissions.OPERATIONS)
    needed = {permission for table in tables for needs in table.values() for permission, _ in needs}

    assert {permissions.role(permission).partition("/")[0] for permission in needed} == {"roles"}
    assert set(permissions.COVERS) <= set(permissions.ROLES.values())
    with pytest.raises(KeyError):
        permissions.role("compute.instances.create")
