"""The verbs of policies: one transaction each."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from trainshed.errors import Aborted
from trainshed.policies import document, store
from trainshed.sql import Database


class Service:
    """Policies by the name of their resource. Whether there is such a resource is the caller's business."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def get(self, resource: str) -> dict[str, Any]:
        """Answer a policy as Google's JSON."""
        return self._db.read(lambda conn: _shown(resource, *store.find(conn, resource)))

    def set(self, resource: str, policy: Mapping[str, Any]) -> dict[str, Any]:
        """Replace a policy. Raises Aborted when its etag is that of an older one, InvalidArgument for a bad one."""
        wanted, asked = document.checked(policy), policy.get("etag", "")

        def verb(conn: Connection) -> dict[str, Any]:
            before, number = store.find(conn, resource)
            if asked and asked != _shown(resource, before, number)["etag"]:
                raise Aborted("etag: somebody changed the policy since it was read; read it again and set it anew.")
            store.put(conn, resource, wanted, number + 1)
            return _shown(resource, wanted, number + 1)

        return self._db.write(verb)


def _shown(resource: str, policy: Mapping[str, Any], number: int) -> dict[str, Any]:
    if not number:
        return document.default(resource)
    return {**policy, "etag": document.etag(policy, number)}
