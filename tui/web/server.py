"""The interface in browsers: textual-serve's page behind a guard, and a process for each browser, within bounds."""

from __future__ import annotations

import asyncio
import logging
import re
import signal
import socket
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import aiohttp_jinja2
import jinja2
import textual_serve
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from tui.streams import say
from tui.web.asked import MESSAGE_BYTES, NotUnderstoodError, asked_size
from tui.web.guard import Guard, keep_private
from tui.web.session import FailedError, Session

MOST_CONNECTIONS: Final = 100
"""Each takes a file descriptor, of which macOS gives a process 256."""


class Connections:
    """Makes what answers a new connection, for :meth:`asyncio.loop.create_server`."""

    def __init__(self, server: web.Server) -> None:
        self._server = server
        self._busy: set[web.RequestHandler] = set()

    def __call__(self) -> asyncio.Protocol:
        """A place for one more, if need be another's that has been there longest without a socket or a download."""
        open_now = self._server.connections
        for connection in [each for each in open_now if each not in self._busy][
            : max(len(open_now) + 1 - MOST_CONNECTIONS, 0)
        ]:
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


_SILENCE_SECONDS: Final = 15.0
"""After so long a browser is asked whether it is still there, and has half of it to answer."""
_CLOSING_SECONDS: Final = 2.0
_BACKLOG: Final = 32
_SERVES: Final = Path(textual_serve.__file__).parent
_PAGE_SCRIPT: Final = Path(__file__).with_name("page.js")
_FONT_FROM_ELSEWHERE: Final = re.compile(r"<link[^>]*https?://[^>]*>")
_FAILED: Final = 1011
_TRY_AGAIN_LATER: Final = 1013
"""A websocket's close codes (RFC 6455, IANA's registry)."""


