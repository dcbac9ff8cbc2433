"""Receipts: the list, and one receipt with its deliveries and what it led to."""

import json

from trainshed import ledger
from trainshed.dashboard import links
from trainshed.dashboard.asked import Asked
from trainshed.dashboard.cells import Badge, Cell, time
from trainshed.dashboard.page import Empty, Facts, Page, Table, Text
from trainshed.dashboard.serve import Address

SECTION = "/receipts"
_COLUMNS = ("Receipt", "Time", "What became of it", "Event", "Trigger", "Led to")


class Receipts:
    """Pages over the ledger."""

    def __init__(self, service: ledger.Service) -> None:
        self._service = service

    def addresses(self) -> list[Address]:
        """Answer the pages of this section."""
        return [
            Address(path=SECTION, make=self.listing),
            Address(path=SECTION + "/{name:path}", make=self.detail),
        ]

    def listing(self, asked: Asked) -> Page:  # noqa: ARG002  (no filter yet)
        """Show the newest receipts."""
        rows = [_row(r) for r in self._service.list(limit=200)]
        nothing = "No receipt yet. Each message, firing, commit or new object at a trigger gets exactly one."
        return Page(
            title="Receipts",
            section=SECTION,
            parts=(Table(id="part-1", columns=_COLUMNS, rows=rows, nothing=Empty(text=nothing)),),
        )

    def detail(self, asked: Asked) -> Page:
        """One receipt. Raises NotFound."""
        receipt_id = asked.name
        account = self._service.describe(receipt_id)
        receipt = account.receipt
        return Page(
            title=f"Receipt {receipt_id}",
            section=SECTION,
            parts=(
                Facts(
                    id="part-2",
                    pairs=(
                        ("What became of it", Badge(state=receipt.state, note=receipt.reason)),
                        ("Led to", links.link(receipt.link)),
                        ("Trigger", links.link(receipt.trigger)),
                        ("Event", f"{receipt.kind} {receipt.stimulus}"),
                        ("Because of", links.link(f"receipts/{receipt.parent_id}") if receipt.parent_id else None),
                        ("Received", time(receipt.create_time)),
                    ),
                ),
                Table(
                    id="deliveries",
                    heading="Deliveries",
                    columns=("#", "Time", "Outcome", "Reason", "Link"),
                    rows=[
                        (d.number, time(d.time), d.outcome, d.reason, links.link(d.link)) for d in account.deliveries
                    ],
                    nothing=Empty(text="It was delivered once, when it was received."),
                ),
                Table(
                    id="what-followed",
                    heading="What followed",
                    columns=_COLUMNS,
                    rows=[_row(r) for r in account.children],
                    nothing=Empty(text="It led to no further event."),
                ),
                Text(
                    id="the-event",
                    heading="The event",
                    text=json.dumps(dict(receipt.data), indent=2, ensure_ascii=False),
                ),
            ),
        )


def _row(receipt: ledger.Receipt) -> tuple[Cell, ...]:
    return (
        links.link(f"receipts/{receipt.receipt_id}"),
        time(receipt.create_time),
        Badge(state=receipt.state, note=receipt.reason),
        receipt.kind,
        links.link(receipt.trigger),
        links.link(receipt.link),
    )
