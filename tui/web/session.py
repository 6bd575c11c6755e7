"""One browser's interface: a process of its own, which ends with the browser's socket."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import field
from pathlib import PurePath
from typing import Any, Final

from aiohttp import WSMsgType, web

from tracer.data_classes import dataclass
from tracer.programs import with_modules
from tui.web.asked import Focused, NotUnderstoodError, Ping, Size, Typed, message

GRACE_SECONDS: Final = 5.0
"""So long may a process take to leave by itself; it may have a capture of Windows' to end."""
_PIECE_BYTES: Final = 1 << 16
_PIECE_SECONDS: Final = 30.0
_PACKET_BYTES: Final = 1 << 26
"""More is no picture of a screen."""
_UNREAD_BYTES: Final = 1 << 18
"""Of input: what comes beyond is dropped, as a process that is busy for so long answers no key."""
_DELIVERIES: Final = 8
"""Files that wait to be fetched; the oldest is dropped for a ninth."""
_LAST_WORDS: Final = 4_096
_PRELUDE: Final = b"__GANGLION__\n"
_PRELUDE_LINES: Final = 10
_DRIVER: Final = "tui.web.driver:BrowserDriver"

_ENDED: Final = "Session ended."
_FAILED: Final = "The interface has failed; what it said is on the server's terminal."
_NOT_UNDERSTOOD: Final = "This page sent what the server does not understand."


@dataclass(slots=True)
class Delivery:
    """A file that the interface gives to the browser, piece by piece as it is asked for."""

    name: str
    pieces: asyncio.Queue[bytes] = field(default_factory=lambda: asyncio.Queue(1))


