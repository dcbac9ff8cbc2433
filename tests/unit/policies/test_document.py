import pytest

from trainshed.errors import InvalidArgument
from trainshed.policies.document import checked, default, etag


def test_bindings_of_one_role_are_one_and_empty_ones_are_none():
    given = {
        "bindings": [
            {"role": "roles/viewer", "members": ["user:a@b.c"]},
            {"role": "roles/viewer", "members": ["allUsers", "user:a@b.c"]},
            {"role": "roles/editor", "members": []},
        ]
    }

    assert checked(given)["bindings"] == [{"role": "roles/viewer", "members": ["user:a@b.c", "allUsers"]}]


def test_conditions_keep_bindings_apart():
    one = {"role": "roles/viewer", "members": ["allUsers"], "condition": {"expression": "true"}}

    assert len(checked({"bindings": [one, one | {"condition": {}}]})["bindings"]) == 2


@pytest.mark.parametrize(
    ("binding", "words"),
    [
        ({"role": "viewer", "members": ["allUsers"]}, r"bindings\[0\]\.role: 'viewer'"),
        ({"role": "roles/viewer", "members": ["a@b.c"]}, r"bindings\[0\]\.members: 'a@b.c'"),
        ({"role": "roles/viewer", "members": ["allUsers"] * 1501}, "1501 principals"),
    ],
)
def test_a_bad_policy_is_refused_naming_the_field(binding, words):
    with pytest.raises(InvalidArgument, match=words):
        checked({"bindings": [binding]})


def test_a_project_starts_with_google_s_own_accounts_and_everything_else_with_nothing():
    assert "roles/pubsub.serviceAgent" in [b["role"] for b in default("projects/p")["bindings"]]
    assert "bindings" not in default("projects/p/topics/t")


def test_etags_differ_from_time_to_time():
    assert etag({"version": 1}, 1) != etag({"version": 1}, 2)
