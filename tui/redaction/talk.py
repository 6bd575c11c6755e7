"""What a command says on stderr, without the names in it and without those that were typed."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Final

from tui.redaction.redaction import Redaction
from tui.redaction.stand_ins import Kind

_OPTION: Final = "--redact"
"""How the options begin."""
_NAMES: Final = ("--process", "--driver", "--function", "--redact-key", "--token", "--")
"""After these comes a name, whatever it looks like."""
_OF_PATHS: Final = frozenset("./\\@:")
_ENDINGS: Final = (".etl", ".zip", ".cab", ".gz", ".7z", ".zst")
"""Of traces, packed or not."""
_FILE: Final = re.compile(rf"(?<![\w-])(?!trace-)[\w.+~@-]+(?:{'|'.join(map(re.escape, _ENDINGS))})\b", re.IGNORECASE)
"""A trace that nobody typed: one of those that lie beside, or in an archive."""
_CONTROL: Final = re.compile(r"(\x1b\[[0-9;?]*[A-Za-z])")
"""What moves the cursor or changes colours (ECMA-48): a name may follow at once."""


def is_asked(words: Sequence[str]) -> bool:
    """Whether what was typed asks for redaction, even where the rest of it cannot be understood."""
    own = words[: words.index("--")] if "--" in words else words
    return any(word.startswith(_OPTION) for word in own)


def talk_of(words: Sequence[str], redaction: Redaction | None = None) -> Callable[[str], str]:
    """What replaces names in talk; ``words``: those of the command line, ``redaction``: that of the command's output.

    Words that were typed are replaced in talk alone: the output would lose whatever is called like them.
    """
    known = Redaction() if redaction is None else redaction

    @cache  # made when something is said: a name of the output gets the lower number
    def typed() -> Redaction:
        made = Redaction(stand_ins=known.stand_ins)
        for before, word in zip(("", *words), words, strict=False):
            option, sign, value = word.partition("=")
            if not option.startswith("-"):
                option, value = before, word
            elif not sign:
                continue
            if option in _NAMES or _OF_PATHS & set(value) or Path(value).exists():
                made.know_path(value.removeprefix("="), _kind(value))
        return made

    def plain(text: str) -> str:
        said = known.text(typed().text(text))
        return _FILE.sub(lambda found: known.stand_ins.of(Kind.TRACE, found[0]), said)

    return lambda text: "".join(part if at % 2 else plain(part) for at, part in enumerate(_CONTROL.split(text)))


def _kind(word: str) -> Kind:
    return Kind.TRACE if word.lower().endswith(_ENDINGS) else Kind.PATH
