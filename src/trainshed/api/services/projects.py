"""Projects, locations and policies: every project exists, is the same one, and everybody may do everything."""

from collections.abc import Callable, Mapping
from typing import Any

from trainshed import names, policies
from trainshed.api.descriptors import from_json, message, to_json


class Projects:
    """google.cloud.resourcemanager.v3.Projects."""

    SERVICE = "google.cloud.resourcemanager.v3.Projects"

    def __init__(self, project: str) -> None:
        self._project = project

    def GetProject(self, request: Any) -> Any:
        """Answer the project of that name or number."""
        asked = names.parse("projects/{project}", request.name)["project"]
        project = self._project if asked == names.PROJECT_NUMBER else asked
        return message(
            "google.cloud.resourcemanager.v3.Project",
            name=f"projects/{names.PROJECT_NUMBER}",
            project_id=project,
            display_name=project,
            state="ACTIVE",
        )


class Locations:
    """google.cloud.location.Locations: the one region of the settings."""

    SERVICE = "google.cloud.location.Locations"

    def __init__(self, region: str) -> None:
        self._region = region

    def GetLocation(self, request: Any) -> Any:
        """Answer a location; every name is one."""
        found = names.parse("projects/{project}/locations/{location}", request.name)
        return self._location(found["project"], found["location"])

    def ListLocations(self, request: Any) -> Any:
        """Answer the region of the settings."""
        project = names.parse("projects/{project}", request.name)["project"]
        found = [self._location(project, self._region)]
        return message("google.cloud.location.ListLocationsResponse", locations=found)

    def _location(self, project: str, location: str) -> Any:
        name = f"projects/{project}/locations/{location}"
        return message(
            "google.cloud.location.Location",
            name=name,
            location_id=location,
            display_name=location,
            labels={"cloud.googleapis.com/region": location},
        )


class IAMPolicy:
    """google.iam.v1.IAMPolicy: policies are kept and shown; nothing is forbidden by them."""

    SERVICE = "google.iam.v1.IAMPolicy"

    def __init__(self, rights: policies.Service, require: Callable[[str], None]) -> None:
        """`require` raises NotFound for a resource that it knows to be missing."""
        self._rights = rights
        self._require = require

    def GetIamPolicy(self, request: Any) -> Any:
        """Answer the policy that was set."""
        self._require(request.resource)
        return policy_message(self._rights.get(request.resource))

    def SetIamPolicy(self, request: Any) -> Any:
        """Keep a policy."""
        self._require(request.resource)
        return policy_message(self._rights.set(request.resource, policy_document(request.policy)))

    def TestIamPermissions(self, request: Any) -> Any:
        """Answer all permissions asked for."""
        return message("google.iam.v1.TestIamPermissionsResponse", permissions=list(request.permissions))


def policy_message(document: Mapping[str, Any]) -> Any:
    """Make the message of a policy."""
    return from_json("google.iam.v1.Policy", document)


def policy_document(policy: Any) -> dict[str, Any]:
    """Read the message of a policy."""
    return to_json(policy)
