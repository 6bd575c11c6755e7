"""``poolscope serve``: who gets the interface in a browser, who is refused, and what a browser shows."""

from __future__ import annotations

import argparse
import asyncio
import os
import shlex
import shutil
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from types import TracebackType

import aiohttp
import pytest
from aiohttp import web
from textual_serve.app_service import AppService

from fixtures.demo import DEMO_TRACE
from tui.cli import main
from tui.commands import serve
from tui.commands.live import LiveCommand
from tui.commands.options import speed
from tui.commands.serve import ServeCommand, command
from tui.exit_codes import ExitCode
from tui.web.guard import is_loopback
from tui.web.server import GuardedServer

TOKEN = "s3cret/?&é"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
BROWSER_FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-sync")
"""No sandbox: root in a container has none, and only our own page is opened. The others keep it off the network."""
BROWSER_IS_WANTED = "POOLSCOPE_TEST_NEEDS_BROWSER"
"""Set where a missing browser is a failure: in .ci/run, which installs one."""
PATIENCE_SECONDS = 60.0


@pytest.fixture(autouse=True)
async def _no_interface_outlives_its_test(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """textual-serve does not wait for the processes that it ends."""
    started: list[asyncio.subprocess.Process] = []
    really = AppService._open_app_process

    async def opened(self: AppService, width: int = 80, height: int = 24) -> asyncio.subprocess.Process:
        started.append(await really(self, width, height))
        return started[-1]

    monkeypatch.setattr(AppService, "_open_app_process", opened)
    yield
    for process in started:
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()


def line(*words: str | Path) -> str:
    """What each browser's process is started with when ``poolscope serve`` is given these words."""
    parser = argparse.ArgumentParser()
    ServeCommand().prepare_parser(parser)
    return command(parser.parse_args([str(word) for word in words]))


class Served:
    """A server on a free port of loopback, as if it listened on ``host``, and a visitor without any cookie."""

    def __init__(self, host: str, token: str, what: str = "false") -> None:
        self._bound = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._bound.getsockname()[1]
        self.server = GuardedServer(what, host=host, port=self.port, token=token, title="poolscope: <b>")

    async def __aenter__(self) -> Served:
        self._runner = web.AppRunner(await self.server.application(), access_log=None)
        await self._runner.setup()
        await web.SockSite(self._runner, self._bound).start()
        self.visitor = aiohttp.ClientSession(f"http://127.0.0.1:{self.port}", cookie_jar=aiohttp.CookieJar(unsafe=True))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.visitor.close()
        await self._runner.cleanup()

    async def status(self, path: str, **headers: str) -> int:
        async with self.visitor.get(path, headers=headers) as answer:
            return answer.status


async def test_the_page_is_answered_on_loopback_without_a_token() -> None:
    async with Served("127.0.0.1", "") as it, it.visitor.get("/") as answer:
        page = await answer.text()
        assert answer.status == 200
        assert f'data-session-websocket-url="ws://127.0.0.1:{it.port}/ws"' in page
        assert "poolscope: &lt;b&gt;" in page
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
        assert await it.status("/static/js/textual.js") == 200


@pytest.mark.parametrize("path", ["/", "/?token=", "/?token=wrong", "/static/js/textual.js", "/download/x", "/ws"])
async def test_nothing_is_answered_without_the_token(path: str) -> None:
    async with Served("0.0.0.0", TOKEN) as it, it.visitor.get(path) as answer:
        assert answer.status == 403
        assert TOKEN not in await answer.text()


async def test_no_websocket_is_opened_without_the_token() -> None:
    async with Served("127.0.0.1", TOKEN) as it:
        for cookie in ("", "wrong"):
            with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
                await it.visitor.ws_connect("/ws", headers={"Cookie": f"poolscope-{it.port}={cookie}"})


async def test_the_printed_address_opens_the_page_and_takes_the_token_out_of_sight() -> None:
    async with Served("0.0.0.0", "abc") as it:
        assert it.server.address == f"http://0.0.0.0:{it.port}/?token=abc"
        async with it.visitor.get("/?token=abc") as answer:
            assert (answer.status, answer.url.query_string) == (200, "")
        assert await it.status("/static/js/textual.js") == 200


async def test_a_page_from_elsewhere_cannot_reach_the_interface_through_this_browser() -> None:
    async with Served("127.0.0.1", "") as it:
        assert await it.status("/", Origin=f"http://127.0.0.1:{it.port}") == 200
        assert await it.status("/", Origin="http://evil.example") == 403
        assert await it.status("/", Host="evil.example") == 403
        assert await it.status("/", Host="[") in {400, 403}
        with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
            await it.visitor.ws_connect("/ws", origin="http://evil.example")


async def test_a_name_of_this_machine_is_as_good_as_its_address_where_there_is_a_token() -> None:
    async with Served("0.0.0.0", "abc") as it, it.visitor.get("/?token=abc", headers={"Host": "lab-7"}) as answer:
        assert answer.status == 200
        assert "ws://lab-7/ws" in await answer.text()


async def test_the_interface_answers_over_the_websocket() -> None:
    async with (
        Served("127.0.0.1", "", line(DEMO_TRACE)) as it,
        it.visitor.ws_connect("/ws?width=100&height=30") as browser,
    ):
        await _until(browser, "[1 Findings]")
        await browser.send_json(["stdin", "2"])
        await _until(browser, "[2 Tags]")
        await browser.send_json(["stdin", "q"])
        async for _ in browser:  # what is still drawn, and then the end
            pass
        assert browser.closed


async def _until(browser: aiohttp.ClientWebSocketResponse, text: str) -> None:
    seen = ""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while text not in seen:
            message = await browser.receive()
            assert message.type in {aiohttp.WSMsgType.BINARY, aiohttp.WSMsgType.TEXT}, (message, seen)
            if message.type is aiohttp.WSMsgType.BINARY:
                seen += message.data.decode()


def test_a_token_is_made_only_for_what_is_not_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[GuardedServer] = []
    monkeypatch.setattr(GuardedServer, "run", lambda self, _bound: made.append(self))
    monkeypatch.setattr(serve, "_bound", lambda _host, _port: socket.create_server(("127.0.0.1", 0)))
    for words in (
        [],
        ["--host", "localhost"],
        ["--host", "0.0.0.0"],
        ["--host", "::"],
        ["--host", "lab-7", "--token", "t"],
    ):
        assert main(["serve", str(DEMO_TRACE), *words]) == ExitCode.DONE
    plain, named, *others, given = (server.address.partition("?token=")[2] for server in made)
    assert (plain, named, given) == ("", "", "t")
    assert len(set(others)) == 2
    assert min(map(len, others)) >= 32
    assert made[3].address.startswith("http://[::]:")


def test_only_this_machine_is_loopback() -> None:
    assert all(map(is_loopback, ("127.0.0.1", "127.9.9.9", "::1", "localhost", "LOCALHOST")))
    assert not any(map(is_loopback, ("0.0.0.0", "::", "10.0.0.1", "lab-7", "localhost.example", "")))


def test_a_port_in_use_is_told_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert main(["serve", str(DEMO_TRACE), "--port", str(port)]) == ExitCode.MACHINE
    err = capsys.readouterr().err
    assert "the port is in use" in err
    assert f"127.0.0.1 port {port}" in err
    assert "--port 0" in err


@pytest.mark.parametrize("words", [["--port", "70000"], ["--port", "x"], ["--host", "no such name.invalid"]])
def test_where_nobody_can_listen_is_wrong_use(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", str(DEMO_TRACE), *words]) == ExitCode.USAGE
    assert "Traceback" not in capsys.readouterr().err


def test_what_is_no_trace_is_told_before_anything_is_served(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", str(tmp_path / "none.etl")]) == ExitCode.INPUT
    assert "serving" not in capsys.readouterr().err


@pytest.mark.skipif(sys.platform == "win32", reason="Windows quotes in its own way")
def test_a_path_is_one_word_to_the_shell_that_starts_the_interface() -> None:
    attack, quoted = "/tmp/a b; $(touch x)'.etl", """'/tmp/a b; $(touch x)'"'"'.etl'"""
    assert line(attack, "--pooltag", "/tmp/p t").endswith(f"-m tui tui --quiet --pooltag '/tmp/p t' {quoted}")
    assert line("--replay", attack).endswith(f"-m tui live --quiet --replay {quoted} --speed 1.0")


@pytest.mark.parametrize("said", ["max", "0.25", "3"])
def test_a_replay_in_a_browser_is_the_one_of_the_terminal(said: str) -> None:
    words = shlex.split(line("--replay", DEMO_TRACE, "--speed", said), posix=sys.platform != "win32")
    parser = argparse.ArgumentParser()
    LiveCommand().prepare_parser(parser)
    given = parser.parse_args(words[words.index("live") + 1 :])
    assert (given.replay, given.speed, given.quiet) == (DEMO_TRACE, speed(said), True)


def test_live_in_a_browser_is_live_on_the_terminal() -> None:
    assert line("--live").endswith("-m tui live --quiet")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows quotes in its own way")
def test_what_live_is_asked_for_is_asked_for_in_each_browser() -> None:
    asked = ("--for", "90s", "--tag=-?f*", "--tag", "AfdE", "--process", "my app.exe", "--no-stacks", "--counters")
    words = shlex.split(line("--live", *asked))
    parser = argparse.ArgumentParser()
    LiveCommand().prepare_parser(parser)
    given = parser.parse_args(words[words.index("live") + 1 :])
    assert (given.seconds, given.tag, given.process) == (90.0, ["-?f*", "AfdE"], ["my app.exe"])
    assert (given.no_stacks, given.counters) == (True, True)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--live", "--counters", "--no-stacks"], "--no-stacks is about events"),
        (["--live", "--tag", "much too long"], "is no pool tag"),
        (["t.etl", "--tag", "AfdE"], "--tag is about a capture"),
        (["--replay", "t.etl", "--for", "5s"], "--for is about a capture"),
    ],
)
def test_what_does_not_go_together_is_refused_before_anything_is_served(
    words: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["serve", *words]) == ExitCode.USAGE
    assert told in capsys.readouterr().err


@pytest.mark.skipif(sys.platform == "win32", reason="Windows can capture")
def test_live_is_refused_before_anything_is_served_in_the_words_of_live(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["live"]) == ExitCode.MACHINE
    refused = capsys.readouterr().err
    assert main(["serve", "--live"]) == ExitCode.MACHINE
    assert capsys.readouterr().err == refused.replace("poolscope live:", "poolscope serve:", 1)


@pytest.mark.parametrize(
    "words", [[], ["--live", "t.etl"], ["t.etl", "--replay", "u.etl"], ["--live", "--replay", "t"]]
)
def test_one_thing_is_served_at_a_time(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", *words]) == ExitCode.USAGE
    assert "poolscope serve --replay TRACE" in capsys.readouterr().err


async def test_a_replay_answers_over_the_websocket() -> None:
    async with (
        Served("127.0.0.1", "", line("--replay", DEMO_TRACE, "--speed", "max")) as it,
        it.visitor.ws_connect("/ws?width=100&height=30") as browser,
    ):
        await _until(browser, "SESSION ENDED")
        await browser.send_json(["stdin", "1"])
        await _until(browser, "[1 Findings]")


def _browser() -> str:
    """Skips, or fails where a browser is wanted."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        (pytest.fail if BROWSER_IS_WANTED in os.environ else pytest.skip)(f"none of {', '.join(BROWSERS)} is installed")
    return found


async def test_a_real_browser_shows_the_findings_and_answers_keys(tmp_path: Path) -> None:
    playwright = pytest.importorskip("playwright.async_api", reason='needs: pip install -e ".[test]"')
    frames: list[str | bytes] = []

    def keep(frame: str | bytes) -> None:  # playwright takes no builtin
        frames.append(frame)

    def seen() -> str:
        return "".join(frame if isinstance(frame, str) else frame.decode("utf-8", "replace") for frame in frames)

    async def until(text: str) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while text not in seen():
                await page.wait_for_timeout(50)

    async with Served("127.0.0.1", "abc", line(DEMO_TRACE)) as it, playwright.async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=_browser(), args=list(BROWSER_FLAGS))
        page = await browser.new_page(viewport={"width": 1200, "height": 800})
        page.on("websocket", lambda opened: opened.on("framereceived", keep))
        await page.goto(it.server.address)
        await until("[1 Findings]")
        for key, title in (("2", "[2 Tags]"), ("0", "[0 Trace]")):
            await page.keyboard.press(key)
            await until(title)
        picture = await page.screenshot(path=os.environ.get("POOLSCOPE_BROWSER_PICTURE") or tmp_path / "page.png")
        assert len(picture) > 10_000
        await browser.close()
