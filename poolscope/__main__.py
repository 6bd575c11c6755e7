"""``python -m poolscope`` is the command ``poolscope``."""

from __future__ import annotations

import sys

from poolscope import open_rooms


def main() -> int:
    """Run the command; its exit code."""
    open_rooms()
    from tui.start import main as run

    return run()


if __name__ == "__main__":
    sys.exit(main())
