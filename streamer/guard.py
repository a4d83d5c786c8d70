"""Decides who may see the daemon's pages."""

import base64
import binascii
import hmac
import ipaddress

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

PUBLIC_PATHS = frozenset({"/-/healthy", "/-/ready"})
LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})
SECURITY_HEADERS = (
    (
        b"content-security-policy",
        b"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
        b"base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
)


def is_loopback(host: str) -> bool:
    """Tell whether only this machine can reach a bind to this address. A name other than localhost may be anything."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Guard:
    """Lets through who has the token or, where there is none, who asks for this machine by a loopback name.

    A page elsewhere may point its own name at 127.0.0.1 and have a browser here read the answers (DNS rebinding): such
    a request carries that name as its host and gets a 421. The token comes as a Bearer, or as the password of Basic,
    for which browsers ask. The two health paths are open to everybody.
    """

    def __init__(self, app: ASGIApp, token: str | None) -> None:
        self._app = app
        self._token = token.encode() if token is not None else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a refusal, or pass the request on; what goes out has the security headers either way."""

        async def send_secured(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *SECURITY_HEADERS]
            await send(message)

        refusal = self._refusal(scope)
        await (refusal or self._app)(scope, receive, send_secured)

    def _refusal(self, scope: Scope) -> PlainTextResponse | None:
        headers = Headers(scope=scope)
        if scope["path"] in PUBLIC_PATHS:
            return None
        if self._token is None:
            host = headers.get("host", "")
            if _without_port(host) in LOOPBACK_NAMES:
                return None
            return PlainTextResponse(f"Host: expected a loopback name, got {host!r}\n", 421)
        if hmac.compare_digest(_credential(headers.get("authorization", "")), self._token):
            return None
        return PlainTextResponse(
            "Authorization: expected the token\n", 401, {"WWW-Authenticate": 'Basic realm="streamer"'}
        )


def _without_port(host: str) -> str:
    name, colon, port = host.rpartition(":")
    return (name if colon and port.isdecimal() else host).lower()


def _credential(authorization: str) -> bytes:
    """Read the token out of the header; nothing where there is none."""
    scheme, _, credential = authorization.partition(" ")
    if scheme.lower() == "bearer":
        return credential.strip().encode()
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(credential, validate=True).partition(b":")[2]
        except binascii.Error:
            return b""
    return b""
