"""What the pictures of the interface were drawn with."""

from __future__ import annotations

from importlib.metadata import version

import pytest

DRAWN_WITH = {"textual": "8.2.", "rich": "15.0."}
"""Other versions draw other pictures of the same interface."""
as_drawn = pytest.mark.skipif(
    not all(version(name).startswith(known) for name, known in DRAWN_WITH.items()),
    reason=f"the pictures were drawn with {DRAWN_WITH}; draw them again with --snapshot-update and say so here",
)
