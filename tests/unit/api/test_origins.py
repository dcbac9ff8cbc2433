"""Whose pages may ask: every way in which browsers say where a request comes from."""

import pytest

from trainshed.api import caller, origins

_HOST = "127.0.0.1:8484"


def refused(method="POST", host=_HOST, *, is_proven=False, by_cookie=False, **headers):
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return bool(origins.refusal(method, given, host, is_proven=is_proven, by_cookie=by_cookie))


@pytest.mark.parametrize(
    ("origin", "host", "is_proven", "expected"),
    [
        ("http://127.0.0.1:8484", _HOST, False, False),
        ("http://localhost:8484", "localhost:8484", False, False),
        ("http://[::1]:8484", "[::1]:8484", False, False),
        ("http://localhost:3000", "localhost:8484", False, True),
        ("null", _HOST, False, True),
        ("http://evil.example:8484", "evil.example:8484", False, True),  # made to resolve to this machine
        ("https://train.example.org", "train.example.org", True, False),  # beyond it, where a token proves
        ("https://train.example.org", "train.example.org:443", True, False),
        ("https://train.example.org:443", "train.example.org", True, False),
        ("http://train.example.org:8484", "TRAIN.example.org:8484", True, False),
        ("https://evil.example", "train.example.org", True, True),
        ("http://[broken", _HOST, False, True),
        ("http://127.0.0.1:99999", _HOST, False, True),
    ],
)
def test_an_origin_has_to_be_the_server_itself(origin, host, is_proven, expected):
    assert refused(host=host, is_proven=is_proven, origin=origin) is expected


@pytest.mark.parametrize(
    ("method", "headers", "expected"),
    [
        ("POST", {"sec_fetch_site": "cross-site"}, True),
        ("POST", {"sec_fetch_site": "same-site"}, True),  # another port of this machine
        ("POST", {"sec_fetch_site": "same-origin"}, False),
        ("GET", {"sec_fetch_site": "cross-site", "sec_fetch_mode": "no-cors", "sec_fetch_dest": "image"}, True),
        ("GET", {"sec_fetch_site": "cross-site", "sec_fetch_mode": "navigate", "sec_fetch_dest": "iframe"}, True),
        ("GET", {"sec_fetch_site": "cross-site", "sec_fetch_mode": "navigate", "sec_fetch_dest": "document"}, False),
        ("POST", {"sec_fetch_site": "cross-site", "sec_fetch_mode": "navigate", "sec_fetch_dest": "document"}, True),
        ("GET", {"sec_fetch_site": "none", "sec_fetch_mode": "navigate"}, False),
        ("POST", {"referer": "http://evil.example/form", "user_agent": "Mozilla/4.0"}, True),
        ("POST", {"referer": "http://127.0.0.1:8484/runs", "user_agent": "Mozilla/4.0"}, False),
        ("POST", {"user_agent": "Mozilla/4.0"}, True),  # a form of text/plain in a browser that says nothing
        ("GET", {"user_agent": "Mozilla/4.0"}, False),
        ("POST", {"user_agent": "curl/8.0"}, False),
        ("POST", {}, False),
    ],
)
def test_where_no_origin_is_named_the_other_signs_count(method, headers, expected):
    assert refused(method, **headers) is expected


def test_a_cookie_alone_lets_nobody_write_who_does_not_say_where_from():
    assert refused("POST", is_proven=True, by_cookie=True)
    assert not refused("GET", is_proven=True, by_cookie=True)
    assert not refused("POST", is_proven=True, by_cookie=True, sec_fetch_site="same-origin")


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1:8484", True),
        ("127.8.0.1", True),
        ("[::1]:8484", True),
        ("localhost:8484", True),
        ("shed.localhost", True),
        ("192.168.1.5:8484", False),
        ("train.example.org", False),
        ("localhost.example.org", False),
        ("[broken", False),
        ("", False),
    ],
)
def test_a_browser_trusts_the_machine_that_it_runs_on(host, expected):
    assert origins.is_of_this_machine(host) is expected


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"user-agent": "trainshed"}, "the command line"),
        ({"user-agent": "Mozilla/5.0 (X11)", "origin": "http://127.0.0.1:8484"}, "the dashboard"),
        ({"user-agent": "Mozilla/5.0 (X11)", "sec-fetch-site": "same-origin"}, "the dashboard"),
        ({"user-agent": "google-api-nodejs-client/9.0"}, "the API"),
        ({}, "the API"),
    ],
)
def test_it_is_known_over_what_a_request_came(headers, expected):
    assert origins.over(headers) == expected


def test_who_asks_is_named_unless_it_is_whoever_sits_here():
    assert caller.Caller(principal=caller.USER, over=caller.PAGES).said == "the dashboard"
    account = "build-1@local-project.iam.gserviceaccount.com"
    assert caller.Caller(principal=account, over=caller.COMMANDS).said == f"{account} over the command line"
