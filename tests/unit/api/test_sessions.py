"""Browsers that carry the token in a cookie."""

import pytest

from trainshed.api.caller import Caller
from trainshed.api.sessions import COOKIE, Sessions, authorization
from trainshed.errors import ResourceExhausted, Unauthenticated


class Ticks:
    now = 0.0

    def __call__(self):
        return self.now


def identify(proof):
    if proof != "Bearer good.to.ken":
        raise Unauthenticated("no")
    return Caller(principal="user")


def sessions(ticks=None):
    return Sessions(identify, needs_token=lambda: True, tick=ticks or Ticks())


def test_the_header_counts_before_the_cookie():
    cookie = f"a=b; {COOKIE}=x.y.z"

    assert authorization({"authorization": "Bearer h", "cookie": cookie}) == ("Bearer h", False)
    assert authorization({"cookie": cookie}) == ("Bearer x.y.z", True)
    assert authorization({"cookie": "other=1"}) == ("", False)
    assert authorization({"cookie": f"{COOKIE}="}) == ("", False)
    assert authorization({}) == ("", False)


def test_the_cookie_is_for_this_server_alone():
    made = sessions().enter(" good.to.ken\n", address="a", is_secure=True)

    assert made.startswith(f"{COOKIE}=good.to.ken; Path=/; Max-Age=")
    assert made.endswith("HttpOnly; SameSite=Strict; Secure")
    assert "Secure" not in sessions().enter("good.to.ken", address="a", is_secure=False)
    assert "Max-Age=0" in sessions().leave(is_secure=False)


@pytest.mark.parametrize("token", ["", "wrong", "good.to.ken; Domain=evil", "good.to.ken\r\nSet-Cookie: a=b", "gööd"])
def test_what_is_no_token_lets_nobody_in(token):
    with pytest.raises(Unauthenticated):
        sessions().enter(token, address="a", is_secure=False)


def test_whoever_guesses_has_to_wait_and_others_need_not():
    ticks = Ticks()
    found = sessions(ticks)
    for _ in range(5):
        with pytest.raises(Unauthenticated):
            found.enter("wrong", address="guesser", is_secure=False)

    with pytest.raises(ResourceExhausted):
        found.enter("good.to.ken", address="guesser", is_secure=False)
    assert found.enter("good.to.ken", address="other", is_secure=False)
    ticks.now = 61.0
    assert found.enter("good.to.ken", address="guesser", is_secure=False)


@pytest.mark.parametrize("addresses", ["127.0.0.{}", "2001:db8::{:x}", "::ffff:127.0.0.{}"])
def test_whoever_has_many_addresses_is_one_who_guesses(addresses):
    found = sessions()
    for number in range(1, 61):
        with pytest.raises((Unauthenticated, ResourceExhausted)):
            found.enter("wrong", address=addresses.format(number), is_secure=False)

    with pytest.raises(ResourceExhausted):
        found.enter("good.to.ken", address=addresses.format(99), is_secure=False)
    assert found.enter("good.to.ken", address="192.0.2.1", is_secure=False)


def test_tries_at_the_same_time_are_counted_before_they_are_judged():
    judged = []

    def wait(proof):
        judged.append(proof)
        with pytest.raises((Unauthenticated, ResourceExhausted)):  # while this one is judged, the next one comes
            found.enter("wrong", address="guesser", is_secure=False)
        raise Unauthenticated("no")

    found = Sessions(wait, needs_token=lambda: True, tick=Ticks())
    with pytest.raises(Unauthenticated):
        found.enter("wrong", address="guesser", is_secure=False)

    assert len(judged) == 5


def test_whoever_is_let_in_has_no_try_less():
    found = sessions()
    for _ in range(60):
        assert found.enter("good.to.ken", address="mine", is_secure=False)


def test_many_who_guess_together_wait_as_well():
    found = sessions()
    for number in range(50):
        with pytest.raises(Unauthenticated):
            found.enter("wrong", address=str(number), is_secure=False)

    with pytest.raises(ResourceExhausted):
        found.enter("good.to.ken", address="yet another", is_secure=False)
