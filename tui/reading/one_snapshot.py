"""From the options of a command that is about one trace to its snapshot, with the names that they ask for."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from analyzers.snapshot import Snapshot
from tui.reading.symbols import name_source
from tui.reading.tag_names import load_tag_names
from tui.reading.together import one_trace
from tui.reading.trace import read_telling_session


def read_each(args: argparse.Namespace, every: Sequence[Sequence[Path]], session: int | None = None) -> list[Snapshot]:
    """The snapshot of each trace: files that belong together are one. Raises InputError, UsageError."""
    names = load_tag_names(args.pooltag, quiet=args.quiet)
    with name_source(args) as source:
        return [
            read_telling_session(
                one_trace(list(paths), session),
                names,
                quiet=args.quiet,
                symbols=None if source is None else source.symbols(),
            )[0]
            for paths in every
        ]
