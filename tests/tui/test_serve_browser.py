"""``poolscope serve`` in a real browser: keys, the mouse, selections, downloads, the clipboard, a second tab."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from fixtures.demo import DEMO_TRACE
from tests.tui.browsers import BROWSER_FLAGS, browser_path
from tests.tui.served import PATIENCE_SECONDS, ROOT, Served, words


@pytest.fixture(autouse=True)
def _interfaces_run_in_a_folder_of_their_own(folder_of_its_own: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))


class Tab:
    """A page of the interface, and all that was drawn on it."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.drawn = ""
        page.on("websocket", lambda opened: opened.on("framereceived", self._keep))

    def _keep(self, frame: str | bytes) -> None:
        self.drawn += frame if isinstance(frame, str) else frame.decode("utf-8", "replace")

    async def until(self, text: str) -> None:
        for _ in range(int(PATIENCE_SECONDS / 0.05)):
            if text in self.drawn:
                self.drawn = ""
                return
            await self.page.wait_for_timeout(50)
        raise AssertionError(f"{text!r} is not drawn: {self.drawn[-2000:]!r}")

    async def press(self, key: str, text: str) -> None:
        """Press a key, and wait for words."""
        self.drawn = ""
        await self.page.keyboard.press(key)
        await self.until(text)

    async def answer(self, text: str, has_come: Callable[[], bool]) -> None:
        """Write this instead of what stands in a line for text, and press Enter; again while keys went astray."""
        self.drawn = ""
        for _ in range(int(PATIENCE_SECONDS)):
            for _ in range(30):
                await self.page.keyboard.press("Backspace")
            await self.page.keyboard.type(text)
            await self.page.keyboard.press("Enter")
            for _ in range(20):
                if has_come():
                    return
                await self.page.wait_for_timeout(50)
        raise AssertionError(f"Enter does nothing: {self.drawn[-2000:]!r}")

    async def cell(self, column: float, row: float) -> tuple[float, float]:
        """Where in the window a cell of the terminal is, counted in parts of the whole."""
        box = await self.page.locator(".xterm-screen").bounding_box()
        return box["x"] + box["width"] * column, box["y"] + box["height"] * row


@asynccontextmanager
async def shown(it: Served) -> AsyncIterator[tuple[Tab, Any]]:
    """The first tab of a browser, and the browser's window for more of them."""
    playwright = pytest.importorskip("playwright.async_api", reason='needs: pip install -e ".[test]"')
    async with playwright.async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=browser_path(), args=list(BROWSER_FLAGS))
        window = await browser.new_context(
            viewport={"width": 1200, "height": 800}, permissions=["clipboard-read", "clipboard-write"]
        )
        tab = Tab(await window.new_page())
        await tab.page.goto(it.server.address)
        await tab.until("[1 Findings]")
        try:
            yield tab, window
        finally:
            await browser.close()


async def test_a_real_browser_shows_the_findings_and_answers_keys(tmp_path: Path) -> None:
    async with Served("127.0.0.1", "abc", words(DEMO_TRACE)) as it, shown(it) as (tab, _):
        for key, title in (("2", "[2 Tags]"), ("0", "[0 Trace]")):
            await tab.press(key, title)
        picture = await tab.page.screenshot(path=os.environ.get("POOLSCOPE_BROWSER_PICTURE") or tmp_path / "page.png")
        assert len(picture) > 10_000


@pytest.mark.slow
async def test_an_export_is_a_download_and_nothing_is_written_on_the_server(tmp_path: Path) -> None:
    async with Served("127.0.0.1", "abc", words(DEMO_TRACE)) as it, shown(it) as (tab, window):
        await tab.press("2", "[2 Tags]")
        await tab.press("x", "Download")
        await tab.answer("/tmp/away.csv", lambda: "a name only" in tab.drawn)
        downloads: list[Any] = []

        def keep(download: Any) -> None:  # playwright takes no builtin
            downloads.append(download)

        tab.page.on("download", keep)
        await tab.answer("über.csv", lambda: bool(downloads))
        [download] = downloads
        assert download.suggested_filename == "über.csv"
        await download.save_as(tmp_path / "got.csv")
        lines = (tmp_path / "got.csv").read_text("utf-8").splitlines()
        assert lines[0].startswith("tag,type,allocations,frees,older,outstanding,bytes")
        assert len(lines) > 3
        assert [path.name for path in tmp_path.iterdir()] == ["got.csv"]
        assert len(window.pages) == 1, "no window is opened for it"


async def test_y_copies_to_the_browsers_clipboard() -> None:
    async with Served("127.0.0.1", "", words(DEMO_TRACE)) as it, shown(it) as (tab, _):
        await tab.press("2", "[2 Tags]")
        await tab.press("y", "copied: ")
        await tab.page.wait_for_timeout(200)
        assert (await tab.page.evaluate("navigator.clipboard.readText()")).strip()


@pytest.mark.parametrize("how", ["drag", "shift", "right"])
async def test_the_mouse_selects_an_interval(how: str) -> None:
    async with Served("127.0.0.1", "", words(DEMO_TRACE)) as it, shown(it) as (tab, _):
        await tab.press("9", "still outstanding")
        mouse, keyboard = tab.page.mouse, tab.page.keyboard
        begin, end = await tab.cell(0.2, 0.4), await tab.cell(0.4, 0.4)
        tab.drawn = ""
        if how == "drag":
            await mouse.move(*begin)
            await mouse.down()
            await mouse.move(*end, steps=5)
            await mouse.up()
        else:
            await mouse.click(*begin)
            await tab.until("this step")
            if how == "shift":
                await keyboard.down("Shift")
                await mouse.click(*end)
                await keyboard.up("Shift")
            else:
                await mouse.click(*end, button="right")
        await tab.until("selected ")


async def test_a_second_tab_has_an_interface_of_its_own_and_a_third_is_told_why_it_has_none() -> None:
    async with Served("127.0.0.1", "", words(DEMO_TRACE), sessions=2) as it, shown(it) as (tab, window):
        second = Tab(await window.new_page())
        await second.page.goto(it.server.address)
        await second.until("[1 Findings]")
        await second.press("2", "[2 Tags]")
        await tab.press("3", "[3 Stacks]")
        third = await window.new_page()
        await third.goto(it.server.address)
        await third.get_by_text("Try again later: all 2 places are taken").wait_for()
        await second.page.close()
        for _ in range(200):
            if len(it.server._sessions) == 1:
                break
            await tab.page.wait_for_timeout(50)
        await third.get_by_role("button", name="Restart").click()
        await third.locator(".xterm-rows, .xterm-screen canvas").first.wait_for()
        await tab.press("1", "[1 Findings]")
