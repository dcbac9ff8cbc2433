"""Access policies on the store."""

import pytest

from trainshed import policies
from trainshed.errors import Aborted

NAME = "projects/p/locations/r/functions/f"
BINDING = {"role": "roles/cloudfunctions.invoker", "members": ["allUsers"]}


def test_a_policy_is_kept_and_an_old_etag_is_refused(db):
    rights = policies.Service(db)
    before = rights.get(NAME)

    first = rights.set(NAME, {**before, "bindings": [BINDING]})

    assert rights.get(NAME) == first
    assert first["bindings"] == [BINDING]
    with pytest.raises(Aborted, match="etag"):
        rights.set(NAME, {**before, "bindings": []})
    assert "bindings" not in rights.set(NAME, {"etag": first["etag"]})


def test_a_policy_goes_with_its_resource(db):
    rights = policies.Service(db)
    rights.set(NAME, {"bindings": [BINDING]})

    db.write(lambda conn: policies.forget(conn, NAME))

    assert "bindings" not in rights.get(NAME)
