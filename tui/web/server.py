"""textual-serve with a guard before it: a browser gets a process of its own that runs the interface."""

from __future__ import annotations

import socket
from typing import Final
from urllib.parse import quote

import aiohttp_jinja2
from aiohttp import web
from textual_serve.server import Server

from tui.streams import say
from tui.web.guard import Guard, keep_private

_KEYS_AT_ONCE: Final = """<script>
addEventListener("load", function focus() {
  const terminal = document.querySelector(".xterm-helper-textarea");
  terminal ? terminal.focus() : setTimeout(focus, 50);
});
</script>
</body>"""
"""Without it, nothing answers to keys before somebody has clicked into the terminal."""


class GuardedServer(Server):
    """Serves what ``command`` runs, on a socket that is already bound."""

    def __init__(self, command: str, *, host: str, port: int, token: str, title: str) -> None:
        super().__init__(command, host=host, port=port, title=title)
        self._guard = Guard(host, port, token)
        self._token = token

    @property
    def address(self) -> str:
        """What to open in a browser; holds the token if there is one."""
        shown = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{shown}:{self.port}/" + (f"?token={quote(self._token, safe='')}" if self._token else "")

    def run(self, bound: socket.socket) -> None:
        """Serve until Ctrl-C or a signal to end."""
        web.run_app(self.application(), sock=bound, print=None, access_log=None)

    async def application(self) -> web.Application:
        """What textual-serve offers, behind the guard."""
        app = await self._make_app()
        app.middlewares.append(self._guard.middleware)
        app.on_response_prepare.append(keep_private)
        return app

    async def on_startup(self, app: web.Application) -> None:
        """Tell where; stdout stays empty."""
        del app
        say(f"serving on {self.address}")
        say("Ctrl-C ends it")

    async def handle_index(self, request: web.Request) -> web.Response:
        """The page, which finds its files and its websocket where it came from, whatever name this machine goes by."""
        context = {
            "font_size": 16,
            "app_websocket_url": f"ws://{request.host}/ws",
            "config": {"static": {"url": "/static/"}},
            "application": {"name": self.title},
        }
        page = aiohttp_jinja2.render_template("app_index.html", request, context)
        page.text = (page.text or "").replace("</body>", _KEYS_AT_ONCE)
        return page
