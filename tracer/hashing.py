"""The number by which hashes are multiplied."""

from __future__ import annotations

from typing import Final

import numpy as np

GOLDEN: Final = np.uint64(0x9E3779B97F4A7C15)
"""2^64 divided by the golden ratio: what is multiplied by it is spread over all bits (Knuth, TAOCP 3, 6.4)."""
