"""What other threads have done comes into a loop, together and in order."""

import asyncio
import threading
from concurrent.futures import Future

import pytest

from trainshed.duty import post, settled


def test_many_results_come_with_few_wake_ups_and_in_order():
    async def main():
        loop, woken, came = asyncio.get_running_loop(), [], []
        wake = loop.call_soon_threadsafe
        loop.call_soon_threadsafe = lambda *call: (woken.append(call), wake(*call))[1]
        deliver, sent = post().call, threading.Event()

        def elsewhere():
            for n in range(100):
                deliver(lambda n=n: came.append(n))
            sent.set()

        threading.Thread(target=elsewhere).start()
        assert sent.wait(60)  # nothing is taken meanwhile: the loop is held up here
        for _ in range(3):
            await asyncio.sleep(0)
        return came, len(woken)

    assert asyncio.run(main()) == (list(range(100)), 1)


def test_results_and_errors_are_those_of_the_future():
    async def main(future):
        return await settled(future)

    done, failed = Future(), Future()
    done.set_result(7)
    failed.set_exception(ValueError("no"))
    assert asyncio.run(main(done)) == 7
    with pytest.raises(ValueError, match="no"):
        asyncio.run(main(failed))


def test_what_is_cancelled_is_withdrawn():
    async def main(future):
        waiting = asyncio.ensure_future(settled(future))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)

    queued = Future()
    asyncio.run(main(queued))
    assert queued.cancelled()
