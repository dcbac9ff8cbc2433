"""Projects, locations and policies: every project exists, is the same one, and everybody may do everything."""

from typing import Any

from trainshed import names
from trainshed.api.descriptors import message


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
        return message("google.cloud.location.Location", name=name, location_id=location, display_name=location)


class IAMPolicy:
    """google.iam.v1.IAMPolicy: there are no bindings, and nothing is forbidden. Policies cannot be set."""

    SERVICE = "google.iam.v1.IAMPolicy"

    def GetIamPolicy(self, request: Any) -> Any:  # noqa: ARG002  (every resource has the same one)
        """Answer the empty policy."""
        return message("google.iam.v1.Policy", version=1)

    def TestIamPermissions(self, request: Any) -> Any:
        """Answer all permissions asked for."""
        return message("google.iam.v1.TestIamPermissionsResponse", permissions=list(request.permissions))
