"""Bodies of requests, never more of them than is allowed."""

import asyncio

from starlette.requests import Request

from trainshed.errors import DeadlineExceeded, InvalidArgument

LARGEST = 64 * 1024 * 1024  # of what is no object's content and no archive
FORM = 64 * 1024


async def read(request: Request, most: int = LARGEST, *, what: str = "it", seconds: float | None = None) -> bytes:
    """Read the whole body. Raises InvalidArgument when it is larger than `most` bytes, DeadlineExceeded after `seconds`."""
    chunks, size = [], 0
    try:
        async with asyncio.timeout(seconds):
            async for chunk in request.stream():
                size += len(chunk)
                if size > most:
                    raise InvalidArgument.field("body", f"{what} is larger than {most} bytes", reason="BODY_TOO_LARGE")
                chunks.append(chunk)
    except TimeoutError as error:
        raise DeadlineExceeded(f"The request did not arrive within {seconds:g} s.") from error
    return b"".join(chunks)
