"""Who may use the served interface: a trace tells what ran on a machine, and a browser runs other people's pages."""

from __future__ import annotations

import re
from hmac import compare_digest
from ipaddress import ip_address
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

_LOOPBACK_NAME: Final = "localhost"
_HOST: Final = re.compile(r"(?:\[([^\[\]]*)\]|([^\[\]:/?#@\\]*))(?::\d*)?")
"""Of RFC 9110: a name, or an address of version 6 in brackets, and a port."""
_REFUSED: Final = "refused: open the address that 'poolscope serve' printed, in this browser\n"
_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    # textual-serve's page has scripts and styles of its own, and would fetch a font from elsewhere
    "Content-Security-Policy": "default-src 'self'; script-src 'self' 'unsafe-inline'; "
    "style-src 'self' 'unsafe-inline'; connect-src 'self' ws: wss:; font-src 'self' data:; img-src 'self' data:",
}


class Guard:
    """Lets a request through or answers it with 403; the middleware of the served application.

    ``token``: what a visitor must bring once, as ``?token=`` of the page; a cookie carries it from there to the page's
    files and its websocket. Empty: none is asked for, which is right on loopback only. Even there, a page from
    elsewhere must not reach the interface through this machine's browser: neither by a websocket of its own (the
    ``Origin`` is checked) nor under a name of its own that resolves to loopback (the ``Host`` is checked).
    """

    def __init__(self, host: str, port: int, token: str) -> None:
        self._token = token.encode()
        self._cookie = f"poolscope-{port}"
        self._on_loopback = is_loopback(host)

    @property
    def middleware(self) -> Middleware:
        """For :class:`aiohttp.web.Application`."""

        @web.middleware
        async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
            if not self._comes_from_here(request):
                raise web.HTTPForbidden(text=_REFUSED)
            if not self._token or self._is_token(request.cookies.get(self._cookie, "")):
                return await handler(request)
            if self._is_token(request.query.get("token", "")):
                return self._welcome()
            raise web.HTTPForbidden(text=_REFUSED)

        return guarded

    def _is_token(self, said: str) -> bool:
        return compare_digest(said.encode("utf-8", "surrogatepass"), self._token)

    def _welcome(self) -> web.Response:
        """Keep the token as a cookie, and out of the address line."""
        response = web.Response(status=web.HTTPSeeOther.status_code, headers={"Location": "/"})
        response.set_cookie(self._cookie, self._token.decode(), httponly=True, samesite="Lax")
        return response

    def _comes_from_here(self, request: web.Request) -> bool:
        origin, host = request.headers.get("Origin"), request.host or ""  # none where the request's target lacks it
        if origin is not None and (not host or origin.partition("://")[2] != host):
            return False
        return not self._on_loopback or is_loopback(_hostname(host))


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches that address or name."""
    try:
        return ip_address(host).is_loopback
    except ValueError:  # a name
        return host.lower() == _LOOPBACK_NAME


async def keep_private(_request: web.Request, response: web.StreamResponse) -> None:
    """Nothing of the interface is kept by caches, told to other sites or shown inside their pages."""
    response.headers.update(_HEADERS)


def _hostname(host: str) -> str:
    """Of a ``Host`` header, without the port; empty for what is none."""
    found = _HOST.fullmatch(host)
    return (found[1] or found[2] or "") if found else ""
