"""A target with every kind of defect, for the tests of what finds them; it is none of those that are run."""

from __future__ import annotations

import os
import random
from collections.abc import Sequence

from tests.fuzzing.target import Target, insist


def check(data: bytes) -> None:
    insist(data != b"wrong", "an answer that cannot be")
    if data == b"raises":
        raise KeyError("not said in words")
    if data == b"dies":
        os._exit(7)
    if data == b"fills":
        bytearray(4 << 30)
    while data == b"hangs":
        pass


def _one_of_them(rng: random.Random, _inputs: Sequence[bytes]) -> bytes:
    return rng.choice((b"right", b"right", b"right", b"wrong", b"raises", b"dies", b"fills", b"hangs"))


TARGET = Target(check, lambda: (b"right",), _one_of_them, 1)
