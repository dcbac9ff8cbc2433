"""Which connection a request goes over."""

import http.client

import pytest

from trainshed.errors import InvalidArgument
from trainshed.targets import wire


@pytest.fixture
def opened(monkeypatch):
    """Note connections instead of making them."""
    seen = []

    def request(self, verb, target, body=None, headers=None):
        proxied = {k: v for k, v in (self._tunnel_headers or {}).items() if k.startswith("Proxy")}
        seen.append((type(self).__name__, self.host, self.port, self._tunnel_host, proxied, target))

    monkeypatch.setattr(http.client.HTTPConnection, "request", request)
    monkeypatch.setattr(http.client.HTTPConnection, "getresponse", lambda self: None)
    for name in ("https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY", "no_proxy", "NO_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)

    def send(url):
        wire.exchange("GET", url, {})
        return seen[-1]

    return send


def test_google_is_reached_by_tls(opened):
    assert opened("https://pubsub.googleapis.com/v1/x?a=b")[:3] == ("HTTPSConnection", "pubsub.googleapis.com", 443)


def test_a_proxy_is_asked_for_a_tunnel_with_its_own_credentials_alone(opened, monkeypatch):
    monkeypatch.setenv("https_proxy", "http://me:se%40cret@proxy.example:3128")

    kind, host, port, through, headers, target = opened("https://pubsub.googleapis.com/v1/x?a=b")

    assert (kind, host, port, through, target) == (
        "HTTPSConnection",
        "proxy.example",
        3128,
        "pubsub.googleapis.com",
        "/v1/x?a=b",
    )
    assert headers == {"Proxy-Authorization": "Basic bWU6c2VAY3JldA=="}
    monkeypatch.setenv("no_proxy", ".googleapis.com")
    assert opened("https://pubsub.googleapis.com/")[1] == "pubsub.googleapis.com"


def test_plain_http_is_never_sent_through_a_proxy(opened, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://proxy.example:3128")

    assert opened("http://127.0.0.1:8080/x")[:3] == ("HTTPConnection", "127.0.0.1", 8080)
    assert opened("http://169.254.169.254/x")[1] == "169.254.169.254"


def test_an_address_that_is_no_proxy_is_named(opened, monkeypatch):
    monkeypatch.setenv("https_proxy", "http://")

    with pytest.raises(InvalidArgument, match="https_proxy"):
        opened("https://pubsub.googleapis.com/")
