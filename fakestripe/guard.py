"""Who may use what has no key: the test controls and the dashboard, for people and programs of this machine only."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from flask import Request


def is_from_here(request: Request) -> bool:
    """Called from this machine, and by a name of this machine.

    The second half keeps out what comes through a tunnel, and web sites whose name was pointed at 127.0.0.1.
    """
    return _is_loopback(request.remote_addr or "") and _is_loopback(_host(request))


def is_from_another_site(request: Request) -> bool:
    """Whether a browser says that a page of somebody else sends this.

    No page can make up the first header. The second is `null` for pages that tell nobody where one comes from, as the
    hosted ones do, so it counts only where a browser does not know the first.
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site not in ("same-origin", "none")
    return request.headers.get("Origin") not in (None, request.host_url.rstrip("/"))


def is_from_own_page(request: Request) -> bool:
    """Whether a browser says that a page of ours sends this; silence is not enough."""
    told = "Origin" in request.headers or "Sec-Fetch-Site" in request.headers
    return told and not is_from_another_site(request)


def _host(request: Request) -> str:
    try:
        return urlsplit(f"//{request.host}").hostname or ""
    except ValueError:
        return ""


def _is_loopback(name: str) -> bool:
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
