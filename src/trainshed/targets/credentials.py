"""Who asks: Google's Application Default Credentials, found and kept fresh by `google-auth`.

Nothing here prints or logs a token, and no exception carries one.
"""

import http.client
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from trainshed.errors import Unauthenticated, Unavailable
from trainshed.targets import wire

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
LOGIN = (
    "Log in with `gcloud auth application-default login`; or name the key file of a service account, or a workload "
    "identity configuration, in GOOGLE_APPLICATION_CREDENTIALS; on Google Cloud the metadata server is asked."
)
_TIMEOUT_SECONDS = 120.0


class Credentials:
    """Application Default Credentials: user, service account, workload identity or metadata server."""

    def __init__(self, *, quota_project: str = "") -> None:
        self._quota_project = quota_project or None

    def headers(self) -> dict[str, str]:
        """Answer the headers that say who asks. Raises Unauthenticated with the way to log in, Unavailable."""
        from google.auth import exceptions

        found: dict[str, str] = {}
        try:
            made = self._found[0]  # not `before_request`, which looks things up that nobody asks for, in the background
            if not made.valid:
                made.refresh(_Transport())
            made.apply(found)
        except exceptions.TransportError as error:
            raise Unavailable(f"The server that gives tokens does not answer: {error}") from None
        except exceptions.GoogleAuthError as error:
            raise Unauthenticated(f"The credentials are not accepted: {_first(error)}. {LOGIN}") from None
        return {name.lower(): value for name, value in found.items()}

    def renew(self) -> None:
        """Get another token at the next request: the one in use was refused."""
        self._found[0].token = None

    @property
    def project(self) -> str:
        """The project that the credentials name; empty when they name none."""
        return self._found[1] or ""

    @property
    def quota_project(self) -> str:
        """The project that requests are counted against, where it is not the resource's own."""
        return str(getattr(self._found[0], "quota_project_id", "") or "")

    @property
    def principal(self) -> str:
        """Who that is, as IAM writes it, where the credentials say so without asking."""
        email = str(getattr(self._found[0], "service_account_email", "") or "")
        return f"serviceAccount:{email}" if "@" in email else ""

    @cached_property
    def _found(self) -> tuple[Any, str | None]:
        import google.auth
        from google.auth import exceptions

        try:
            with warnings.catch_warnings():
                warnings.simplefilter(
                    "ignore"
                )  # on user credentials without a quota project, which is told when it matters
                transport: Any = _Transport()
                made, project = google.auth.default(
                    scopes=[SCOPE], request=transport, quota_project_id=self._quota_project
                )
        except exceptions.GoogleAuthError as error:
            raise NoCredentials(
                f"There are no Google credentials that can be used here: {_first(error)}. {LOGIN}"
            ) from None
        return made, project


class NoCredentials(Unauthenticated):
    """There are no Application Default Credentials."""

    reason = "CREDENTIALS_MISSING"


@dataclass(frozen=True, kw_only=True)
class _Answer:
    """What `google-auth` expects of a transport."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    data: bytes = b""


class _Transport:
    """The HTTP of `google-auth`, over our own: it would want another library for that."""

    def __call__(
        self,
        url: str,
        method: str = "GET",
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = _TIMEOUT_SECONDS,
        **_: Any,
    ) -> _Answer:
        from google.auth import exceptions

        try:
            done = wire.exchange(method, url, headers or {}, body, timeout_seconds=timeout)
            try:
                return _Answer(
                    status=done.response.status,
                    headers={name.lower(): value for name, value in done.response.getheaders()},
                    data=done.response.read(),
                )
            finally:
                done.connection.close()
        except (OSError, http.client.HTTPException) as error:
            failure: Any = exceptions.TransportError
            raise failure(error) from error


def _first(error: Exception) -> str:
    """Answer the first sentence of an exception of `google-auth`, whose others hold what the server sent."""
    text = str(error.args[0] if error.args else error)
    return text.splitlines()[0].partition(". ")[0].rstrip(".") if text else type(error).__name__
