"""What a person must hear of a capture besides its events."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

from tui.streams import say

if TYPE_CHECKING:
    from tracer.images.loaded import Identities

_NAMED: Final = 3
"""Files that a note names."""


def tell_notes(notes: tuple[str, ...], left_behind: tuple[str, ...], *, quiet: bool) -> None:
    """What Windows did not offer, and what a crash had left behind, on stderr."""
    for name in left_behind:
        say(f"note: stopped '{name}', a session that a Poolscope which crashed had left behind", quiet=quiet)
    for note in notes:
        say(f"note: {note}", quiet=quiet)


def tell_images(images: Identities, *, quiet: bool) -> None:
    """How many images carry their identity, and which files are missing for what reason, on stderr."""
    from analyzers.formatting import counted

    say(f"{len(images.found):,} of {counted(images.loaded, 'image')} carry their identity", quiet=quiet)
    reasons: dict[str, list[str]] = defaultdict(list)
    for missing in images.missing:
        reasons[missing.why].append(missing.path.rpartition("\\")[2] or missing.path)
    for why, names in reasons.items():
        more = ", …" if len(names) > _NAMED else ""
        files = f"{counted(len(names), 'file')} ({', '.join(names[:_NAMED])}{more})"
        say(f"note: no identity of {files}: {why}", quiet=quiet)
