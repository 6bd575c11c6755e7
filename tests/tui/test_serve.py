"""``poolscope serve``: who gets the interface in a browser, who is refused, and what a browser shows."""

from __future__ import annotations

import argparse
import socket
import sys
from pathlib import Path

import aiohttp
import pytest

from fixtures.demo import DEMO_TRACE
from tests.tui.served import Served, until, words
from tui.cli import main
from tui.commands import serve
from tui.commands.live import LiveCommand
from tui.commands.options import speed
from tui.commands.serve import ServeCommand
from tui.exit_codes import ExitCode
from tui.web.guard import is_loopback
from tui.web.server import GuardedServer

TOKEN = "s3cret/?&é"


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
        Served("127.0.0.1", "", words(DEMO_TRACE)) as it,
        it.visitor.ws_connect("/ws?width=100&height=30") as browser,
    ):
        await until(browser, "[1 Findings]")
        await browser.send_json(["stdin", "2"])
        await until(browser, "[2 Tags]")
        await browser.send_json(["stdin", "q"])
        async for _ in browser:  # what is still drawn, and then the end
            pass
        assert browser.closed


def test_a_token_is_made_only_for_what_is_not_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[GuardedServer] = []
    monkeypatch.setattr(GuardedServer, "run", lambda self, _bound: made.append(self))
    monkeypatch.setattr(serve, "_bound", lambda _host, _port: socket.create_server(("127.0.0.1", 0)))
    for more in (
        [],
        ["--host", "localhost"],
        ["--host", "0.0.0.0"],
        ["--host", "::"],
        ["--host", "lab-7", "--token", "t"],
    ):
        assert main(["serve", str(DEMO_TRACE), *more]) == ExitCode.DONE
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


def test_no_shell_takes_a_path_apart() -> None:
    attack, tags = (Path(name).absolute() for name in ("a b; $(touch x)'.etl", "p t"))
    assert words(attack, "--pooltag", tags)[4:] == ["tui", "--quiet", "--pooltag", str(tags), str(attack)]
    named = words(attack, "--symbols", "a;srv*b", "--symbol-server", "--map", tags)[4:]
    assert named == ["tui", "--quiet", "--symbols=a;srv*b", "--symbol-server", "--map", str(tags), str(attack)]
    assert words("--replay", attack)[4:] == ["live", "--quiet", "--replay", str(attack), "--speed", "1.0"]


@pytest.mark.parametrize("said", ["max", "0.25", "3"])
def test_a_replay_in_a_browser_is_the_one_of_the_terminal(said: str) -> None:
    given_words = words("--replay", DEMO_TRACE, "--speed", said)
    parser = argparse.ArgumentParser()
    LiveCommand().prepare_parser(parser)
    given = parser.parse_args(given_words[given_words.index("live") + 1 :])
    assert (given.replay, given.speed, given.quiet) == (DEMO_TRACE, speed(said), True)


def test_live_in_a_browser_is_live_on_the_terminal() -> None:
    assert words("--live")[1:] == ["-P", "-m", "poolscope", "live", "--quiet"]


def test_what_live_is_asked_for_is_asked_for_in_each_browser() -> None:
    asked = (
        "--for",
        "90s",
        "--tag=-?f*",
        "--tag",
        "AfdE",
        "--process",
        "my app.exe",
        "--no-stacks",
        "--counters",
        "--ascii",
        "--alert",
        'tag "a > b" >= 5k',
    )
    given_words = words("--live", *asked)
    parser = argparse.ArgumentParser()
    LiveCommand().prepare_parser(parser)
    given = parser.parse_args(given_words[given_words.index("live") + 1 :])
    assert (given.seconds, given.tag, given.process) == (90.0, ["-?f*", "AfdE"], ["my app.exe"])
    assert (given.no_stacks, given.counters, given.ascii) == (True, True, True)
    assert [alert.text for alert in given.alert] == ['tag "a > b" >= 5k']


def test_every_option_of_live_that_is_not_about_a_report_is_one_of_serve() -> None:
    options = []
    for each in (LiveCommand(), ServeCommand()):
        parser = argparse.ArgumentParser()
        each.prepare_parser(parser)
        options.append({option for option in parser._option_string_actions if option.startswith("--")})
    assert options[0] - options[1] == {"--json", "--report", "--fail-on-finding", "--top"}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--live", "--counters", "--no-stacks"], "--no-stacks is about events"),
        (["--live", "--tag", "much too long"], "is no pool tag"),
        (["t.etl", "--tag", "AfdE"], "--tag is about a capture"),
        (["--replay", "t.etl", "--for", "5s"], "--for is about a capture"),
        (["t.etl", "--alert", "nonpaged > 1M"], "--alert is about what goes on"),
        (["--live", "--counters", "--log", "pool.csv"], "nothing that a browser shows is written"),
        (["--live", "--log"], "poolscope live --counters --log FILE"),
    ],
)
def test_what_does_not_go_together_is_refused_before_anything_is_served(
    words: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["serve", *words]) == ExitCode.USAGE
    assert told in capsys.readouterr().err


def test_a_map_file_that_cannot_be_read_is_told_before_anything_is_served(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["serve", str(DEMO_TRACE), "--map", str(tmp_path / "none.map")]) == ExitCode.INPUT
    assert "the map file cannot be read" in capsys.readouterr().err


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
        Served("127.0.0.1", "", words("--replay", DEMO_TRACE, "--speed", "max")) as it,
        it.visitor.ws_connect("/ws?width=100&height=30") as browser,
    ):
        await until(browser, "SESSION ENDED")
        await browser.send_json(["stdin", "1"])
        await until(browser, "[1 Findings]")


async def test_an_alert_is_told_in_the_browser() -> None:
    asked = words("--replay", DEMO_TRACE, "--speed", "max", "--alert", "nonpaged > 1k")
    async with Served("127.0.0.1", "", asked) as it, it.visitor.ws_connect("/ws?width=120&height=30") as browser:
        await until(browser, "alert: nonpaged > 1k")
