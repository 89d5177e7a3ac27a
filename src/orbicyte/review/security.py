"""Access control of the review server, which any page in a browser can try to reach.

- The Host header must be a name of this server, against DNS rebinding (another site's name that resolves to it).
- A request that changes something needs our own header, JSON, and no other site as its Origin: a form of another site
  cannot send these.
- Where a token is set, every request needs it: first in the address, then in a cookie that scripts cannot read and that
  browsers do not send with requests of other sites.
"""

import hashlib
import ipaddress
import re
import secrets
import socket
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse, PlainTextResponse, Response
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

    Raises ``OrbicyteError`` as ``check_token`` does.
    """

    def __init__(self, app: ASGIApp, host: str, token: str | None) -> None:
        check_token(host, token)
        self.app = app
        self.host = host
        self.token = token
        self.cookie = "orbicyte-" + hashlib.sha256((token or "").encode()).hexdigest()[:8]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse or pass on a request, and add the security headers to every answer."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        in_address = self.token and _same(_query(scope).get("token", ""), self.token)

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                answered = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    answered[name] = value
                if in_address:
                    answered.append("Set-Cookie", f"{self.cookie}={self.token}; Path=/; HttpOnly; SameSite=Strict")
            await send(message)

        refused = self._host(headers) or self._token(headers, bool(in_address)) or _writing(scope, headers)
        await (refused or self.app)(scope, receive, guarded)

    def _host(self, headers: Headers) -> Response | None:
        name = _hostname(headers.get("host", ""))
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

    def _token(self, headers: Headers, in_address: bool) -> Response | None:
        if self.token is None or in_address or _same(_cookies(headers).get(self.cookie, ""), self.token):
            return None
        return PlainTextResponse("open the address with ?token=... that 'orbicyte review' printed\n", 401)


def _writing(scope: Scope, headers: Headers) -> Response | None:
    if scope["method"] in ("GET", "HEAD"):
        return None
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    origin = headers.get("origin")
    if headers.get("x-orbicyte") != "1" or kind != "application/json":
        return _problem("only the review page itself may change something", 403)
    if origin is not None and urlsplit(origin).netloc.lower() != headers.get("host", "").lower():
        return _problem("a page of another site may not change anything", 403)
    length = headers.get("content-length", "")
    if not length.isdecimal() or int(length) > BODY_BYTES:
        return _problem(f"expected at most {BODY_BYTES >> 20} MiB at once", 400)
    return None


def _problem(problem: str, status: int) -> Response:
    return JSONResponse({"problem": problem}, status)


def _hostname(header: str) -> str | None:
    try:
        return urlsplit(f"//{header}").hostname
    except ValueError:
        return None


def _query(scope: Scope) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(scope["query_string"].decode("latin-1")).items()}


def _cookies(headers: Headers) -> dict[str, str]:
    cookies: SimpleCookie = SimpleCookie()
    try:
        cookies.load(headers.get("cookie", ""))
    except CookieError:
        return {}
    return {name: morsel.value for name, morsel in cookies.items()}


def _same(given: str, token: str) -> bool:
    return secrets.compare_digest(given.encode(), token.encode())
