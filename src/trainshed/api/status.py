"""errors.* as google.rpc.Status, for REST and gRPC alike; what is not one of them is INTERNAL with an identifier."""

import logging
from typing import Any

from google.protobuf import any_pb2
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from trainshed import errors, names

log = logging.getLogger(__name__)

DOMAIN = "trainshed"
DETAILS_KEY = "grpc-status-details-bin"
_GRPC_MESSAGE_CHARACTERS = 1500  # see `TrainshedError.details_bytes`

# google.rpc.Code
CODES = {
    "OK": 0,
    "CANCELLED": 1,
    "UNKNOWN": 2,
    "INVALID_ARGUMENT": 3,
    "DEADLINE_EXCEEDED": 4,
    "NOT_FOUND": 5,
    "ALREADY_EXISTS": 6,
    "PERMISSION_DENIED": 7,
    "RESOURCE_EXHAUSTED": 8,
    "FAILED_PRECONDITION": 9,
    "ABORTED": 10,
    "OUT_OF_RANGE": 11,
    "UNIMPLEMENTED": 12,
    "INTERNAL": 13,
    "UNAVAILABLE": 14,
    "UNAUTHENTICATED": 16,
}
_CLASSES = {
    cls.code: cls
    for cls in (
        errors.Cancelled,
        errors.InvalidArgument,
        errors.DeadlineExceeded,
        errors.NotFound,
        errors.AlreadyExists,
        errors.PermissionDenied,
        errors.ResourceExhausted,
        errors.FailedPrecondition,
        errors.Aborted,
        errors.OutOfRange,
        errors.Unimplemented,
        errors.Unavailable,
        errors.Unauthenticated,
    )
}


class Internal(errors.TrainshedError):
    """Trainshed failed, which is a defect of Trainshed."""

    code, http_status, reason = "INTERNAL", 500, "INTERNAL"


def translate(error: Exception, *, where: str) -> errors.TrainshedError:
    """Answer the error itself, or, for a defect, INTERNAL with an identifier that the log has too."""
    if isinstance(error, errors.TrainshedError):
        return error
    incident = names.short_id(10)
    log.error(
        "Internal error %s in %s.", incident, where, exc_info=error, extra={"action": "internal_error", "where": where}
    )
    return Internal(
        f"Trainshed failed, which is a defect of Trainshed; its log (logs/server.jsonl in the server's home) has the trace "
        f"under {incident}.",
        metadata={"incident": incident},
    )


def not_served(what: str) -> str:
    """Say that a service of Google's is none of ours, and what to do."""
    return (
        f"{what} is not served here, and what is meant for Google does not leave this machine; docs/reference/coverage.md "
        "lists what is served. To reach Google itself, run the command without `trainshed exec`."
    )


def to_status(error: errors.TrainshedError) -> status_pb2.Status:
    """Write an error as google.rpc.Status with ErrorInfo and, where fields are at fault, BadRequest."""
    status = status_pb2.Status(code=CODES.get(error.code, CODES["UNKNOWN"]), message=error.message)
    info = error_details_pb2.ErrorInfo(reason=error.reason, domain=DOMAIN, metadata=error.metadata)
    status.details.append(_any(info))
    if error.violations:
        violations = [
            error_details_pb2.BadRequest.FieldViolation(field=v.field, description=v.description)
            for v in error.violations
        ]
        status.details.append(_any(error_details_pb2.BadRequest(field_violations=violations)))
    return status


def from_code(code: str, message: str, reason: str) -> errors.TrainshedError:
    """Make the error of a code's name, as it was kept with what failed."""
    return _CLASSES.get(code, errors.Unavailable)(message, reason=reason)


def to_rest(error: errors.TrainshedError) -> dict[str, Any]:
    """Write an error as the body of Google's REST answers."""
    info = {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": error.reason,
        "domain": DOMAIN,
        **({"metadata": error.metadata} if error.metadata else {}),
    }
    details: list[dict[str, Any]] = [info]
    if error.violations:
        violations = [{"field": v.field, "description": v.description} for v in error.violations]
        details.append({"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": violations})
    body = {"code": error.http_status, "message": error.message, "status": error.code, "details": details}
    return {"error": body}


def to_grpc(error: errors.TrainshedError) -> tuple[int, str, tuple[tuple[str, bytes], ...]]:
    """Answer code number, message and trailers for gRPC, cut to what trailers can hold."""
    status = to_status(error)
    message = error.message
    if len(message) > _GRPC_MESSAGE_CHARACTERS:
        message = message[:_GRPC_MESSAGE_CHARACTERS] + " …"
        status.message = message
    while status.ByteSize() > error.details_bytes and status.details:
        status.details.pop()
    trailers = ((DETAILS_KEY, status.SerializeToString()),) if status.ByteSize() <= error.details_bytes else ()
    return status.code, message, trailers


def _any(detail: Message) -> any_pb2.Any:
    packed = any_pb2.Any()
    packed.Pack(detail)
    return packed
