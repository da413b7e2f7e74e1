"""Addresses of services in settings and credentials blocks: what can be used, and what to write in place of what cannot.

A secret goes to each of them, so that a mistake must not show as a request that fails: without https:// nothing is sent, with
http:// the secret travels in clear, and an address with a password in it ends up in logs.
"""

import ipaddress
import re
from typing import Annotated

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

ERROR = "service_url"  # pydantic's type of the error: its message says all, and shows no more of the address than is harmless

SITE = "https://example.atlassian.net"
_NAME = re.compile(r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*\.?", re.IGNORECASE)
_PARTS = re.compile(r"(https?)://([^/?#\\]*)(.*)", re.IGNORECASE | re.DOTALL)
_BEGINNING = re.compile(r"([a-z][a-z0-9+-]*)?[:;]?[/\\]+|(https?|htt?ps?|ttps?)[:;]", re.IGNORECASE)
_GATEWAY = re.compile(r"/ex/jira/[0-9A-Za-z-]+/?")  # where scoped tokens of Jira are taken


def checked(text: str, *, example: str = SITE, path: bool = False, secret: bool = True) -> str:
    """
    The address without spaces around it and without a slash at its end; empty when it is.

    Args:
        text: As a person wrote it.
        example: What to write where nobody can tell what was meant.
        path: Whether it may go on after the host.
        secret: Whether it is told secrets, so that it must be https, or http on this machine.

    Raises:
        ValueError: It cannot be used; the message says why, and what to write.
    """
    text = text.strip()
    if problem := text and _problem(text, path=path, secret=secret):
        raise ValueError(f"{problem}; write {_meant(text, path=path) or example}")
    scheme, colon, rest = text.partition("://")
    return f"{scheme.lower()}{colon}{rest}".rstrip("/")


def _problem(text: str, *, path: bool, secret: bool) -> str:
    if "@" in text:
        return "has a user name or password in it, which everyone sees who sees the address"
    if not text.isprintable() or re.search(r"\s", text):
        return "has a space or line break in it"
    parts = _PARTS.fullmatch(text)
    if parts is None:
        return "does not begin with https://" if secret else "does not begin with https:// or http://"
    scheme, place, rest = parts[1].lower(), parts[2], parts[3]
    host = _host(place)
    if host is None or (secret and "." not in host and not _on_this_machine(host)):
        return "does not name a host in full"
    if secret and scheme == "http" and not _on_this_machine(host):
        return "begins with http://, which sends the token in clear for all to read on the way"
    gateway = _GATEWAY.fullmatch(rest) and (host == "api.atlassian.com" or _on_this_machine(host))
    if rest.strip("/") and not gateway if not path else re.search(r"[?#\\]", rest):
        return "has more in it than the " + ("host and path" if path else "host")
    return ""


def _host(place: str) -> str | None:
    """The host of `host:port`, without brackets; None when it is none."""
    found = re.fullmatch(r"(\[[0-9a-f:.]+\]|[^:\[\]]+)(?::(\d{1,5}))?", place, re.IGNORECASE)
    if found is None or int(found[2] or 1) not in range(1, 65536):
        return None
    host = found[1].strip("[]")
    return host if _is_address(host) or _NAME.fullmatch(host) else None


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _on_this_machine(host: str) -> bool:
    return ipaddress.ip_address(host).is_loopback if _is_address(host) else host.lower().rstrip(".") == "localhost"


def _meant(text: str, *, path: bool) -> str:
    """The address that was probably meant; empty when nobody can tell."""
    rest = re.sub(r"\s.*", "", text.rpartition("@")[2])
    while beginning := _BEGINNING.match(rest):
        rest = rest[beginning.end() :]
    place, after = re.fullmatch(r"([^/?#\\]*)([^?#\\]*).*", rest).groups()  # type: ignore[union-attr]  # matches any line
    host = _host(place)
    if host is None or ("." not in host and not _on_this_machine(host)):
        return ""
    return f"{'http' if _on_this_machine(host) else 'https'}://{place}{after.rstrip('/') if path else ''}"


def _valid(text: str, *, example: str = SITE, path: bool = False, secret: bool = True) -> str:
    try:
        return checked(text, example=example, path=path, secret=secret)
    except ValueError as error:
        raise PydanticCustomError(ERROR, "{problem}", {"problem": str(error)}) from None


def _endpoint(text: str) -> str:
    return _valid(text, example="nothing there, for Google's own", path=True)


def _page(text: str) -> str:
    return _valid(text, example="https://plans.example.com/output", path=True, secret=False)


# Types of fields: the host of a service, an address at a service, a page that people open.
Site = Annotated[str, AfterValidator(_valid)]
Endpoint = Annotated[str, AfterValidator(_endpoint)]
Page = Annotated[str, AfterValidator(_page)]
