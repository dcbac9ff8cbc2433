from trainshed.functions.serving import Causes
from trainshed.ledger import Cause

PRINCIPAL = "fn-a@p.iam.gserviceaccount.com"


def test_d4_equal_requests_of_redeliveries_get_equal_ordinals():
    causes = Causes()
    cause = Cause(key="s#1", kind="message")
    counted = []
    for _ in range(2):
        causes.serve(PRINCIPAL, cause)
        counted.append([causes.next_ordinal(PRINCIPAL, d) for d in ("x", "y", "x")])

    assert counted == [[0, 0, 1], [0, 0, 1]]
    assert causes.cause_of(PRINCIPAL) == cause


def test_strangers_and_the_gone_have_no_cause():
    causes = Causes()
    causes.serve(PRINCIPAL, Cause(key="s#1", kind="message"))
    causes.forget(PRINCIPAL)

    assert causes.cause_of(PRINCIPAL) is None
    assert causes.cause_of("user") is None
    assert causes.next_ordinal("user", "x") == 0
