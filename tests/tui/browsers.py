"""The browser that a test opens a page in."""

from __future__ import annotations

import os
import shutil

import pytest

_BROWSERS = ("chromium", "chromium-browser", "google-chrome")
_IS_WANTED = "POOLSCOPE_TEST_NEEDS_BROWSER"
"""Set where a missing browser is a failure: in .ci/run, which installs one."""
BROWSER_FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-sync")
"""No sandbox: root in a container has none, and only our own pages are opened. The others keep it off the network."""


def browser_path() -> str:
    """Skips, or fails where a browser is wanted."""
    found = next(filter(None, map(shutil.which, _BROWSERS)), None)
    if found is not None:
        return found
    if os.environ.get(_IS_WANTED):
        pytest.fail(f"none of {', '.join(_BROWSERS)} is installed")
    pytest.skip("no Chromium or Chrome is installed")
