"""The receipts that tests look at: all of them, newest first."""

from trainshed.ledger import Search, search


def receipts_in(conn, trigger=""):
    return search.page(conn, Search(trigger=trigger, page_size=10**6)).receipts
