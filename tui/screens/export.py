"""Where to write the rows of a view, or under which name a browser downloads them."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from analyzers.quantities import counted
from tui.safe_text import safe
from tui.views.export import SUFFIXES
from tui.widgets.key_bar import KeyBar
from tui.widgets.typed_input import TypedInput

_FORMS: Final = "with all digits (.csv .tsv .json) or as shown (.txt .md)"
_TO: Final = {False: "to", True: "as"}
_LONGEST: Final = 200
"""Characters of a name that a browser is given; file systems take 255 bytes."""


class NameInput(TypedInput):
    """Shows what Enter does."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "submit", "Write", id="export.write", tooltip="Write the file"),
    ]


class ExportScreen(ModalScreen[Path | None]):
    """Asks for a path; a file that is there already is overwritten only when one says so twice.

    For a ``download`` it asks for a name alone: where it goes is the browser's business, and what files there are on
    the machine that serves is not the visitor's.
    """

    DEFAULT_CSS = """
    ExportScreen { align: center middle; }
    ExportScreen > Vertical {
        width: 72; max-width: 100%; height: auto; border: round $primary; padding: 0 1; background: $panel;
    }
    ExportScreen Static { height: auto; }
    ExportScreen .wrong { color: $warning; text-style: bold; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel", id="export.cancel", tooltip="Write nothing"),
    ]

    def __init__(self, name: str, rows: int, *, download: bool = False, what: str = "") -> None:
        super().__init__()
        what = what or counted(rows, "row")
        self._question = f"{'Download' if download else 'Write'} {what}, {_FORMS}, {_TO[download]}:"
        self._is_download = download
        self._input = NameInput(name, compact=True, select_on_focus=False)
        self._wrong = Static(markup=False, classes="wrong")
        self._warned: Path | None = None

    def compose(self) -> ComposeResult:
        """A question, a line for the answer, and what is wrong with it."""
        with Vertical() as box:
            box.border_title = "Export"
            yield Static(self._question, markup=False)
            yield self._input
            yield self._wrong
        yield KeyBar()

    def on_mount(self) -> None:
        """Keys go to the line."""
        self._input.focus()

    @on(Input.Submitted)
    def _judge(self, event: Input.Submitted) -> None:
        """Take the answer, if it can be one."""
        said = event.value.strip()
        path = Path(said) if self._is_download else Path(said).expanduser()
        if path.suffix.lower() not in SUFFIXES:
            self._wrong.update("the name must end in .csv, .tsv, .json, .txt or .md")
        elif self._is_download:
            self._take_name(said)
        elif path.is_dir():
            self._wrong.update(f"{safe(str(path))} is a folder")
        elif path.exists() and path != self._warned:
            self._warned = path
            self._wrong.update(f"{safe(str(path))} is there already: Enter again overwrites it")
        else:
            self.dismiss(path)

    def _take_name(self, said: str) -> None:
        if {"/", "\\"} & set(said):
            self._wrong.update("a name only: the browser decides into which folder it goes")
        else:
            self.dismiss(Path(said[-_LONGEST:]))

    def action_cancel(self) -> None:
        """Write nothing."""
        self.dismiss(None)

    @on(Input.Changed)
    def _forget(self) -> None:
        self._warned = None
        self._wrong.update("")
