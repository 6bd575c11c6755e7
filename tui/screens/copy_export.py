"""Taking something away from a view: a row to the clipboard, all rows to a file or into a browser's downloads."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO, cast

from textual import work
from textual.screen import Screen

from analyzers.formatting import counted
from tui.safe_text import safe
from tui.views.view import View


class TakingScreen(Screen[None]):
    """A screen that shows one view at a time."""

    @property
    def view(self) -> View:
        """The view that is shown."""
        raise NotImplementedError

    @property
    def is_redacted(self) -> bool:
        """Whether what is shown is without names: then the path that a file is written to is not shown, either."""
        raise NotImplementedError

    def action_copy(self) -> None:
        """Copy the row to the clipboard, by the terminal's own sequence (OSC 52)."""
        text = "\n".join(safe(line) for line in self.view.copied().splitlines())
        if not text:
            self.notify("nothing to copy here", markup=False)
            return
        self.app.copy_to_clipboard(text)
        first, *more = text.splitlines()
        self.notify(f"copied: {first}" + (f" and {counted(len(more), 'line')} more" if more else ""), markup=False)

    def action_export(self) -> None:
        """Ask for a file and write this view's rows; behind a browser, which is elsewhere, let it download them."""
        from tui.screens.export import ExportScreen  # what few ask for is not imported before they do
        from tui.views.export import AS_SHOWN, FOR_PEOPLE, MARKDOWN, lines

        names, rows = full = self.view.exported()
        shown, document = self.view.shown(), self.view.document()
        if not names:
            self.notify("this view has no rows to export", markup=False)
            return

        def write(path: Path | None) -> None:
            if path is not None:
                take = self._deliver if self.app.is_web else self._write
                suffix = path.suffix.lower()
                if suffix == MARKDOWN and document is not None:
                    take(path, [document[1]], "the finding")
                else:
                    made = lines(suffix, shown if suffix in FOR_PEOPLE else full)
                    take(path, made, counted(len(rows), "row"))

        suffix = AS_SHOWN if len(names) == 1 else ".csv"
        name = f"poolscope-{self.view.id}{suffix}" if document is None else document[0]
        what = "" if document is None else f"this finding (.md), or {counted(len(rows), 'row')}"
        self.app.push_screen(ExportScreen(name, len(rows), download=self.app.is_web, what=what), write)

    def _deliver(self, name: Path, made: Iterable[str], what: str) -> None:
        """The lines are made as the browser fetches them."""
        from tui.views.export import LinesFile

        file = cast("BinaryIO", LinesFile(iter(made)))
        self.app.deliver_binary(file, save_filename=name.name)
        as_what = "" if self.is_redacted else f", as {safe(name.name)}"
        self.notify(f"to the browser: {what}{as_what}", markup=False)

    @work(thread=True)
    def _write(self, path: Path, made: Iterable[str], what: str) -> None:
        from tui.views.export import write_text

        where = "the file" if self.is_redacted else safe(str(path))
        try:
            write_text(path, made)
        except OSError as error:
            said, severity = f"cannot write {where}: {error.strerror or 'it fails'}", "error"
        else:
            said, severity = f"wrote {what} to {where}", "information"
        self.app.call_from_thread(self.notify, said, severity=severity, markup=False)
