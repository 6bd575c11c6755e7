"""What commands that take several traces do alike: an unreadable one does not keep the others from being told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.errors import tell
from tui.exit_codes import ExitCode, exit_code_of

if TYPE_CHECKING:
    from tracer.errors import InputError
    from tui.json_documents.writing import Object
    from tui.reading.together import Trace
    from tui.redaction.redaction import Redaction


def unreadable(
    trace: Trace, error: InputError, documents: list[Object], command: str, redaction: Redaction | None = None
) -> ExitCode:
    """Tell the error of a ``command``, and add a document that says it in the trace's place; without names if asked."""
    from tui.json_documents.error import error_document
    from tui.json_documents.writing import string
    from tui.reading.together import paths_of

    tell(error, command)
    every, said = [str(path) for path in paths_of(trace)], error_document(error)
    if redaction is not None:
        every = list(map(redaction.know_path, every))
        said = error_document(redaction.error(error))
    paths = [string(path) for path in every]
    documents.append(said | {"trace": {"path": paths if len(paths) > 1 else paths[0]}})
    return exit_code_of(error)


def write_all(documents: list[Object], *, several: bool) -> None:
    """One document on stdout: that of the one trace, or of all."""
    from tui.json_documents.analysis import several_document
    from tui.json_documents.writing import write_document

    write_document(several_document(documents) if several else documents[0])
