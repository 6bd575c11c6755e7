"""Files that are not what was written."""

from __future__ import annotations


def damaged(content: bytes) -> list[bytes]:
    """Cut short anywhere, or with a bit that has changed."""
    places = [0, 1, 30, 200, len(content) // 2, len(content) - 1]
    flipped = [content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :] for place in places]
    return [content[:place] for place in places] + flipped
