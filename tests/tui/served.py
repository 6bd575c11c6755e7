"""A server of the interface in a test, and a visitor who speaks to it."""

from __future__ import annotations

import argparse
import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

import aiohttp

from tui.commands.serve import ServeCommand, command
from tui.web.server import GuardedServer

PATIENCE_SECONDS = 60.0
ROOT = Path(__file__).parents[2]


def words(*given: str | Path) -> list[str]:
    """What each browser's process is started with when ``poolscope serve`` is given these words."""
    parser = argparse.ArgumentParser()
    ServeCommand().prepare_parser(parser)
    return command(parser.parse_args([str(word) for word in given]))


class Served:
    """A server on a free port of loopback, as if it listened on ``host``, and a visitor without any cookie."""

    def __init__(self, host: str, token: str, what: Sequence[str] = ("false",), *, sessions: int = 4) -> None:
        self._bound = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._bound.getsockname()[1]
        self.server = GuardedServer(
            what, host=host, port=self.port, token=token, title="poolscope: <b>", sessions=sessions
        )

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self.server.serving(self._bound))
            jar = aiohttp.CookieJar(unsafe=True)
            self.visitor = await stack.enter_async_context(
                aiohttp.ClientSession(f"http://127.0.0.1:{self.port}", cookie_jar=jar)
            )
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def status(self, path: str, **headers: str) -> int:
        async with self.visitor.get(path, headers=headers) as answer:
            return answer.status


async def until(browser: aiohttp.ClientWebSocketResponse, text: str) -> str:
    """Wait for words on the screen; gives all that was drawn meanwhile."""
    seen = ""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while text not in seen:
            message = await browser.receive()
            assert message.type in {aiohttp.WSMsgType.BINARY, aiohttp.WSMsgType.TEXT}, (message, seen)
            seen += message.data.decode() if isinstance(message.data, bytes) else message.data
    return seen


class ServeProcess:
    """``poolscope serve`` in a process of its own, on a free port."""

    def __init__(self, *given: str | Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "poolscope", "serve", "--port", "0", *map(str, given)],
            cwd=ROOT,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stderr is not None
        self.port = int(self.process.stderr.readline().rpartition("serving on ")[2].split(":")[2].strip("/\n"))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.kill()
        self.process.wait()
        assert self.process.stderr is not None
        self.process.stderr.close()

    def rest(self) -> str:
        """What it has said after where it serves, once it has ended."""
        self.process.wait(PATIENCE_SECONDS)
        assert self.process.stderr is not None
        return self.process.stderr.read()

    def children(self) -> list[int]:
        """Ids of the processes that it has started and that still run (Linux)."""
        return children(self.process.pid)


def children(process: int) -> list[int]:
    """Of a process (Linux)."""
    tasks = Path(f"/proc/{process}/task").glob("*/children")
    return [int(each) for task in tasks for each in task.read_text().split()]


def resident_bytes(process: int) -> int:
    """Memory that a process holds (Linux)."""
    return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def is_running(process: int) -> bool:
    """Whether it has neither ended nor been left for its parent to note that (Linux)."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def ends(process: int, seconds: float) -> bool:
    """Whether a process ends within that time."""
    for _ in range(int(seconds / 0.05)):
        if not is_running(process):
            return True
        await asyncio.sleep(0.05)
    return False