class Session:
    """Runs ``words`` for one socket."""

    def __init__(self, words: Sequence[str], size: Size, socket: web.WebSocketResponse) -> None:
        self._words = words
        self._size = size
        self._socket = socket
        self._process: Process | None = None
        self._leaving = asyncio.Event()
        self._has_begun = False
        self._waiting: dict[str, Delivery] = {}
        self._fetched: dict[str, Delivery] = {}

    async def run(self) -> str:
        """Show the interface until the browser, the interface or the server ends it; gives what to say to a browser."""
        process = self._process = await _started(self._words, self._size)
        last_words = asyncio.create_task(_end_of(_stream(process.stderr)))
        drawing, listening, leaving = tasks = (
            asyncio.create_task(self._draw(_stream(process.stdout))),
            asyncio.create_task(self._listen()),
            asyncio.create_task(self._leaving.wait()),
        )
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._end(process)
        message = (await last_words).decode("utf-8", "replace").strip()
        for task in {drawing, listening} & done:
            if isinstance(error := task.exception(), NotUnderstoodError):
                return _NOT_UNDERSTOOD
            if error is not None and not isinstance(error, EOFError | OSError):
                raise error
        if drawing in done and process.returncode and leaving not in done:
            raise FailedError(_FAILED, message.splitlines()[0] if message else f"exit code {process.returncode}")
        return _ENDED

    def leave(self) -> None:
        """Let :meth:`run` come to its end."""
        self._leaving.set()

    def take(self, key: str) -> Delivery | None:
        """The file that is waiting under a key; it can be fetched once."""
        delivery = self._waiting.pop(key, None)
        if delivery is not None:
            self._fetched[key] = delivery
        return delivery

    async def pieces(self, key: str) -> AsyncIterator[bytes]:
        """A file that was taken, in pieces. Raises TimeoutError when the interface does not give all of it."""
        delivery = self._fetched[key]
        try:
            while True:
                self._send_meta(type="deliver_chunk_request", key=key, size=_PIECE_BYTES, name="")
                async with asyncio.timeout(_PIECE_SECONDS):
                    piece = await delivery.pieces.get()
                if not piece:
                    return
                yield piece
        finally:
            del self._fetched[key]

    async def _listen(self) -> None:
        """Hand on what the browser says. Raises NotUnderstoodError."""
        async for said in self._socket:
            if said.type is not WSMsgType.TEXT:
                raise NotUnderstoodError("binary")
            match message(said.data):
                case Typed(text):
                    self._send(b"D", text.encode("utf-8", "replace"))
                case Size() as size if size != self._size:
                    self._size = size
                    self._send_meta(type="resize", width=size.columns, height=size.rows)
                case Focused(has_focus):
                    self._send_meta(type="focus" if has_focus else "blur")
                case Ping(word):
                    await self._socket.send_json(["pong", word])

    async def _draw(self, output: asyncio.StreamReader) -> None:
        """Hand on what the interface draws. Raises IncompleteReadError at its end."""
        for _ in range(_PRELUDE_LINES):
            line = await output.readline()
            if not line:
                return
            if line == _PRELUDE:
                break
        else:
            raise NotUnderstoodError("no interface")
        self._has_begun = True
        while True:
            head = await output.readexactly(5)
            size = int.from_bytes(head[1:], "big")
            if size > _PACKET_BYTES:
                raise NotUnderstoodError("no packet")
            packet = await output.readexactly(size)
            match head[:1]:
                case b"D":
                    await self._socket.send_bytes(packet)
                case b"M":
                    if await self._is_last(json.loads(packet)):
                        return
                case b"F":
                    key, _, piece = packet.partition(b"\n")
                    if (delivery := self._fetched.get(key.decode())) is not None and delivery.pieces.empty():
                        delivery.pieces.put_nowait(piece)

    async def _is_last(self, message: dict[str, Any]) -> bool:
        """Act on what the interface tells of itself; whether it leaves."""
        if message["type"] == "deliver_file_start":
            if len(self._waiting) == _DELIVERIES:
                del self._waiting[next(iter(self._waiting))]
            self._waiting[message["key"]] = Delivery(PurePath(message["path"]).name)
            await self._socket.send_json(["deliver_file_start", message["key"]])
        return bool(message["type"] == "exit")

    def _send_meta(self, **words: str | int) -> None:
        self._send(b"M", json.dumps(words).encode())

    def _send(self, kind: bytes, packet: bytes) -> None:
        """Write to the interface, never waiting for it."""
        pipe = self._process.stdin if self._process is not None else None
        if pipe is not None and not pipe.is_closing() and pipe.transport.get_write_buffer_size() < _UNREAD_BYTES:
            pipe.write(kind + len(packet).to_bytes(4, "big") + packet)

    async def _end(self, process: Process) -> None:
        """Let the process leave by itself, and see to it that it does."""
        assert process.stdin is not None
        process.stdin.close()
        rest = asyncio.create_task(_end_of(_stream(process.stdout)))  # or it waits for somebody who reads
        if not self._has_begun:  # it reads a trace, and no input
            _terminate(process)
        for force in (_terminate, _kill):
            with suppress(TimeoutError):
                async with asyncio.timeout(GRACE_SECONDS):
                    await process.wait()
                    break
            force(process)
        await process.wait()
        await rest


class FailedError(Exception):
    """The interface ended of itself, and not well: what to say to the browser, and what to the server's owner."""


def _terminate(process: Process) -> None:
    with suppress(ProcessLookupError):
        process.terminate()


def _kill(process: Process) -> None:
    with suppress(ProcessLookupError):
        process.kill()


async def _started(words: Sequence[str], size: Size) -> Process:
    """The interface, out of reach of the terminal's Ctrl-C, which the server answers for all."""
    environment = with_modules(
        TEXTUAL_DRIVER=_DRIVER,
        TEXTUAL_FPS="60",
        TEXTUAL_COLOR_SYSTEM="truecolor",
        TERM_PROGRAM="textual",
        COLUMNS=str(size.columns),
        ROWS=str(size.rows),
    )
    if sys.platform == "win32":
        group = subprocess.CREATE_NEW_PROCESS_GROUP
        return await asyncio.create_subprocess_exec(
            *words, stdin=PIPE, stdout=PIPE, stderr=PIPE, env=environment, creationflags=group
        )
    return await asyncio.create_subprocess_exec(
        *words, stdin=PIPE, stdout=PIPE, stderr=PIPE, env=environment, start_new_session=True
    )


def _stream(pipe: asyncio.StreamReader | None) -> asyncio.StreamReader:
    assert pipe is not None
    return pipe


async def _end_of(stream: asyncio.StreamReader) -> bytes:
    """Read to the end, and keep a little of it."""
    kept = b""
    while some := await stream.read(_PIECE_BYTES):
        kept = (kept + some)[-_LAST_WORDS:]
    return kept
