"""Every state a delivery can be in and every way it can change. Nothing here does I/O."""

from enum import StrEnum

from trainshed.lifecycle import Lifecycle, on


class DeliveryState(StrEnum):
    """Where one message stands with one subscription."""

    PENDING = "PENDING"  # to be handed out, at its due time at the earliest
    OUTSTANDING = "OUTSTANDING"  # handed out; its due time is the ack deadline
    ACKED = "ACKED"  # done; kept for a while, so that it can be replayed
    DEAD_LETTERED = "DEAD_LETTERED"  # given up and published to the dead-letter topic
    EXPIRED = "EXPIRED"  # older than the retention of its subscription


DELIVERY = Lifecycle(
    "delivery",
    DeliveryState,
    (
        on("lease", "PENDING", "OUTSTANDING", "handed to a subscriber as the next attempt"),
        on("ack", "PENDING OUTSTANDING", "ACKED", "the subscriber of the latest attempt is done with it"),
        on("nack", "OUTSTANDING", "PENDING", "the subscriber refuses it for now"),
        on("miss", "OUTSTANDING", "PENDING", "the ack deadline passed"),
        on("abandon", "OUTSTANDING", "PENDING", "the server that was delivering it is gone"),
        on("follow", "OUTSTANDING ACKED", "PENDING", "an earlier message of its ordering key comes again"),
        on("dead_letter", "OUTSTANDING", "DEAD_LETTERED", "as many attempts as the dead-letter policy allows"),
        on("expire", "PENDING OUTSTANDING", "EXPIRED", "nobody acknowledged it within the retention"),
        on("replay", "ACKED DEAD_LETTERED", "PENDING", "somebody asks for it again"),
        on("pass", "PENDING OUTSTANDING", "ACKED", "somebody moved its subscription past it"),
    ),
    initial="PENDING",
    final="EXPIRED",
)
