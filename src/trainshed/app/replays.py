"""Sending the event of a receipt again: one way per kind of event."""

from trainshed import builds, schedules, topics
from trainshed.errors import NotFound
from trainshed.ledger import Message, Receipt, Replay


def replays(
    messages: topics.Service,
    firings: schedules.Service,
    of_runs: schedules.of_runs.Service,
    commits: builds.Pushes,
    hooks: builds.Events,
) -> dict[str, Replay]:
    """Answer how each kind of event is sent again."""

    def message(receipt: Receipt) -> str:
        subscription, _, message_id = receipt.stimulus.rpartition("#")
        try:
            messages.redeliver(subscription, message_id)
        except NotFound:  # no longer kept by the subscription: the receipt has it
            event = Message.from_data(receipt.data)
            again = topics.PubsubMessage(
                data=event.data, attributes=event.attributes, parent_receipt_id=receipt.receipt_id
            )
            (message_id,) = messages.publish(event.topic, [again])
            return f"published the event again as message {message_id} of {event.topic}"
        return f"message {message_id} is delivered to {subscription} again"

    def firing(receipt: Receipt) -> str:
        fired_by = of_runs if "/schedules/" in receipt.trigger else firings
        fired_by.refire(receipt.receipt_id)
        return f"{receipt.trigger} fires again for {receipt.stimulus}"

    return {"message": message, "object": message, "firing": firing, "commit": commits.replay, "webhook": hooks.replay}
