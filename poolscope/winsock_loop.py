"""``python -m poolscope.winsock_loop`` is the reproducer, :mod:`fixtures.winsock_loop`."""

import sys

from poolscope import leave_current_folder, open_rooms

if __name__ == "__main__":
    leave_current_folder()
    open_rooms()
    from fixtures.winsock_loop import main

    sys.exit(main())
