"""Names of functions found aside while somebody looks at a trace: no view waits for one."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from analyzers.formatting import size
from analyzers.snapshot import Snapshot
from analyzers.symbolization import NamesFound, Symbols
from tui.errors import error_text, internal
from tui.redaction.snapshots import redacted, redacted_named

if TYPE_CHECKING:
    from tui.redaction.redaction import Redaction


class Naming:
    """Looks for what the views have asked for, in a thread of its own, whenever there is something.

    ``renew``: concludes anew from what was named, for a trace that is complete. ``redaction``: of all that it tells.
    """

    def __init__(
        self, symbols: Symbols, renew: Callable[[], Snapshot] | None = None, redaction: Redaction | None = None
    ) -> None:
        self.symbols = symbols
        self._redaction = redaction
        self.status = ""
        """What the header says."""
        self.fault = ""
        """What went wrong, after which nothing is looked for."""
        self._renew = renew
        self._renewed: Snapshot | None = None
        self._seen = symbols.version
        self._thread: threading.Thread | None = None
        self._has_failed = False
        self._fetched = ""

    @property
    def is_due(self) -> bool:
        """Whether something is still to be looked for, or to be shown."""
        is_left = self._is_busy or (self.symbols.wanted > 0 and not self._has_failed)
        return is_left or self._seen != self.symbols.version or self._renewed is not None

    @property
    def _is_busy(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    @property
    def found(self) -> NamesFound:
        """How far addresses have names."""
        found = self.symbols.found()
        return found if self._redaction is None else redacted_named(found, self._redaction)

    def look(self) -> bool:
        """Begin with what is wanted, unless that is being done; whether names were found since the last look."""
        wanted = self.symbols.wanted
        if wanted and not self._is_busy and not self._has_failed:
            self._thread = threading.Thread(target=self._find, name="names", daemon=True)
            self._thread.start()
        self.status = f"NAMING{self._fetched}" if self._is_busy else ""
        before, self._seen = self._seen, self.symbols.version
        return self._seen != before

    def taken(self) -> Snapshot | None:
        """What was concluded anew, once."""
        renewed, self._renewed = self._renewed, None
        return renewed

    def told(self) -> str:
        """What went wrong, once."""
        fault, self.fault = self.fault, ""
        return fault

    def progress(self, name: str, here: int, total: int | None) -> None:
        """What is fetched meanwhile, and how many of its bytes are here; called in the thread."""
        far = f"{100 * here // total} %" if total else size(here)
        self._fetched = f" {name if self._redaction is None else 'PDB'} {far}"

    def _find(self) -> None:
        self._fetched = ""
        try:
            has_names = self.symbols.resolve()
            if has_names and self._renew is not None:
                renew, self._renew = self._renew, None
                renewed = renew()
                self._renewed = renewed if self._redaction is None else redacted(renewed, self._redaction)
        except Exception as error:  # a thread has no other net: what went wrong belongs on the screen
            said = error_text(internal(error))
            self.fault, self._has_failed = said if self._redaction is None else self._redaction.text(said), True
