"""Errors as Cloud Storage's JSON API writes them: google.rpc.Status, with the older list of reasons that gsutil reads."""

from typing import Any

from starlette.responses import JSONResponse

from trainshed.api import status
from trainshed.errors import TrainshedError

_REASONS = {
    400: "invalid",
    401: "authError",
    403: "forbidden",
    404: "notFound",
    409: "conflict",
    412: "conditionNotMet",
    416: "requestedRangeNotSatisfiable",
    429: "rateLimitExceeded",
    501: "notImplemented",
}


def json_error(error: TrainshedError) -> JSONResponse:
    """Write an error."""
    document: dict[str, Any] = status.to_rest(error)
    reason = _REASONS.get(error.http_status, "backendError")
    document["error"]["errors"] = [{"message": error.message, "domain": "global", "reason": reason}]
    return JSONResponse(document, error.http_status)
