"""Cloud Build's rules that have a number or a name of their own, one test each."""

import pytest

from trainshed.builds import config
from trainshed.errors import InvalidArgument

STEP = {"name": "bash"}
BUILT_IN = {"PROJECT_ID": "p", "BUILD_ID": "b"}


def checked(steps=(STEP,), *, given=None, **fields):
    return config.check({"steps": list(steps), **fields}, built_in=BUILT_IN, given=given)


def refused(field, steps=(STEP,), *, given=None, **fields):
    with pytest.raises(InvalidArgument) as caught:
        checked(steps, given=given, **fields)
    assert field in {v.field for v in caught.value.violations}, caught.value.message


LIMITS = [
    ("100 steps", lambda n: {"steps": [STEP] * n}, 100, "steps"),
    ("100 args", lambda n: {"steps": [{**STEP, "args": ["a"] * n}]}, 100, "steps[0].args"),
    ("100 env", lambda n: {"steps": [{**STEP, "env": [f"A{i}=1" for i in range(n)]}]}, 100, "steps[0].env"),
    ("a step name of 1,000 characters", lambda n: {"steps": [{"name": "a" * n}]}, 1000, "steps[0].name"),
    ("a dir of 1,000 characters", lambda n: {"steps": [{**STEP, "dir": "a" * n}]}, 1000, "steps[0].dir"),
    ("100 images", lambda n: {"images": [f"gcr.io/p/i{i}" for i in range(n)]}, 100, "images"),
    ("64 tags", lambda n: {"tags": [f"t{i}" for i in range(n)]}, 64, "tags"),
    (
        "100 artefact paths",
        lambda n: {"artifacts": {"objects": {"location": "gs://b", "paths": [f"p{i}" for i in range(n)]}}},
        100,
        "artifacts.objects.paths",
    ),
    ("a disk of 4000 GB", lambda n: {"options": {"diskSizeGb": n}}, 4000, "options.diskSizeGb"),
    ("a timeout of 24 hours", lambda n: {"timeout": f"{n}s"}, 86400, "timeout"),
]


@pytest.mark.parametrize(("document", "most", "field"), [r[1:] for r in LIMITS], ids=[r[0] for r in LIMITS])
def test_as_many_as_google_allows_pass_and_one_more_is_refused(document, most, field):
    checked(**document(most))
    refused(field, **document(most + 1))


def test_a_substitution_has_a_key_of_100_and_a_value_of_4000_characters_at_most():
    longest = "_" + "A" * 99

    checked([{**STEP, "args": [f"${{{longest}}}"]}], given={longest: "x" * 4000})

    refused(f"substitutions.{longest[:20]}…", [{**STEP, "args": [f"${{{longest}A}}"]}], given={f"{longest}A": "x"})
    refused("substitutions._A", [{**STEP, "args": ["$_A"]}], given={"_A": "x" * 4001})


def test_the_timeout_is_60_minutes_and_a_step_may_not_have_more_than_the_build():
    assert checked().config.timeout_seconds == 3600
    refused("steps[0].timeout", [{**STEP, "timeout": "601s"}], timeout="600s")


@pytest.mark.parametrize("path", ["/workspace", "/builder/home", "/var/run/docker.sock"])
def test_a_volume_is_not_at_a_reserved_path(path):
    volume = {"name": "vol", "path": path}
    refused("steps[0].volumes[0].path", [{**STEP, "volumes": [volume]}] * 2)


def test_a_volume_is_used_by_at_least_2_steps():
    refused("steps", [{**STEP, "volumes": [{"name": "vol", "path": "/v"}]}, STEP])


def test_a_dash_is_no_id_and_script_excludes_args_and_entrypoint():
    refused("steps[0].id", [{**STEP, "id": "-"}])
    refused("steps[0].args", [{**STEP, "script": "true", "args": ["a"]}])
    refused("steps[0].entrypoint", [{**STEP, "script": "true", "entrypoint": "a"}])


def test_artefact_paths_have_no_white_space_and_no_duplicates_and_their_location_gets_a_slash():
    objects = {"location": "gs://b/dir", "paths": ["a"]}
    assert checked(artifacts={"objects": objects}).config.objects_location == "gs://b/dir/"
    for paths in (["a b"], ["a", "a"]):
        refused("artifacts.objects.paths", artifacts={"objects": {**objects, "paths": paths}})


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"options": {"pool": {"name": "projects/p/locations/l/workerPools/w"}}}, "options.pool"),
        ({"serviceAccount": "projects/p/serviceAccounts/a@b"}, "serviceAccount"),
    ],
)
def test_what_google_cloud_would_take_otherwise_is_said_with_the_build(fields, path):
    assert [w.path for w in checked(**fields).warnings] == [path]


def test_a_service_account_with_a_logs_bucket_is_fine_everywhere():
    assert checked(serviceAccount="a@b", logsBucket="gs://b").warnings == ()
