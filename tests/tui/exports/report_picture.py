"""Draws the README's picture of a report: ``python -m tests.tui.exports.report_picture PICTURE.png``.

The demo's page from its title to the end of the flame graph, as a browser shows it, in two columns.
"""

from __future__ import annotations

import io
import os
import sys
import tempfile
from pathlib import Path
from typing import Final

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from fixtures.demo import DEMO_TRACE
from tests.tui.browsers import BROWSER_FLAGS, browser_path
from tui.cli import main

_WIDE: Final = 720
_GAP: Final = 16
_COLOURS: Final = 256
"""More would not be seen, and the file would be twice as large."""


def picture() -> Image.Image:
    """The page of the demo."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        path = Path(folder) / "report.html"
        main(["report", os.path.relpath(DEMO_TRACE), "--to", str(path), "-q"])
        browser = driver.chromium.launch(executable_path=browser_path(), args=list(BROWSER_FLAGS))
        page = browser.new_page(viewport={"width": _WIDE, "height": 900}, color_scheme="light")
        page.goto(path.as_uri())
        middle, end = _top(page, "What holds it"), _top(page, "Tags")
        whole = Image.open(io.BytesIO(page.screenshot(full_page=True))).convert("RGB")
        browser.close()
    columns = [whole.crop((0, top, _WIDE, bottom)) for top, bottom in ((0, middle), (middle, end))]
    made = Image.new("RGB", (2 * _WIDE + _GAP, max(each.height for each in columns)), "white")
    for number, each in enumerate(columns):
        made.paste(each, (number * (_WIDE + _GAP), 0))
    return made.quantize(_COLOURS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)


def _top(page: Page, heading: str) -> int:
    """Where a part begins, in pixels from the page's start."""
    box = page.get_by_role("heading", name=heading, exact=True).bounding_box()
    assert box is not None
    return int(box["y"]) - 12


if __name__ == "__main__":
    picture().save(sys.argv[1], optimize=True)
