"""So many connections at once and no more: a flood is answered by closing the oldest that does nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from aiohttp import web

MOST: Final = 100
"""Each takes a file descriptor, of which macOS gives a process 256."""


class Connections:
    """Makes what answers a new connection, for :meth:`asyncio.loop.create_server`."""

    def __init__(self, server: web.Server) -> None:
        self._server = server
        self._busy: set[web.RequestHandler] = set()

    def __call__(self) -> asyncio.Protocol:
        """A place for one more, if need be another's that has been there longest without a socket or a download."""
        open_now = self._server.connections
        for connection in [each for each in open_now if each not in self._busy][: max(len(open_now) + 1 - MOST, 0)]:
            if connection.transport is not None:
                connection.transport.abort()
        return self._server()

    @contextmanager
    def keeping(self, request: web.BaseRequest) -> Iterator[None]:
        """Do not close the connection of this request."""
        self._busy.add(request.protocol)
        try:
            yield
        finally:
            self._busy.discard(request.protocol)
