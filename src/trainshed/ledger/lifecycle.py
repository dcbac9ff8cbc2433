"""Every state a receipt can be in and every way it can change. Nothing here does I/O."""

from enum import StrEnum

from trainshed.lifecycle import Lifecycle, on


class ReceiptState(StrEnum):
    """What became of one event at one trigger."""

    PENDING = "PENDING"  # accepted; nothing decided yet
    STARTED = "STARTED"  # it started what the link names
    JOINED = "JOINED"  # what it asks for had been started already; the link names it
    SKIPPED = "SKIPPED"  # rightly nothing to do
    REFUSED = "REFUSED"  # the event cannot be used as it is; replay it after mending
    FAILED = "FAILED"  # the attempt to start failed; redelivery or replay may still succeed


RECEIPT = Lifecycle(
    "receipt",
    ReceiptState,
    (
        on("start", "PENDING FAILED REFUSED SKIPPED", "STARTED", "work began because of the event"),
        on("join", "PENDING FAILED REFUSED SKIPPED", "JOINED", "the same work exists already"),
        on(
            "skip",
            "PENDING FAILED REFUSED SKIPPED",
            "SKIPPED",
            "a declared policy or an unchanged input makes it needless",
        ),
        on("needless", "STARTED", "SKIPPED", "it started, and everything that it asks for had been done before"),
        on("refuse", "PENDING FAILED REFUSED SKIPPED", "REFUSED", "the event does not say what the trigger needs"),
        on("fail", "PENDING FAILED REFUSED SKIPPED", "FAILED", "starting the work failed"),
        on("reopen", "FAILED REFUSED SKIPPED STARTED JOINED", "PENDING", "somebody replays the event"),
    ),
    initial="PENDING",
    final="",
)
