"""What builds need of others, as protocols; `app` hands the real things in, tests hand in small ones."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from sqlalchemy import Connection

from trainshed.environments import Binding, Environment


class ImageBook(Protocol):
    """Environments and what image names mean (`environments.Environments`)."""

    def ensure(
        self, lines: Sequence[str], *, python: str = "", base: str = "", log: Callable[[str], None] | None = None
    ) -> Environment:
        """Answer the environment with these requirements, built when missing."""
        ...

    def get(self, digest: str) -> Environment | None:
        """Find a complete environment."""
        ...

    def bind(
        self,
        image_pattern: str,
        environment: str,
        *,
        snapshot: str = "",
        variables: Mapping[str, str] | None = None,
        workdir: str = "",
        source: str = "user",
    ) -> Binding:
        """Let an environment stand for an image."""
        ...

    def resolve(self, image: str) -> Binding | None:
        """Answer the binding of an image."""
        ...


class Objects(Protocol):
    """Files in and out of buckets (`builds.objects.BlobObjects`)."""

    def put(self, bucket: str, name: str, path: Path, *, content_type: str = "") -> int:
        """Commit a file as an object, the bucket made when missing; answer its generation."""
        ...

    def fetch(self, bucket: str, name: str, generation: int | None, target: Path) -> int:
        """Copy an object to a file; answer its generation. Raises NotFound."""
        ...


@dataclass(frozen=True, kw_only=True)
class Feeds:
    """What triggers of messages need of topics; inside the caller's transaction."""

    subscribe: Callable[[Connection, str, str, str], None]  # subscription, topic, target
    unsubscribe: Callable[[Connection, str], None]


Reach = Callable[[str], Mapping[str, str]]  # principal -> environment variables that bring Google's clients here
