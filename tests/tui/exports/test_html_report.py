"""The report as one page, in a real browser: it asks for nothing, zooms, searches, and takes names for text."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Page, sync_playwright

from analyzers.snapshot import Snapshot
from tests.tui.browsers import BROWSER_FLAGS, browser_path
from tests.tui.hostile import NAMES
from tui.exports.html_report import html_report

_MOST_BYTES = 5_000_000


@pytest.fixture
def page() -> Iterator[Page]:
    path = browser_path()
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=list(BROWSER_FLAGS))
        yield browser.new_page(viewport={"width": 1000, "height": 800})
        browser.close()


def _opened(page: Page, snapshot: Snapshot, folder: Path) -> list[str]:
    """What the page asked for, and what went wrong in it."""
    path = folder / "report.html"
    path.write_bytes(b"".join(html_report(snapshot)))
    seen: list[str] = []
    page.on("request", lambda request: seen.append(request.url))
    page.on("pageerror", lambda error: seen.append(str(error)))
    page.on("console", lambda message: seen.append(message.text))
    page.goto(path.as_uri())
    return [each for each in seen if each != path.as_uri()]


def test_nothing_leaves_the_page(page: Page, leaking_snapshot: Snapshot, tmp_path: Path) -> None:
    assert _opened(page, leaking_snapshot, tmp_path) == []
    assert page.locator("h2").first.inner_text().startswith("1. ")
    assert page.locator("#flame .frame").count() > 3
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert not re.search(r"""(src|href)\s*=|@import|url\(|https?:""", text)


def test_a_click_zooms_and_escape_resets(page: Page, leaking_snapshot: Snapshot, tmp_path: Path) -> None:
    _opened(page, leaking_snapshot, tmp_path)
    says = page.locator("#flame-says")
    assert "100.0 % of all" in says.inner_text()
    narrow = page.locator("#flame .frame:not(.above)").last
    name, width = narrow.get_attribute("title"), narrow.bounding_box()
    narrow.click()
    zoomed = page.locator("#flame-current")
    assert zoomed.get_attribute("title") == name
    assert width is not None
    assert (zoomed.bounding_box() or width)["width"] > width["width"]
    assert "100.0 % of all" not in says.inner_text()
    page.locator("#flame").press("Escape")
    assert "100.0 % of all" in says.inner_text()


def test_the_arrows_go_down_and_up(page: Page, leaking_snapshot: Snapshot, tmp_path: Path) -> None:
    _opened(page, leaking_snapshot, tmp_path)
    flame, says = page.locator("#flame"), page.locator("#flame-says")
    before = says.inner_text()
    flame.press("ArrowDown")
    assert says.inner_text() != before
    flame.press("ArrowUp")
    assert says.inner_text() == before


def test_a_search_marks_what_it_finds_and_how_much(page: Page, leaking_snapshot: Snapshot, tmp_path: Path) -> None:
    _opened(page, leaking_snapshot, tmp_path)
    page.locator("#flame-search").fill("irp")
    assert page.locator("#flame .hit").count() > 0
    assert "found: " in page.locator("#flame-says").inner_text()
    page.locator("#flame-reset").click()
    assert page.locator("#flame .hit").count() == 0


def test_names_with_markup_are_text(page: Page, hostile_snapshot: Snapshot, tmp_path: Path) -> None:
    markup = f"<script>document.title='taken'</script><img src=x onerror=alert(1)>&lt;\"'{''.join(NAMES)}"
    assert _opened(page, _renamed(hostile_snapshot, markup), tmp_path) == []
    assert page.title().startswith("Poolscope")
    assert page.locator("img, a, b, i, iframe, object, form, base, link, [onerror]").count() == 0
    assert page.locator("script").count() == 2
    assert "<script>document.title" in page.locator("body").inner_text()


def _renamed(snapshot: Snapshot, name: str) -> Snapshot:
    tags = replace(snapshot.pool.tags, driver=(name,) * len(snapshot.pool.tags.driver))
    return replace(snapshot, info=replace(snapshot.info, path=name), pool=replace(snapshot.pool, tags=tags))


def test_a_million_allocations_stay_small(big_snapshot: Callable[[int], Snapshot]) -> None:
    page = b"".join(html_report(big_snapshot(1_000_000)))
    assert len(page) < _MOST_BYTES


def test_the_flame_graph_has_all_bytes(leaking_snapshot: Snapshot) -> None:
    text = b"".join(html_report(leaking_snapshot)).decode()
    found = re.search(r'<script id="stacks" type="application/json">(.*?)</script>', text)
    assert found is not None
    name, total, children = json.loads(found[1])
    assert (name, total) == ("all", leaking_snapshot.pool.totals.outstanding_bytes)
    assert sum(child[1] for child in children) == total
