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
        "Names that are not Windows' own become process-1.exe, driver-1.sys, user-1, 192.0.2.1, in all that is shown,"
        " written or said. The trace itself stays as it is (docs/redaction.md).",
    )
    group.add_argument("--redact", action="store_true", help="replace names, paths and addresses of the network")
    words = "--redact, with the same stand-ins wherever the key is the same"
    group.add_argument("--redact-key", metavar="FILE_OR_TEXT", help=words)
    words = "--redact, and move the addresses of kernel memory by a secret distance"
    group.add_argument("--redact-addresses", action="store_true", help=words)


def redaction_of(args: argparse.Namespace) -> Redaction | None:
    """What was asked for, one for all that the command does; ``None`` for nothing.

    Raises InputError or UsageError for a key that is none.
    """
    if not hasattr(args, "redaction"):
        args.redaction = _made(args) if redact_words(args) else None
    made: Redaction | None = args.redaction
    return made


def redact_words(args: argparse.Namespace) -> list[str]:
    """The same options as words, for another process in the same folder."""
    flags = (("--redact", args.redact), ("--redact-addresses", args.redact_addresses))
    words = [option for option, is_given in flags if is_given]
    return words + ([] if args.redact_key is None else [f"--redact-key={args.redact_key}"])


def _made(args: argparse.Namespace) -> Redaction:
    from analyzers.selection.wording import WHOLE
    from tui.alerts.grammar import Subject
    from tui.redaction.redaction import Redaction  # brings numpy: not for --help
    from tui.redaction.stand_ins import Kind

    made = Redaction(None if args.redact_key is None else _key(args.redact_key), shifts=args.redact_addresses)
    for alert in getattr(args, "alert", ()):
        if alert.subject is Subject.DRIVER:
            made.know_image(alert.name.removeprefix(WHOLE), Kind.DRIVER)
    return made


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
