import asyncio

import pytest

from trainshed.api import fields
from trainshed.api.descriptors import message
from trainshed.api.services.operations import Operations


@pytest.mark.parametrize("seconds", [-(2**63), 2**63 - 1, 2**59])
def test_any_time_to_wait_is_understood(seconds):
    operations = Operations(lambda name: fields.operation(name, done=True))
    asked = message("google.longrunning.WaitOperationRequest", name="operations/1")
    asked.timeout.seconds = seconds

    assert asyncio.run(operations.WaitOperation(asked)).done
