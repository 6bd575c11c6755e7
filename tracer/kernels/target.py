"""For which processor kernels are compiled: a level that many have, so that what one machine made others can run."""

from __future__ import annotations

import platform
from typing import Final

_V3: Final = ("AVX2", "FMA3", "F16C", "POPCNT")
"""What of x86-64-v3 numpy looks for; processors that have these have its other instructions, too (psABI, table 3.1)."""


def level() -> str:
    """LLVM's name of the processor: a level of x86-64, or "generic".

    numpy knows what the processor has, and itself asks for x86-64-v2 from 2.4 on.
    """
    if platform.machine().lower() not in {"x86_64", "amd64"}:
        return "generic"
    from numpy._core._multiarray_umath import __cpu_features__ as has  # type: ignore[import-not-found]

    return "x86-64-v3" if all(has.get(each, False) for each in _V3) else "x86-64"
