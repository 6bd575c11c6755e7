"""What somebody meant who typed a name that is not there."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Sequence
from typing import Final

_MOST: Final = 3
_ALIKE: Final = 0.6
"""difflib's own measure, 0 to 1: below it a name is another name, not a typing error."""
_AS_GOOD: Final = 0.1
"""By so much less alike than the best a name is still worth naming."""


def did_you_mean(word: str, names: Iterable[str]) -> str:
    """``did you mean 'analyze'?``, of names that are spelt much like ``word`` or begin with it; empty for none."""
    from difflib import get_close_matches  # costs as much as all else here: only who mistypes pays for it

    every = list(dict.fromkeys(names))
    folded = word.casefold()
    begun = [name for name in every if len(folded) > 1 and name.casefold().startswith(folded)]
    by_folded = {name.casefold(): name for name in every}
    alike = get_close_matches(folded, list(by_folded), _MOST, _ALIKE)
    least = max((_likeness(folded, name) for name in alike[:1]), default=0.0) - _AS_GOOD
    close = [by_folded[name] for name in alike if _likeness(folded, name) >= least]
    near = list(dict.fromkeys([*begun, *close]))[:_MOST]
    return f"did you mean {' or '.join(repr(name) for name in near)}?" if near else ""


def _likeness(one: str, other: str) -> float:
    from difflib import SequenceMatcher

    return SequenceMatcher(None, one, other).ratio()


def one_of(names: Sequence[str], what: str) -> Callable[[str], str]:
    """Reads a word that has to be one of ``names``, each of which is a ``what``."""

    def read(word: str) -> str:
        if not word or word in names:  # argparse reads a default, too
            return word
        hint = did_you_mean(word, names) or f"there are {', '.join(names)}"
        raise argparse.ArgumentTypeError(f"no {what} is called '{word}'; {hint}")

    return read
