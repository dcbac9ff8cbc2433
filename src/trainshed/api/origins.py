"""Whether a browser's request comes from a page of this server: a page of somebody else must not start builds here. Pure.

Browsers say where a request comes from in `Origin` (with everything that writes), in `Sec-Fetch-Site` (with everything,
towards this machine and by TLS) and in `Referer`. One that says nothing of it is too old to be let write. Clients that
are no browsers say nothing either, and need not.
"""

from collections.abc import Mapping
from ipaddress import ip_address
from urllib.parse import urlsplit

from trainshed.api import caller
from trainshed.client import AGENT

SAFE = ("GET", "HEAD", "OPTIONS")
_OWN_SITES = ("same-origin", "none")  # none: somebody typed the address
_BROWSER = "mozilla/"  # every browser's User-Agent begins so; no page can change that of a form


def refusal(method: str, headers: Mapping[str, str], host: str, *, is_proven: bool, by_cookie: bool) -> str:
    """Answer the page that asks where it may not, in words; empty when the request may go on.

    `is_proven`: everybody needs a token here, so that the name under which the page was opened does not matter.
    `by_cookie`: the browser added the token by itself, whoever's page it is that asks.
    """
    if origin := headers.get("origin", ""):
        return "" if _is_own(origin, host, is_proven=is_proven) else f"A page of {origin}"
    site = headers.get("sec-fetch-site", "")
    if site in _OWN_SITES:
        return ""
    is_link = (
        method == "GET" and headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest") == "document"
    )
    if site:
        return "" if is_link else "A page of another site"
    if method in SAFE:
        return ""
    referer = headers.get("referer", "")
    if referer:
        return "" if _is_own(referer, host, is_proven=is_proven) else f"A page of {_site(referer)}"
    is_browser = headers.get("user-agent", "").lower().startswith(_BROWSER)
    return "A page that does not say whose it is" if is_browser or by_cookie else ""


def is_of_this_machine(host: str) -> bool:
    """Tell whether the host that a browser names is the machine that it runs on, which it trusts without TLS."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
        return name == "localhost" or name.endswith(".localhost") or ip_address(name).is_loopback
    except ValueError:
        return False


def over(headers: Mapping[str, str]) -> str:
    """Say over what a request that was let in came: a page of ours, the command line, or anything else."""
    if headers.get("user-agent") == AGENT:
        return caller.COMMANDS
    return caller.PAGES if "origin" in headers or "sec-fetch-site" in headers else caller.API


def _is_own(url: str, host: str, *, is_proven: bool) -> bool:
    """Tell whether a page was opened at this server, and under a name that only this machine can have.

    A foreign name can be made to resolve to the loopback address.
    """
    try:
        page = urlsplit(url)
        name = page.hostname
        port = page.port
    except ValueError:
        return False
    if name is None or not _is_same(page.netloc, page.scheme, port, host):
        return False
    if is_proven or name == "localhost":
        return True
    try:
        return ip_address(name).is_private
    except ValueError:
        return False


def _is_same(netloc: str, scheme: str, port: int | None, host: str) -> bool:
    """Compare as browsers do: the port that a scheme has by itself may be left out on either side."""
    usual = {"http": ":80", "https": ":443"}.get(scheme, "")
    mine = netloc.rpartition("@")[2].lower()
    return host.lower() in {mine, mine + usual if port is None else mine.removesuffix(usual)}


def _site(url: str) -> str:
    found = urlsplit(url)
    return f"{found.scheme}://{found.netloc}"
