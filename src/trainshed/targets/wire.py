"""One HTTP exchange with a server outside: TLS with verified certificates, through a proxy where the environment has one."""

import http.client
import ssl
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import urlsplit


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
    connection, prefix = _connection(parts.scheme, parts.hostname, parts.port, timeout_seconds)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        connection.request(verb, prefix + target, body=body, headers=dict(headers))
        return Exchange(connection=connection, response=connection.getresponse())
    except BaseException:
        connection.close()
        raise


def _connection(
    scheme: str, host: str, port: int | None, timeout_seconds: float | None
) -> tuple[http.client.HTTPConnection, str]:
    """Answer a connection, and what a request line begins with: a proxy is told the whole address of plain HTTP."""
    proxy = "" if urllib.request.proxy_bypass(host) else urllib.request.getproxies().get(scheme, "")
    if not proxy:
        if scheme == "https":
            return http.client.HTTPSConnection(host, port, timeout=timeout_seconds, context=_trusted()), ""
        return http.client.HTTPConnection(host, port, timeout=timeout_seconds), ""
    at = urlsplit(proxy if "//" in proxy else f"//{proxy}")
    assert at.hostname, "the proxy has no host"
    if scheme != "https":
        made = http.client.HTTPConnection(at.hostname, at.port or 80, timeout=timeout_seconds)
        return made, f"{scheme}://{host}" + (f":{port}" if port else "")
    tunnelled = http.client.HTTPSConnection(at.hostname, at.port or 3128, timeout=timeout_seconds, context=_trusted())
    tunnelled.set_tunnel(host, port or 443)
    return tunnelled, ""


@cache
def _trusted() -> ssl.SSLContext:
    """Trust what the machine trusts; SSL_CERT_FILE is honoured, as everywhere in Python."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
