"""Bytes of objects are asked for by a browser: whatever the address says is answered in words."""

import asyncio

import httpx
import pytest
from starlette.applications import Starlette

from trainshed.dashboard.buckets import content
from trainshed.errors import NotFound


class Nothing:
    """Buckets without objects, on a store whose numbers have 64 bits."""

    def get(self, bucket, name, generation, *, soft_deleted):
        assert generation is None or generation < 1 << 63
        raise NotFound(f"There is no gs://{bucket}/{name}.")


def answer(path):
    async def asked():
        app = Starlette(routes=content.routes(Nothing()))
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://here") as client:
            return await client.get(path)

    return asyncio.run(asked())


@pytest.mark.parametrize(("generation", "status"), [("1", 404), ("x", 400), ("9" * 18, 404), ("9" * 19, 400)])
def test_a_generation_is_a_number_that_the_store_knows(generation, status):
    found = answer(f"/stored/download?bucket=b&object=o&generation={generation}")

    assert found.status_code == status
    assert found.headers["x-content-type-options"] == "nosniff"
