"""The process of a worker in which some traces do what no trace may: by their names they end it, fill it, or hang."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

from tui.fleet import child
from tui.reading.trace import read_telling_session


def _strange(path: Path, *rest: Any, **named: Any) -> Any:
    if "kills" in path.name:
        os.kill(os.getpid(), signal.SIGKILL if os.name == "posix" else signal.SIGTERM)
    if "fills" in path.name:
        kept = []
        while True:
            kept.append(b"x" * (64 << 20))
            time.sleep(0.05)
    if "hangs" in path.name:
        time.sleep(600)
    return read_telling_session(path, *rest, **named)


if __name__ == "__main__":
    setattr(child, read_telling_session.__name__, _strange)
    child.main()
