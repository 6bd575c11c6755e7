"""What a person must hear of a capture besides its events."""

from __future__ import annotations

from tui.safe_text import safe
from tui.streams import say


def tell_notes(notes: tuple[str, ...], left_behind: tuple[str, ...], *, quiet: bool) -> None:
    """What Windows did not offer, and what a crash had left behind, on stderr."""
    for name in left_behind:
        say(f"note: stopped '{safe(name)}', a session that a Poolscope which crashed had left behind", quiet=quiet)
    for note in notes:
        say(f"note: {safe(note)}", quiet=quiet)
