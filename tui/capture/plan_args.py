"""What a command line asks a capture for."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from analyzers.selection.query import Query
from analyzers.selection.wording import WHOLE
from tracer.errors import UsageError
from tracer.live.plan import TAG_BYTES, CapturePlan, Way, way_for

_WILDCARDS: Final = "?*"


def plan_of(args: argparse.Namespace, *, file: Path | None = None, most_bytes: int = 0) -> CapturePlan:
    """The plan; Windows is asked to filter by tags only where all of them are exact."""
    return CapturePlan(
        tags=tags_of(args.tag),
        stacks=not args.no_stacks,
        seconds=args.seconds,
        file=file,
        most_bytes=most_bytes,
    )


def tags_of(words: Sequence[str]) -> tuple[bytes, ...]:
    """Four bytes of each tag, as in memory; none where a word stands for more than one tag. Raises UsageError."""
    tags = tuple(_tag(word.removeprefix(WHOLE)) for word in words)
    return tags if all(map(_is_one_tag, words)) else ()


def _is_one_tag(word: str) -> bool:
    """Whether a word is all of a tag: as long as one is, or after a ``=``."""
    return not set(word) & set(_WILDCARDS) and (word.startswith(WHOLE) or len(word) == TAG_BYTES)


def is_filtered(plan: CapturePlan, build: int) -> bool:
    """Whether a session on this build of Windows is asked for the plan's tags alone."""
    return plan.filtered_by_session and way_for(build) is Way.SYSTEM_PROVIDERS


def filters_of(args: argparse.Namespace) -> Query:
    """What a report tells."""
    return Query(tags=tuple(args.tag), processes=tuple(args.process))


def filter_words(tags: Sequence[str], processes: Sequence[str]) -> str:
    """The filter line's words for what was asked for; of a kind that was asked for twice it can hold none."""
    asked = (("tag", tags), ("process", processes))
    return " ".join(f'{kind}:"{words[0]}"' for kind, words in asked if len(words) == 1 and '"' not in words[0])


def _tag(word: str) -> bytes:
    if not 1 <= len(word) <= TAG_BYTES or not (word.isascii() and word.isprintable()):
        raise UsageError(
            "bad-tag",
            f"{word!r} is no pool tag",
            why="a pool tag has up to four printable ASCII characters",
            next="give the tag as poolmon shows it, such as --tag AfdE; ? and * stand for other characters",
        )
    return word.ljust(TAG_BYTES).encode("ascii")
