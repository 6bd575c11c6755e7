"""``python -m poolscope`` is the command ``poolscope``."""

import sys

from poolscope import leave_current_folder, open_rooms


def main() -> int:
    """Run the command; its exit code."""
    open_rooms()
    from tui.start import main as run

    return run()


if __name__ == "__main__":
    leave_current_folder()
    sys.exit(main())
