"""For which processor kernels are compiled: the least of its kind, so that what one machine made others can run.

What newer processors have beyond it makes no difference that could be measured (``docs/memory-and-speed.md``).
"""

from __future__ import annotations

import platform


def level() -> str:
    """LLVM's name of the processor."""
    return "x86-64" if platform.machine().lower() in {"x86_64", "amd64"} else "generic"
