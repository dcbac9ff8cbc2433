"""One HTTP exchange with a server outside: TLS with verified certificates, through a proxy where the environment has one."""

import base64
import http.client
import ssl
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from trainshed.errors import InvalidArgument


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """An answer that is still to be read, and the connection that it comes over."""

    connection: http.client.HTTPConnection
    response: http.client.HTTPResponse


def exchange(
    verb: str, url: str, headers: Mapping[str, str], body: Any = None, *, timeout_seconds: float | None = None
) -> Exchange:
    """Send a request and answer with its response. Raises OSError and http.client.HTTPException."""
    parts = urlsplit(url)
    assert parts.hostname, url
    connection = _connection(parts.scheme, parts.hostname, parts.port, timeout_seconds)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        connection.request(verb, target, body=body, headers=dict(headers))
        return Exchange(connection=connection, response=connection.getresponse())
    except BaseException:
        connection.close()
        raise


def _connection(scheme: str, host: str, port: int | None, timeout_seconds: float | None) -> http.client.HTTPConnection:
    proxy = "" if urllib.request.proxy_bypass(host) else urllib.request.getproxies().get(scheme, "")
    if scheme != "https":  # the metadata server, and what an override puts on this machine: never meant for a proxy
        return http.client.HTTPConnection(host, port, timeout=timeout_seconds)
    if not proxy:
        return http.client.HTTPSConnection(host, port, timeout=timeout_seconds, context=_trusted())
    at = urlsplit(proxy if "//" in proxy else f"//{proxy}")
    if not at.hostname:
        raise InvalidArgument.field("https_proxy", "is not the address of a proxy, such as http://proxy.example:3128")
    tunnelled = http.client.HTTPSConnection(at.hostname, at.port or 3128, timeout=timeout_seconds, context=_trusted())
    tunnelled.set_tunnel(host, port or 443, headers=_proxy_headers(at))
    return tunnelled


def _proxy_headers(proxy: SplitResult) -> dict[str, str]:
    """Answer what a proxy is told of who asks, where its address says that."""
    if not proxy.username:
        return {}
    who = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
    return {"Proxy-Authorization": f"Basic {base64.b64encode(who.encode()).decode()}"}


@cache
def _trusted() -> ssl.SSLContext:
    """Trust what the machine trusts; SSL_CERT_FILE is honoured, as everywhere in Python."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
