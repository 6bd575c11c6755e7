"""How the interface draws into a browser: textual's own driver, held to what the server lets through.

Set as ``TEXTUAL_DRIVER`` of the process that :mod:`tui.web.session` starts.
"""

from __future__ import annotations

import os
from threading import Lock, Timer
from typing import Any, Final

from textual import events, messages
from textual.app import App
from textual.drivers.web_driver import WebDriver
from textual.message import Message

_PATIENCE_SECONDS: Final = 10.0
"""So long may the interface take to leave once nobody shows it any more."""


class BrowserDriver(WebDriver):
    """Ends the interface with its input, which is the server's end of a pipe."""

    def __init__(
        self, app: App[Any], *, debug: bool = False, mouse: bool = True, size: tuple[int, int] | None = None
    ) -> None:
        super().__init__(app, debug=debug, mouse=mouse, size=size)
        self._lock = Lock()
        self._write = self._write_whole  # type: ignore[assignment]  # textual has a partial of os.write there

    def process_message(self, message: Message) -> None:
        """Take keys and mouse; a size comes from the server alone, though what is typed may spell one, of any."""
        if not isinstance(message, events.Resize):
            super().process_message(message)

    def run_input_thread(self) -> None:
        """Read until the server closes the pipe, also by dying; the interface then leaves, in good order if it can."""
        super().run_input_thread()
        last = Timer(_PATIENCE_SECONDS, os._exit, (1,))
        last.daemon = True
        last.start()
        self._app.post_message(messages.ExitApp())

    def write_binary_encoded(self, data: tuple[str | bytes, ...]) -> None:
        """Send a piece of a file: ``F``, a size, and then the delivery's key, a line's end and the piece."""
        _, key, piece = data
        packet = b"\n".join(each.encode() if isinstance(each, str) else each for each in (key, piece))
        self._write(b"F%s%s" % (len(packet).to_bytes(4, "big"), packet))

    def _write_whole(self, packet: bytes) -> int:
        """Packets of the two threads that draw and that deliver do not mix."""
        with self._lock:
            rest = memoryview(packet)
            while rest:
                rest = rest[os.write(self.fileno, rest) :]
        return len(packet)