class GuardedServer:
    """Shows what ``words`` run to each browser that comes, to ``sessions`` at once."""

    def __init__(self, words: Sequence[str], *, host: str, port: int, token: str, title: str, sessions: int) -> None:
        self.host = host
        self.port = port
        self._words = words
        self._title = title
        self._most = sessions
        self._guard = Guard(host, port, token)
        self._token = token
        self._sessions: set[Session] = set()
        self._is_ending = False
        self._connections: Connections | None = None

    @property
    def address(self) -> str:
        """What to open in a browser; holds the token if there is one."""
        shown = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{shown}:{self.port}/" + (f"?token={quote(self._token, safe='')}" if self._token else "")

    def run(self, bound: socket.socket) -> None:
        """Serve until Ctrl-C or a signal to end; stdout stays empty."""
        with suppress(KeyboardInterrupt):
            asyncio.run(self._run(bound))

    async def _run(self, bound: socket.socket) -> None:
        ended = asyncio.Event()
        for name in ("SIGTERM", "SIGHUP"):
            with suppress(NotImplementedError, AttributeError):  # on Windows
                asyncio.get_running_loop().add_signal_handler(getattr(signal, name), ended.set)
        async with self.serving(bound):
            say(f"serving on {self.address}", as_it_is=True)
            say("Ctrl-C ends it")
            await ended.wait()

    @asynccontextmanager
    async def serving(self, bound: socket.socket) -> AsyncIterator[None]:
        """Answer on a socket that is bound, and end every session at last."""
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(_tell_fault)
        log = logging.getLogger("aiohttp")
        log.addHandler(_OneLine())
        log.propagate = False
        runner = web.AppRunner(self._application(), access_log=None, shutdown_timeout=_CLOSING_SECONDS)
        await runner.setup()
        assert runner.server is not None
        self._connections = Connections(runner.server)
        listening = await loop.create_server(self._connections, sock=bound, backlog=_BACKLOG)
        try:
            yield
        finally:
            self._is_ending = True
            listening.close()
            for session in self._sessions:
                session.leave()
            while self._sessions:
                await asyncio.sleep(0.01)
            await runner.cleanup()

    def _application(self) -> web.Application:
        app = web.Application(middlewares=[self._guard.middleware])
        aiohttp_jinja2.setup(app, loader=jinja2.FileSystemLoader(_SERVES / "templates"))
        app.on_response_prepare.append(keep_private)
        app.add_routes(
            [
                web.get("/", self._page),
                web.get("/page.js", self._page_script),
                web.get("/ws", self._show),
                web.get("/download/{key}", self._download),
                web.static("/static", _SERVES / "static"),
            ]
        )
        return app

    async def _page(self, request: web.Request) -> web.Response:
        """The page, which finds its files and its websocket where it came from, whatever name this machine goes by."""
        context = {
            "font_size": 16,
            "app_websocket_url": f"ws://{request.host}/ws",
            "config": {"static": {"url": "/static/"}},
            "application": {"name": self._title},
        }
        page = aiohttp_jinja2.render_template("app_index.html", request, context)
        text = _FONT_FROM_ELSEWHERE.sub("", page.text or "")
        page.text = text.replace("<script", '<script src="/page.js"></script>\n    <script', 1)
        return page

    async def _page_script(self, _request: web.Request) -> web.Response:
        return web.Response(text=_PAGE_SCRIPT.read_text("utf-8"), content_type="text/javascript")

    async def _show(self, request: web.Request) -> web.StreamResponse:
        """A session for a websocket, where there is a place for one."""
        try:
            size = asked_size(request.query)
        except NotUnderstoodError as error:
            raise web.HTTPBadRequest(text=f"{error}\n") from error
        shown = web.WebSocketResponse(
            heartbeat=_SILENCE_SECONDS, max_msg_size=MESSAGE_BYTES, compress=False, timeout=_CLOSING_SECONDS
        )
        await shown.prepare(request)  # answers 400 to what is no handshake
        if len(self._sessions) >= self._most or self._is_ending:
            await shown.close(code=_TRY_AGAIN_LATER, message=self._full().encode())
            return shown
        session = Session(self._words, size, shown)
        self._sessions.add(session)
        try:
            with self._kept(request):
                await shown.close(message=(await session.run()).encode())
        except FailedError as error:
            reason, message = error.args
            say(f"a browser's interface has failed: {message}")
            await shown.close(code=_FAILED, message=reason.encode())
        finally:
            self._sessions.discard(session)
        return shown

    def _full(self) -> str:
        """In the 123 bytes that a websocket gives for it."""
        many = f"all {self._most} places are" if self._most > 1 else "the only place is"
        return f"Try again later: {many} taken (poolscope serve --sessions)."

    async def _download(self, request: web.Request) -> web.StreamResponse:
        """A file that a session gives; nothing of it is written here."""
        key = request.match_info["key"]
        for session in self._sessions:
            if (delivery := session.take(key)) is not None:
                break
        else:
            raise web.HTTPNotFound(text="no such file, or it has been fetched\n")
        answer = web.StreamResponse(
            headers={
                "Content-Type": "application/octet-stream",
                "Content-Disposition": f"attachment; filename*=UTF-8''{quote(delivery.name, safe='')}",
                "X-Content-Type-Options": "nosniff",
            }
        )
        with self._kept(request):
            await answer.prepare(request)
            try:
                async for piece in session.pieces(key):
                    await answer.write(piece)
            except TimeoutError:  # the browser must not take half of it for all
                if request.transport is not None:
                    request.transport.abort()
            else:
                await answer.write_eof()
        return answer

    def _kept(self, request: web.Request) -> AbstractContextManager[None]:
        assert self._connections is not None
        return self._connections.keeping(request)


class _OneLine(logging.Handler):
    """What goes wrong in the server, without a traceback; what a client gets wrong is told to the client alone."""

    def emit(self, record: logging.LogRecord) -> None:
        """Say it on stderr."""
        error = record.exc_info[1] if record.exc_info else None
        if record.levelno >= logging.ERROR and not isinstance(error, HttpProcessingError):
            say(f"{record.getMessage()}: {error!r}")


def _tell_fault(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """What nobody waited for and went wrong."""
    error = context.get("exception")
    if not isinstance(error, ConnectionError):
        say(f"{context['message']}: {error!r}")
