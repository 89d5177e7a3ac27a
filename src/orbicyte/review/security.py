"""Access control of the review server, which any page in a browser can try to reach.

- The Host header must be a name of this server, against DNS rebinding (another site's name that resolves to it).
- A request that changes something needs our own header, JSON, and no other site as its Origin: a form of another site
  cannot send these. Its length must be stated, and is limited.
- Where a token is set, every request needs it, so that other accounts of the machine and other machines cannot decide:
  first in the address, then in a cookie that scripts cannot read and that browsers do not send with requests of other
  sites. The page that sets the cookie opens the address without the token. (A redirect would not do: after a link on
  another site, browsers would not send the cookie with it.)
- Every answer has the security headers, also that to a request on which the server failed.
"""

import ipaddress
import logging
import re
import secrets
import socket
from collections.abc import Mapping
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from orbicyte.errors import OrbicyteError

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
BODY_BYTES = 1 << 24

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
ENTRANCE = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><title>orbicyte review</title>'
    '<meta http-equiv="refresh" content="0; url=/"><p><a href="/">Open the review</a></html>\n'
)
COOKIE = "orbicyte-"
CLOSE = {"Connection": "close"}


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches ``host``."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def check_token(host: str, token: str | None) -> None:
    """Raise ``OrbicyteError`` for a weak token, and for no token if other machines can reach ``host``."""
    if token is None and not is_loopback(host):
        raise OrbicyteError(f"other machines can reach {host}: give a --token")
    if token is not None and not re.fullmatch("[A-Za-z0-9_-]{16,}", token):
        raise OrbicyteError("--token: expected at least 16 letters, digits, hyphens or underscores; or omit it")


class Guard:
    """The middleware. ``host``: the address the server listens at; ``token``: None for no access control.

    ``once``: a second token that is valid once, for the browser that is opened: other accounts can read the arguments
    of programs. Raises ``OrbicyteError`` as ``check_token`` does.
    """

    def __init__(self, app: ASGIApp, host: str, token: str | None, once: str | None = None) -> None:
        check_token(host, token)
        self.app = app
        self.host = host
        self.token = token
        self.once = once

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse or pass on a request, and add the security headers to every answer."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        host = _hostname(headers.get("host", ""))
        refused = self._host(host)
        in_address = not refused and self._is_in_address(scope)
        refused = refused or self._token(headers, in_address) or _writing(scope, headers) or _body(scope, headers)
        started = False

        async def guarded(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                answered = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    answered[name] = value
                if in_address:
                    cookie = f"{_cookie_name(headers)}={self.token}; Path=/; HttpOnly; SameSite=Strict"
                    answered.append("Set-Cookie", cookie)
            await send(message)

        if in_address and not refused and scope["path"] == "/":
            refused = HTMLResponse(ENTRANCE, headers={"Cache-Control": "no-store"})
        try:
            await (refused or self.app)(scope, receive, guarded)
        except ClientDisconnect:
            return
        except Exception:
            if started:
                raise
            logging.getLogger("uvicorn.error").exception("the review server failed on a request")
            await _problem("the server failed on this request: see where 'orbicyte review' runs", 500)(
                scope, receive, guarded
            )

    def _host(self, name: str | None) -> Response | None:
        if name is None or not (name in LOOPBACK or name == self.host.lower() or self._reachable(name)):
            return PlainTextResponse("this is not the address of this review\n", 403)
        return None

    def _reachable(self, name: str) -> bool:
        """Whether ``name`` is this machine's name or an IP address, which needs no DNS; only with a token."""
        if self.token is None or is_loopback(self.host):
            return False
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return name in {socket.gethostname().lower(), socket.getfqdn().lower()}
        return True

    def _is_in_address(self, scope: Scope) -> bool:
        given = _query(scope).get("token", "")
        if self.token is None or not given:
            return False
        if self.once is not None and scope["method"] == "GET" and _same(given, self.once):
            self.once = None
            return True
        return _same(given, self.token)

    def _token(self, headers: Headers, in_address: bool) -> Response | None:
        if self.token is None or in_address:
            return None
        if any(_same(value, self.token) for value in _cookies(headers)):
            return None
        return PlainTextResponse("open the address with ?token=... that 'orbicyte review' printed\n", 401)


def _body(scope: Scope, headers: Headers) -> Response | None:
    """Refuse a body whose length is not known, is too large, or which is not expected; close the connection then."""
    length = headers.get("content-length", "")
    reads = scope["method"] in ("GET", "HEAD")
    known = "transfer-encoding" not in headers and (re.fullmatch("[0-9]{1,12}", length) or (reads and not length))
    if not known or int(length or 0) > (0 if reads else BODY_BYTES):
        return _problem(f"expected a stated length of at most {BODY_BYTES >> 20} MiB at once", 400, CLOSE)
    return None


def _writing(scope: Scope, headers: Headers) -> Response | None:
    if scope["method"] in ("GET", "HEAD"):
        return None
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    origin = headers.get("origin")
    if headers.get("x-orbicyte") != "1" or kind != "application/json":
        return _problem("only the review page itself may change something", 403)
    if origin is not None and _place(origin) != headers.get("host", "").lower():
        return _problem("a page of another site may not change anything", 403)
    return None


def _problem(problem: str, status: int, headers: Mapping[str, str] | None = None) -> Response:
    return JSONResponse({"problem": problem}, status, headers)


def _hostname(header: str) -> str | None:
    try:
        return urlsplit(f"//{header}").hostname
    except ValueError:
        return None


def _place(origin: str) -> str | None:
    """Host and port of an Origin; None if it is malformed."""
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return None


def _query(scope: Scope) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(scope["query_string"].decode("latin-1")).items()}


def _cookie_name(headers: Headers) -> str:
    """Contains the port, as the browser knows it: servers at different ports of a host share its cookies."""
    port = re.search(r":([0-9]+)$", headers.get("host", ""))
    return COOKIE + (port[1] if port else "review")


def _cookies(headers: Headers) -> list[str]:
    """The values of all cookies of reviews. Those of other programs may have any form, and are passed over."""
    pairs = (cookie.partition("=") for line in headers.getlist("cookie") for cookie in line.split(";"))
    return [value.strip() for name, _, value in pairs if name.strip().startswith(COOKIE)]


def _same(given: str, token: str) -> bool:
    return secrets.compare_digest(given.encode(), token.encode())
