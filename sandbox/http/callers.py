"""Whom the sandbox answers: programs on this machine and its own pages, not what a foreign page makes a browser send."""

import ipaddress
from urllib.parse import urlsplit

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

_UNBOUND = ("0.0.0.0", "::")  # noqa: S104  # compared, not bound


class OwnCallersOnly:
    """
    Refuses a foreign Host, which a name that was pointed at this machine leaves behind, and a foreign Origin.

    Own are `localhost`, addresses of the loopback and `host`, the address the server listens on. If it listens
    everywhere, it is in a network that its starter chose: there a Host may be any address or any name without a point,
    such as a service of Docker's; names of the Internet have one. An Origin is own if it is the Host asked for.
    """

    def __init__(self, app: ASGIApp, host: str) -> None:
        self._app = app
        self._host = host

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or (problem := self._problem(scope)) is None:
            await self._app(scope, receive, send)
        else:
            await PlainTextResponse(f"The sandbox refuses this request: {problem}\n", 403)(scope, receive, send)

    def _problem(self, scope: Scope) -> str | None:
        hosts = [value.decode("latin-1") for name, value in scope["headers"] if name == b"host"]
        origins = [value.decode("latin-1") for name, value in scope["headers"] if name == b"origin"]
        if len(hosts) != 1 or not self._is_own(_hostname(f"//{hosts[0]}")):
            return (
                f"its Host is not the sandbox's; ask http://127.0.0.1 or the address that --host names ({self._host})."
            )
        if any(origin.lower() != f"http://{hosts[0]}".lower() for origin in origins):
            return "it comes from a page elsewhere (Origin); the sandbox answers programs and its own pages."
        return None

    def _is_own(self, name: str | None) -> bool:
        if name is None:
            return False
        if name in ("localhost", self._host.lower()):
            return True
        everywhere = self._host in _UNBOUND
        try:
            return ipaddress.ip_address(name).is_loopback or everywhere
        except ValueError:
            return everywhere and "." not in name


def _hostname(address: str) -> str | None:
    try:
        return urlsplit(address).hostname
    except ValueError:
        return None
