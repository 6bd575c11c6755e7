"""What a shell offers when Tab is pressed."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from typing import Any

import argcomplete
from argcomplete.completers import FilesCompleter


def complete(build_parser: Callable[[str], tuple[argparse.ArgumentParser, Any]]) -> None:
    """Tell the shell that asked, and leave."""
    words = os.environ.get("COMP_LINE", "").split()[1:]
    chosen = next((word for word in words if not word.startswith("-")), "")
    parser, _ = build_parser(chosen)
    argcomplete.autocomplete(parser, default_completer=FilesCompleter())
