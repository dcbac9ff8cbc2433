"""Browsers that carry the token in a cookie."""

import json

import pytest

from trainshed.api.reach import Reach
from trainshed.api.sessions import COOKIE, Sessions, authorization
from trainshed.errors import ResourceExhausted, Unauthenticated
from trainshed.settings import load


class Ticks:
    now = 0.0

    def __call__(self):
        return self.now


class Proving:
    """Knows one token, and gives each session one of its own."""

    def __init__(self):
        self.begun, self.ended = 0, []

    def begin(self, proof):
        if proof != "Bearer good.to.ken":
            raise Unauthenticated("no")
        self.begun += 1
        return f"session.{self.begun}"

    def end(self, proof):
        self.ended.append(proof)


def sessions(ticks=None, proving=None):
    return Sessions(proving or Proving(), needs_token=lambda: True, tick=ticks or Ticks())


def test_the_header_counts_before_the_cookie():
    cookie = f"a=b; {COOKIE}=x.y.z"

    assert authorization({"authorization": "Bearer h", "cookie": cookie}) == ("Bearer h", False)
    assert authorization({"cookie": cookie}) == ("Bearer x.y.z", True)
    assert authorization({"cookie": "other=1"}) == ("", False)
    assert authorization({"cookie": f"{COOKIE}="}) == ("", False)
    assert authorization({}) == ("", False)


def test_the_cookie_is_for_this_server_alone():
    made = sessions().enter(" good.to.ken\n", address="a", is_secure=True)

    assert made.startswith(f"{COOKIE}=session.1; Path=/; Max-Age=")
    assert made.endswith("HttpOnly; SameSite=Strict; Secure")
    assert "Secure" not in sessions().enter("good.to.ken", address="a", is_secure=False)
    assert "Max-Age=0" in sessions().leave({}, is_secure=False)


def test_signing_out_ends_the_session_of_the_cookie_alone():
    proving = Proving()
    found = sessions(proving=proving)

    found.leave({"cookie": f"{COOKIE}=session.1"}, is_secure=False)
    found.leave({"authorization": "Bearer good.to.ken", "cookie": f"{COOKIE}=session.2"}, is_secure=False)
    found.leave({}, is_secure=False)

    assert proving.ended == ["Bearer session.1"]


@pytest.fixture
def reach(tmp_path):
    return Reach(load({}, home=tmp_path, host="0.0.0.0", port=0))


def test_an_ended_session_opens_nothing_and_every_other_does(reach, tmp_path):
    token = f"Bearer {reach.key.access_token('user')}"
    first, second = (f"Bearer {reach.begin(token)}" for _ in range(2))
    for proof in (token, first, second):
        assert reach.identify(proof).principal == "user"

    reach.end(first)

    again = Reach(load({}, home=tmp_path, host="0.0.0.0", port=0))  # the server was started anew
    for server in (reach, again):
        with pytest.raises(Unauthenticated):
            server.identify(first)
        assert server.identify(first, may_be_anybody=True).principal == "nobody"
        assert [server.identify(proof).principal for proof in (token, second)] == ["user", "user"]


def test_a_session_is_over_with_the_token_that_it_began_with_and_begins_no_other(reach):
    token = reach.key.access_token("robot@p.iam.gserviceaccount.com", lifetime_seconds=90)
    session = reach.begin(f"Bearer {token}")

    claims = reach.key.read(session)
    assert (claims["sub"], claims["exp"]) == ("robot@p.iam.gserviceaccount.com", reach.key.read(token)["exp"])
    with pytest.raises(Unauthenticated, match="another session"):
        reach.begin(f"Bearer {session}")


def test_sessions_that_are_over_are_forgotten(reach, tmp_path):
    long, brief = (reach.key.access_token("user", lifetime_seconds=seconds) for seconds in (9000, 9))
    kept, gone = (reach.begin(f"Bearer {token}") for token in (long, brief))
    reach.end(f"Bearer {gone}")
    file = tmp_path / "ca" / "ended-sessions.json"
    ids = {reach.key.read(gone)["jti"]: 1.0}  # as it is, long after
    file.write_text(json.dumps(ids))

    later = Reach(load({}, home=tmp_path, host="0.0.0.0", port=0))
    later.end(f"Bearer {kept}")

    assert list(json.loads(file.read_text())) == [reach.key.read(kept)["jti"]]


def test_where_nobody_is_asked_no_session_begins(tmp_path):
    open_to_all = Reach(load({}, home=tmp_path, port=0))

    assert open_to_all.begin("Bearer whatever") == open_to_all.begin("") == ""


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

    class Slow(Proving):
        def begin(self, proof):
            judged.append(proof)
            with pytest.raises((Unauthenticated, ResourceExhausted)):  # while this one is judged, the next one comes
                found.enter("wrong", address="guesser", is_secure=False)
            raise Unauthenticated("no")

    found = sessions(proving=Slow())
    with pytest.raises(Unauthenticated):
        found.enter("wrong", address="guesser", is_secure=False)

    assert len(judged) == 5


def test_whoever_is_let_in_has_no_try_less():
    found = sessions()
    for _ in range(60):
        assert found.enter("good.to.ken", address="mine", is_secure=False)


def test_many_who_guess_together_wait_as_well_and_keep_nobody_out_who_has_the_token():
    found = sessions()
    for number in range(50):
        with pytest.raises(Unauthenticated):
            found.enter("wrong", address=str(number % 10), is_secure=False)

    assert found.enter("good.to.ken", address="honest", is_secure=False)
    with pytest.raises(Unauthenticated):
        found.enter("wrong", address="an eleventh", is_secure=False)
    with pytest.raises(ResourceExhausted):  # it had its one try
        found.enter("good.to.ken", address="an eleventh", is_secure=False)


def test_there_is_an_end_to_how_many_may_be_wrong_in_a_minute():
    ticks = Ticks()
    found = sessions(ticks)
    for number in range(1000):
        with pytest.raises(Unauthenticated):
            found.enter("wrong", address=str(number), is_secure=False)

    with pytest.raises(ResourceExhausted):
        found.enter("wrong", address="one more", is_secure=False)
    ticks.now = 61.0
    assert found.enter("good.to.ken", address="one more", is_secure=False)
