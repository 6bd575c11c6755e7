"""The names of tags that a command uses, and a word about lists that were found."""

from __future__ import annotations

from pathlib import Path

from analyzers.formatting import counted
from analyzers.tags import TagNames
from tui.streams import say


def load_tag_names(pooltag: Path | None, *, quiet: bool) -> TagNames:
    """Our own names and those of the user's list; says which list counts first. Raises InputError."""
    names = TagNames.load(pooltag)
    for used in names.files:
        junk = f"; {counted(used.junk_lines, 'line')} could not be read" if used.junk_lines else ""
        say(f"note: {counted(used.tags, 'tag name')} taken from {used.path}{junk}", quiet=quiet)
    return names
