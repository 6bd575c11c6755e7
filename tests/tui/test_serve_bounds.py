"""``poolscope serve``: nothing that a browser sends, or leaves unsent, takes more of the server than its share."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import sys
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import pytest

from fixtures.demo import DEMO_TRACE
from tests.tui.served import Served, ServeProcess, children, ends, is_running, resident_bytes, until, words
from tui.web.asked import COLUMNS, ROWS, NotUnderstoodError, Ping, Size, asked_size, message
from tui.web.server import MOST_CONNECTIONS

MIB = 1 << 20
LISTENS = (
    sys.executable,
    "-c",
    "import os; os.write(1, b'__GANGLION__\\n')\n"
    "while head := os.read(0, 5): os.read(0, int.from_bytes(head[1:], 'big'))",
)
"""As little of an interface as there can be: it reads what it is told, and ends with its input."""
NEVER_LISTENS = (
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)",
)
HANDSHAKE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
}
linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")


_OTHERS: set[int] = set()
"""Processes that other tests of this process left, such as the one with which multiprocessing keeps its books."""


@pytest.fixture(autouse=True)
def _processes_before() -> None:
    _OTHERS.clear()
    _OTHERS.update(children(os.getpid()))


@pytest.mark.parametrize(
    ("width", "height", "size"),
    [
        ("100000", "100000", Size(COLUMNS[1], ROWS[1])),
        ("9" * 20, "1", Size(COLUMNS[1], ROWS[0])),
        ("-5", "0", Size(COLUMNS[0], ROWS[0])),
        ("120", "40", Size(120, 40)),
    ],
)
def test_a_size_is_one_that_can_be_drawn_whatever_a_browser_asks_for(width: str, height: str, size: Size) -> None:
    assert asked_size({"width": width, "height": height}) == size
    assert message(f'["resize", {{"width": {width}, "height": {height}}}]') == size


@pytest.mark.parametrize("said", ["", "x", "1e9", "80.5", "9" * 21, "0x50", "٨٠", "--5", "1_0"])
def test_a_width_that_is_no_number_is_a_bad_request(said: str) -> None:
    with pytest.raises(NotUnderstoodError, match="whole numbers"):
        asked_size({"width": said})


@pytest.mark.parametrize(
    "said",
    [
        "",
        "{}",
        "[]",
        '["resize"]',
        '["resize", {"width": 80}]',
        '["resize", {"width": 1e300, "height": 24}]',
        '["resize", {"width": true, "height": 24}]',
        '["resize", {"width": null, "height": [1]}]',
        f'["resize", {{"width": {"9" * 5000}, "height": 24}}]',
        '["stdin", 7]',
        '["stdin"]',
        '["ping", {}]',
        f'["ping", "{"9" * 1000}"]',
        '["quit"]',
        "[" * 100_000,
    ],
)
def test_what_no_page_sends_is_not_understood(said: str) -> None:
    with pytest.raises(NotUnderstoodError):
        message(said)


def test_what_the_page_sends_is_understood() -> None:
    assert message('["ping", "1764374400000"]') == Ping("1764374400000")
    assert message('["resize", {"width": 100, "height": 30}]') == Size(100, 30)


@linux
async def test_absurd_sizes_take_no_more_memory_than_a_large_screen() -> None:
    async with (
        Served("127.0.0.1", "", words(DEMO_TRACE)) as it,
        it.visitor.ws_connect("/ws?width=100000&height=100000") as browser,
    ):
        await until(browser, "[1 Findings]")
        [interface] = await _begun()
        await browser.send_json(["resize", {"width": 10**9, "height": 10**9}])
        await browser.send_json(["stdin", "\x1b[48;100000;100000;100000;100000t"])  # a terminal's own way to tell it
        await browser.send_json(["stdin", "2"])
        await until(browser, "[2 Tags]")
        assert resident_bytes(interface) < 400 * MIB
    assert await ends(interface, 15)


@linux
@pytest.mark.slow
async def test_a_flood_of_connections_leaves_the_server_small_and_answering() -> None:
    async with AsyncExitStack() as stack:
        server = stack.enter_context(ServeProcess("--sessions", "2", DEMO_TRACE))
        at_first = resident_bytes(server.process.pid)
        connector = aiohttp.TCPConnector(limit=0)
        visitor = await stack.enter_async_context(
            aiohttp.ClientSession(f"http://127.0.0.1:{server.port}", connector=connector)
        )
        for _ in range(3 * MOST_CONNECTIONS):
            stack.enter_context(socket.create_connection(("127.0.0.1", server.port)))
        shown = [await visitor.ws_connect("/ws?width=100000&height=100000") for _ in range(2)]
        for _ in range(60):
            async with visitor.ws_connect("/ws?width=100000&height=100000") as browser:
                told = await browser.receive()
                assert (told.data, told.extra) == (
                    1013,
                    "Try again later: all 2 places are taken (poolscope serve --sessions).",
                )
            assert len(server.children()) <= 2
        for browser in shown:
            await until(browser, "[1 Findings]")
        async with visitor.get("/") as answer:
            assert answer.status == 200
        interfaces = server.children()
        assert len(interfaces) == 2
        assert resident_bytes(server.process.pid) < min(at_first + 50 * MIB, 300 * MIB)
        assert max(map(resident_bytes, interfaces)) < 400 * MIB
        for browser in shown:
            await browser.close()
        for interface in interfaces:
            assert await ends(interface, 15)
        assert resident_bytes(server.process.pid) < min(at_first + 50 * MIB, 300 * MIB)
        for _ in range(100):  # until the places are free
            async with visitor.ws_connect("/ws") as again:
                if (await again.receive()).type is aiohttp.WSMsgType.BINARY:
                    await until(again, "[1 Findings]")
                    return
            await asyncio.sleep(0.05)
        raise AssertionError("no place becomes free")


@linux
async def test_an_interface_ends_with_its_socket_also_when_that_dies_without_a_word() -> None:
    async with Served("127.0.0.1", "", LISTENS) as it:
        browser = await it.visitor.ws_connect("/ws")
        [interface] = await _begun()
        assert browser._response.connection is not None
        assert browser._response.connection.transport is not None
        browser._response.connection.transport.abort()
        assert await ends(interface, 10)


@linux
async def test_an_interface_that_listens_to_nothing_is_ended_by_force(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tui.web.session.GRACE_SECONDS", 0.1)
    async with Served("127.0.0.1", "", NEVER_LISTENS) as it:
        async with it.visitor.ws_connect("/ws"):
            [interface] = await _begun()
            await _ignores(interface, signal.SIGTERM)
        assert await ends(interface, 10)


async def test_input_that_nobody_reads_is_dropped_and_does_not_keep_the_server_from_the_socket(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tui.web.session.GRACE_SECONDS", 0.1)
    async with Served("127.0.0.1", "", NEVER_LISTENS) as it, it.visitor.ws_connect("/ws") as browser:
        for _ in range(100):
            await browser.send_json(["stdin", "x" * 100_000])
        await browser.send_json(["ping", "still there"])
        assert (await browser.receive()).data == '["pong", "still there"]'


@linux
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
async def test_no_interface_outlives_the_server(how: signal.Signals) -> None:
    with ServeProcess(DEMO_TRACE) as server:
        async with (
            aiohttp.ClientSession(f"http://127.0.0.1:{server.port}") as visitor,
            visitor.ws_connect("/ws") as browser,
        ):
            await until(browser, "[1 Findings]")
            [interface] = server.children()
            server.process.send_signal(how)
            assert await ends(server.process.pid, 10)
            assert await ends(interface, 15)
        assert server.rest() == "poolscope: Ctrl-C ends it\n"
        assert server.process.returncode == (-how if how is signal.SIGKILL else 0)


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/ws", {}),
        ("/ws", {"Connection": "Upgrade", "Upgrade": "websocket"}),
        ("/ws", HANDSHAKE | {"Sec-WebSocket-Version": "6"}),
        ("/ws", HANDSHAKE | {"Sec-WebSocket-Key": "short"}),
        ("/ws?width=wide", HANDSHAKE),
        ("/ws?height=1e5", HANDSHAKE),
    ],
)
async def test_a_malformed_handshake_is_a_bad_request_and_no_traceback(
    path: str, headers: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    async with Served("127.0.0.1", "", LISTENS) as it, it.visitor.get(path, headers=headers) as answer:
        assert answer.status == 400
        assert 0 < len(await answer.text()) < 200
    out, err = capsys.readouterr()
    assert (out, err) == ("", "")


@pytest.mark.parametrize(
    "said",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nBad Header: x\r\n\r\n",
        b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\n\r\n",
        b"GET /ws?width=%ff%fe HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    ],
)
async def test_what_is_no_http_is_answered_and_no_traceback(said: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    async with Served("127.0.0.1", "", LISTENS) as it:
        reader, writer = await asyncio.open_connection("127.0.0.1", it.port)
        writer.write(said)
        assert (await reader.readline()).split()[1] in {b"400", b"414", b"505"}
        writer.close()
        assert await it.status("/") == 200
    out, err = capsys.readouterr()
    assert (out, err) == ("", "")


@pytest.mark.parametrize("said", ["nonsense", '["resize", {"width": "wide", "height": 1}]', '["stdin", null]'])
async def test_a_message_that_is_not_understood_ends_the_session_and_no_traceback(
    said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    async with Served("127.0.0.1", "", LISTENS) as it, it.visitor.ws_connect("/ws") as browser:
        await browser.send_str(said)
        assert "does not understand" in str((await browser.receive()).extra)
    assert "Traceback" not in "".join(capsys.readouterr())


async def test_a_message_without_end_ends_the_session() -> None:
    async with Served("127.0.0.1", "", LISTENS) as it, it.visitor.ws_connect("/ws") as browser:
        await browser.send_str("x" * MIB)
        assert (await browser.receive()).data == 1009


async def test_an_interface_that_fails_says_why_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    fails = (sys.executable, "-c", "raise SystemExit('no such \\x1b[2J trace')")
    async with Served("127.0.0.1", "", fails) as it, it.visitor.ws_connect("/ws") as browser:
        assert "failed" in str((await browser.receive()).extra)
    assert capsys.readouterr().err == "poolscope: a browser's interface has failed: no such \\x1b[2J trace\n"


async def _ignores(process: int, number: signal.Signals) -> None:
    """Wait until a process has said that a signal is nothing to it (Linux)."""
    for _ in range(200):
        ignored = re.search(r"SigIgn:\s*(\w+)", Path(f"/proc/{process}/status").read_text(encoding="ascii"))
        if ignored and int(ignored[1], 16) >> (number - 1) & 1:
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"process {process} does not ignore {number.name}")


async def _begun() -> list[int]:
    """The children that the test has begun, once there are some."""
    for _ in range(100):
        if found := [each for each in children(os.getpid()) if is_running(each) and each not in _OTHERS]:
            return found
        await asyncio.sleep(0.05)
    return []
