"""How amounts of money are written."""

import pytest

from trainshed.costs import Cost
from trainshed.dashboard import amounts


@pytest.mark.parametrize(
    ("value", "words"), [(0.0, "0 USD"), (0.00003, "<0.0001 USD"), (0.0001, "0.0001 USD"), (12.5, "12.5000 USD")]
)
def test_a_little_money_is_not_written_as_none(value, words):
    assert amounts.money(value, "USD") == words


def test_a_cost_says_what_is_which():
    found = Cost(currency="USD", cloud=0.0304, local=0.0)

    assert str(found) == "0 USD here, 0.0304 USD on Google Cloud"
    assert amounts.brief_cost(found) == "0 · 0.0304 USD"
    assert str(Cost(currency="EUR", cloud=1.0, is_guess=True)).startswith("about ")
