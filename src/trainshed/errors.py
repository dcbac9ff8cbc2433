"""Errors: somebody asked for something that cannot be done.

Codes are Google's (google.rpc.Code); the class docstring is the default message. A task, step or function
that fails is not here: that is an outcome, data, never an exception. Anything raised that is not one of
these is a defect of ours and becomes INTERNAL at the surface.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, kw_only=True)
class FieldViolation:
    """One field of a request and what is wrong with it (google.rpc.BadRequest)."""

    field: str
    description: str


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing to say about a user's file: errors block, warnings are kept and shown."""

    severity: str  # "error" or "warning"
    path: str  # where in the document: steps[2].waitFor
    message: str
    anchor: str = ""  # section of the documentation that explains it

    def __str__(self) -> str:
        """Path and message, as shown to a user."""
        return f"{self.path}: {self.message}" if self.path else self.message


class TrainshedError(Exception):
    """The request could not be carried out."""

    code = "UNKNOWN"
    http_status = 500
    reason = "UNKNOWN"
    details_bytes = 3500  # what is told by gRPC: its peers refuse more than 8 KiB of trailers; base64 takes a third

    def __init__(
        self,
        message: str | None = None,
        *,
        reason: str | None = None,
        violations: tuple[FieldViolation, ...] = (),
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        self.message = message or (self.__class__.__doc__ or "").strip()
        self.reason = reason or self.__class__.reason
        self.violations = violations
        self.metadata = dict(metadata or {})
        super().__init__(self.message)

    def at(self, field: str) -> Self:
        """Say which field of the request it is about, where what raised it knew the value alone."""
        self.violations = (FieldViolation(field=field, description=self.message),)
        return self


class InvalidArgument(TrainshedError):
    """The request has a field with a value that it cannot have."""

    code, http_status, reason = "INVALID_ARGUMENT", 400, "INVALID_ARGUMENT"

    @classmethod
    def field(cls, field: str, description: str, *, reason: str | None = None) -> "InvalidArgument":
        """One field at fault: the message names it, and so does the violation."""
        violation = FieldViolation(field=field, description=description)
        return cls(f"{field}: {description}", reason=reason, violations=(violation,))

    @classmethod
    def findings(cls, findings: "list[Finding]", *, reason: str | None = None) -> "InvalidArgument":
        """Everything wrong with a document, at once."""
        violations = tuple(FieldViolation(field=f.path, description=f.message) for f in findings)
        return cls("\n".join(str(f) for f in findings), reason=reason, violations=violations)


class InvalidAckIds(InvalidArgument):
    """An exactly-once subscription refuses some ack ids: they are of an earlier attempt, too late or out of order.

    The metadata tells of each what is wrong, by the words that Google's clients know; they read large trailers.
    """

    reason = "EXACTLY_ONCE_ACKID_FAILURE"
    details_bytes = 1_000_000


class FailedPrecondition(TrainshedError):
    """The resource is in a state in which this cannot be done."""

    code, http_status, reason = "FAILED_PRECONDITION", 400, "FAILED_PRECONDITION"


class OutOfRange(TrainshedError):
    """The position asked for lies outside what exists."""

    code, http_status, reason = "OUT_OF_RANGE", 400, "OUT_OF_RANGE"


class Unauthenticated(TrainshedError):
    """The request carries no credentials that this server issued."""

    code, http_status, reason = "UNAUTHENTICATED", 401, "UNAUTHENTICATED"


class PermissionDenied(TrainshedError):
    """The caller may not do this."""

    code, http_status, reason = "PERMISSION_DENIED", 403, "PERMISSION_DENIED"


class NotFound(TrainshedError):
    """No such resource."""

    code, http_status, reason = "NOT_FOUND", 404, "NOT_FOUND"


class AlreadyExists(TrainshedError):
    """A resource of that name exists already."""

    code, http_status, reason = "ALREADY_EXISTS", 409, "ALREADY_EXISTS"


class Aborted(TrainshedError):
    """Somebody else changed the resource at the same time; read it again and retry."""

    code, http_status, reason = "ABORTED", 409, "ABORTED"


class StaleState(Aborted):
    """The resource left the state that this change starts from."""

    reason = "STATE_CHANGED"


class PreconditionFailed(FailedPrecondition):
    """The object's generation is not the one that the request names."""

    http_status, reason = 412, "CONDITION_NOT_MET"


class ResourceExhausted(TrainshedError):
    """A limit is reached."""

    code, http_status, reason = "RESOURCE_EXHAUSTED", 429, "RESOURCE_EXHAUSTED"


class Cancelled(TrainshedError):
    """The caller gave up."""

    code, http_status, reason = "CANCELLED", 499, "CANCELLED"


class DeadlineExceeded(TrainshedError):
    """Time ran out before the work was done."""

    code, http_status, reason = "DEADLINE_EXCEEDED", 504, "DEADLINE_EXCEEDED"


class Unavailable(TrainshedError):
    """The server cannot do this now; try again."""

    code, http_status, reason = "UNAVAILABLE", 503, "UNAVAILABLE"


class Unimplemented(TrainshedError):
    """This server does not offer that method."""

    code, http_status, reason = "UNIMPLEMENTED", 501, "RPC_NOT_SUPPORTED"


OUTAGES = (Unavailable, ResourceExhausted)  # what the store says while it takes nothing: kept, the same works later
