"""Where to write the rows of a view, or under which name a browser downloads them."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Final

from textual import on
from textual.binding import Binding, BindingType
from textual.widgets import Input

from analyzers.formatting import counted
from tui.safe_text import safe
from tui.screens.question import QuestionScreen
from tui.views.export import FOR_PEOPLE, SUFFIXES
from tui.widgets.typed_input import TypedInput

_FORMS: Final = (
    f"with all digits ({' '.join(each for each in SUFFIXES if each not in FOR_PEOPLE)})"
    f" or as shown ({' '.join(FOR_PEOPLE)})"
)
_TO: Final = {False: "to", True: "as"}
_LONGEST: Final = 200
"""Characters of a name that a browser is given; file systems take 255 bytes."""


class NameInput(TypedInput):
    """Shows what Enter does."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "submit", "Write", id="export.write", tooltip="Write the file"),
    ]


class ExportScreen(QuestionScreen[Path]):
    """Asks for a path; a file that is there already is overwritten only when one says so twice.

    For a ``download`` it asks for a name alone: where it goes is the browser's business, and what files there are on
    the machine that serves is not the visitor's.
    """

    def __init__(self, name: str, rows: int, *, download: bool = False, what: str = "") -> None:
        what = what or counted(rows, "row")
        question = f"{'Download' if download else 'Write'} {what}, {_FORMS}, {_TO[download]}:"
        super().__init__("Export", question, NameInput(name, compact=True, select_on_focus=False))
        self._is_download = download
        self._warned: Path | None = None

    def judged(self, said: str) -> Path:
        """The path, if it can be written to."""
        if Path(said).suffix.lower() not in SUFFIXES:
            raise ValueError(f"the name must end in {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}")
        if self._is_download:
            return _name(said)
        try:
            path = Path(said).expanduser()
            is_folder, is_there = path.is_dir(), path.exists()
        except (OSError, RuntimeError) as error:  # a name that is too long; a home of nobody
            raise ValueError(safe(str(error))) from error
        if is_folder:
            raise ValueError(f"{safe(said)} is a folder")
        if is_there and path != self._warned:
            self._warned = path
            raise ValueError(f"{safe(said)} is there already: Enter again overwrites it")
        return path

    @on(Input.Changed)
    def _doubt(self) -> None:
        self._warned = None


def _name(said: str) -> Path:
    if {"/", "\\"} & set(said):
        raise ValueError("a name only: the browser decides into which folder it goes")
    return Path(said[-_LONGEST:])
