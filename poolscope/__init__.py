"""What an installation adds to Python: this one package, with the rooms inside.

In a checkout the rooms (tracer, analyzers, tui, fixtures) lie beside this folder. The wheel has them in its folder
``rooms``, because the package index has other projects of their names. No other program finds them there; the two
programs of this package, ``python -m poolscope`` and ``python -m poolscope.winsock_loop``, open them for themselves.
"""

import os
import sys


def leave_current_folder() -> None:
    """Import nothing from the folder where the user happens to be, which ``python -m`` puts before all others.

    A ``numpy.py`` beside a stranger's trace is not to run. With -P, and for the command, Python does not put it there.
    """
    if not sys.flags.safe_path:
        del sys.path[0]


def open_rooms() -> None:
    """Let this process import the rooms, in place of whatever else is installed under their names."""
    here = __path__[0]  # pathlib is not loaded yet, and Ctrl-C is not looked after until the rooms are open
    inside = os.path.join(here, "rooms")  # noqa: PTH118
    sys.path.insert(0, inside if os.path.isdir(inside) else os.path.dirname(here))  # noqa: PTH112, PTH120
