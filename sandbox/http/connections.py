"""Connections that can be cut in the middle: what a lost answer is made of."""

import asyncio
import socket
import struct
from collections.abc import MutableMapping

from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

type Transports = MutableMapping[tuple[str, int], asyncio.Transport]

_NO_LINGER = struct.pack("ii", 1, 0)


def protocol_for(transports: Transports) -> type[H11Protocol]:
    """An HTTP protocol for uvicorn that keeps the transport of each open connection by the peer's address."""

    class TrackedProtocol(H11Protocol):
        """H11Protocol, with its transport within reach."""

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            if self.client is not None:
                transports[self.client] = transport

        def connection_lost(self, exc: Exception | None) -> None:
            if self.client is not None:
                transports.pop(self.client, None)
            super().connection_lost(exc)

    return TrackedProtocol


async def reset(transports: Transports, scope: Scope, receive: Receive) -> None:
    """Cut the connection with a TCP reset: no answer, not even an orderly goodbye."""
    transport = transports.get(tuple(scope["client"]))
    if transport is None:
        return
    connection = transport.get_extra_info("socket")
    if connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
    transport.abort()
    while (await receive())["type"] != "http.disconnect":
        pass


async def truncate(
    transports: Transports, scope: Scope, receive: Receive, send: Send, status: int, content: bytes, media_type: str
) -> None:
    """Promise more than is sent, then close: the answer breaks off in the middle."""
    headers = [(b"content-type", media_type.encode()), (b"content-length", str(len(content) + 100).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": content[: len(content) // 2 + 1], "more_body": True})
    transport = transports.get(tuple(scope["client"]))
    if transport is not None:
        transport.close()
    while (await receive())["type"] != "http.disconnect":
        pass
