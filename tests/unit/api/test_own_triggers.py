"""A build trigger that somebody else wrote is held against Google's fields before anything is made of it."""

import asyncio

import httpx
import pytest
from starlette.applications import Starlette

from trainshed.api.own.builds import trigger_routes
from trainshed.errors import InvalidArgument


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ({"nme": "a"}, r"nme: .*did you mean 'name'\?"),
        ({"build": {"steps": "x"}}, r"build: repeated field steps must be in \[\]"),
        ({"build": {"steps": [{"nam": "x"}]}}, r"build\.steps\[0\]\.nam: .*did you mean 'name'\?"),
    ],
)
def test_a_field_that_a_trigger_does_not_have_is_named(document, says):
    surface = httpx.ASGITransport(Starlette(routes=trigger_routes(None)))

    async def create() -> None:
        async with httpx.AsyncClient(transport=surface, base_url="http://here") as client:
            await client.post("/trainshed/v1/projects/p/locations/l/triggers", json=document)

    with pytest.raises(InvalidArgument, match=says):
        asyncio.run(create())
