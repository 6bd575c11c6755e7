"""``python -m poolscope.winsock_loop`` is the reproducer, :mod:`fixtures.winsock_loop`."""

from __future__ import annotations

import sys

from poolscope import open_rooms

if __name__ == "__main__":
    open_rooms()
    from fixtures.winsock_loop import main

    sys.exit(main())
