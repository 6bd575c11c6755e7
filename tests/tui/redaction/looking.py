"""What a view of the interface shows and gives, in a test."""

from __future__ import annotations

from tests.tui.session import Session
from tui.views.export import SUFFIXES, lines

LARGE = (260, 130)
"""Cells: no name is cut, and hardly a row of the traces lies outside."""


def taken(it: Session) -> str:
    """What can be taken out of the view, in every form."""
    view, said = it.view, [it.view.copied()]
    for table in (view.exported(), view.shown()):
        if table[0]:
            said += ["".join(lines(suffix, table)) for suffix in SUFFIXES]
    if (document := view.document()) is not None:
        said += document
    return "\n".join(said)
