"""How readers of packed files say that they cannot."""

from __future__ import annotations


class PackedDamagedError(ValueError):
    """It is not laid out as its kind is, or its data are not what was packed."""


class PackedRefusedError(ValueError):
    """It is packed in a way that is not read here."""
