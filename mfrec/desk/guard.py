"""Who may ask: this computer's own browser page, and nobody who only got it to send something.

* **Host.** A request that does not name the desk's own address is refused: a foreign name that resolves to this
  computer (DNS rebinding) does not reach it.
* **Origin.** A browser says which page sends a request. Another one is refused, and one that changes something must
  say it.
* **Key.** The address that the desk prints carries a random token, which is exchanged for a cookie that is sent by the
  desk's own pages alone (``SameSite=Strict``, ``HttpOnly``). Beyond this computer a password takes its place.
* **Invitation.** The link of somebody who is invited to a survey carries a token of its own, see
  :mod:`mfrec.desk.invitations`: addresses under it, and the files that its page is made of, need no key.
* **Content.** A policy lets the page load nothing from elsewhere; a report runs in a sandbox of its own.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass, field

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mfrec.desk.words import word

PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; "
    "frame-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)

REPORT_POLICY = (
    "sandbox allow-scripts; default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
"""A report may have come with a case from elsewhere: whatever its script does, it has no origin and reaches nothing."""

COMMON = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}

SAFE = ("GET", "HEAD")

INVITED = "/invited/"
"""Begins the addresses that a token of their own opens."""

PAGE_OF_INVITED = frozenset(
    {
        "/words.json", "/page/icon.svg", "/page/desk.css", "/page/answer.js", "/page/api.js", "/page/dom.js",
        "/page/words.js",
    }
)  # fmt: skip
"""What the page behind such a link is made of: the same in every desk, and nothing of a case."""


@dataclass(eq=False)
class Keys:
    """What opens the desk: a token in the address, and the cookies of those who have shown it or the password.

    Attributes:
        hosts: what requests may name as ``Host``.
        scheme: ``"http"`` or ``"https"``.
        token: part of the address; empty where a password is asked for.
        cookie: name of the cookie, one a port, as browsers do not tell ports apart.
    """

    hosts: frozenset[str]
    scheme: str
    token: str
    cookie: str
    _sessions: set[str] = field(default_factory=set)

    def admit(self, response: Response) -> Response:
        """Let whoever gets this response in from now on."""
        session = secrets.token_urlsafe(32)
        self._sessions.add(session)
        response.set_cookie(
            self.cookie, session, httponly=True, samesite="strict", secure=self.scheme == "https", path="/"
        )
        return response

    def knows(self, session: str) -> bool:
        """Whether a cookie's value is one that was given out."""
        return any(hmac.compare_digest(session.encode(), known.encode()) for known in self._sessions)

    def opens(self, token: str) -> bool:
        """Whether a token is that of the address."""
        return bool(self.token) and hmac.compare_digest(token.encode(), self.token.encode())


class Guard:
    """Refuses the requests of others before anything of the desk sees them.

    Args:
        app: the desk.
        keys: that open it.
        open_paths: what may be asked for without a key: the page for the password.
    """

    def __init__(self, app: ASGIApp, keys: Keys, open_paths: frozenset[str] = frozenset()) -> None:
        self.app = app
        self.keys = keys
        self.open_paths = open_paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":
            return
        answer = self._answer(scope)
        if answer is None:
            await self.app(scope, receive, _with_headers(send))
        else:
            await answer(scope, receive, _with_headers(send))

    def _answer(self, scope: Scope) -> Response | None:
        """What is said instead of the desk's answer; None where the request may pass."""
        headers, keys = Headers(scope=scope), self.keys
        if headers.get("host", "") not in keys.hosts or len(headers.getlist("host")) != 1:
            return _refused("refused.host", 421)
        origin, changing = headers.get("origin"), scope["method"] not in SAFE
        own = {f"{keys.scheme}://{host}" for host in keys.hosts}
        if (origin is not None or changing) and origin not in own:
            return _refused("refused.origin", 403)
        connection = HTTPConnection(scope)
        token = connection.query_params.get("token")
        if token is not None and scope["method"] == "GET" and keys.opens(token):
            return keys.admit(RedirectResponse("/", 303))
        path = scope["path"]
        # The link itself is followed from a message or another page; what it opens, its own page alone asks for.
        link = path.startswith(INVITED) and path.count("/") == 2 and not changing
        if not link and headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            return _refused("refused.origin", 403)
        if path.startswith(INVITED) or (path in PAGE_OF_INVITED and not changing):
            return None
        if path in self.open_paths or keys.knows(connection.cookies.get(keys.cookie, "")):
            return None
        return RedirectResponse("/login", 303) if self.open_paths else _refused("refused.key", 401)


def _refused(key: str, status: int) -> Response:
    return JSONResponse({"error": word(key), "key": key}, status)


def _with_headers(send: Send) -> Send:
    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in COMMON.items():
                headers[name] = value
            headers.setdefault("Content-Security-Policy", PAGE_POLICY)
            headers.setdefault("Cache-Control", "no-store")
        await send(message)

    return sent
