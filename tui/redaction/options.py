"""``--redact``, ``--redact-key`` and ``--redact-addresses``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tracer.errors import InputError, UsageError

if TYPE_CHECKING:
    from tui.redaction.redaction import Redaction

_MOST_BYTES: Final = 1 << 20
"""Of a file that is a key."""


def add_redact(parser: argparse.ArgumentParser) -> None:
    """Declare them."""
    group = parser.add_argument_group(
        "what must not get out",
        "Names that are not Windows' own become process-1.exe, driver-1.sys, user-1, 192.0.2.1.",
    )
    group.add_argument("--redact", action="store_true", help="replace names, paths and addresses of the network")
    words = "--redact, with the same stand-ins wherever the key is the same"
    group.add_argument("--redact-key", metavar="FILE_OR_TEXT", help=words)
    words = "--redact, and move the addresses of kernel memory by a secret distance"
    group.add_argument("--redact-addresses", action="store_true", help=words)


def redaction_of(args: argparse.Namespace) -> Redaction | None:
    """What was asked for, ``None`` for nothing. Raises InputError or UsageError for a key that is none."""
    if not (args.redact or args.redact_addresses or args.redact_key is not None):
        return None
    from tui.redaction.redaction import Redaction  # brings numpy: not for --help

    key = None if args.redact_key is None else _key(args.redact_key)
    return Redaction(key, shifts=args.redact_addresses)


def _key(word: str) -> bytes:
    path = Path(word)
    try:
        if not path.is_file():
            key = word.encode("utf-8", "surrogateescape")
        else:
            with path.open("rb") as file:
                key = file.read(_MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        raise InputError(
            "redact-key-unreadable",
            "the key cannot be read",
            where="--redact-key",
            why=str(error),
            next="--redact-key with a file of your own, or with a text",
        ) from error
    if not key.strip() or len(key) > _MOST_BYTES:
        raise UsageError(
            "redact-key",
            "this is no key",
            where="--redact-key",
            why="it is empty: anybody could make the same stand-ins" if not key.strip() else "it is larger than 1 MiB",
            next="--redact-key with a file of random bytes, or a long text that nobody guesses",
        )
    return key
