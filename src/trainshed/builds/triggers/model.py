"""Records of build triggers."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from trainshed.builds.model import Origin


@dataclass(frozen=True, kw_only=True)
class Trigger:
    """A build trigger: Google's document, and what was last seen of its repository."""

    trigger_id: str
    name: str  # short name, unique in project and region
    project: str
    region: str
    document: Mapping[str, Any]
    create_time: datetime
    error: str  # why the repository could not be read last time

    @classmethod
    def from_row(cls, row: Any) -> "Trigger":
        """Read a row of `build_triggers`."""
        return cls(
            trigger_id=row.id,
            name=row.name,
            project=row.project,
            region=row.region,
            document=row.document,
            create_time=row.create_time,
            error=row.error,
        )

    @property
    def resource(self) -> str:
        """Resource name."""
        return f"projects/{self.project}/locations/{self.region}/triggers/{self.name}"

    @property
    def is_disabled(self) -> bool:
        """Whether it reacts to nothing."""
        return bool(self.document.get("disabled"))

    @property
    def origin(self) -> Origin:
        """What the builds that it starts say of where they come from."""
        needed = bool((self.document.get("approvalConfig") or {}).get("approvalRequired"))
        return Origin(trigger=self.resource, trigger_id=self.trigger_id, needs_approval=needed)
