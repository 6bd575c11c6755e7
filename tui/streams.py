"""The process's streams: findings on stdout, talk on stderr, and no crash over either.

A redirected stdout on Windows, or ``LANG=C``, cannot write every character; a reader such as
``head`` may leave early. Neither is an error of the user's. A full disk is: findings that cannot be written are an
:class:`~tracer.errors.OutputError`, and talk that cannot be written is left out.
"""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import IO, Any, Final, TextIO, cast

from tracer.errors import OutputError
from tui.safe_text import safe

_DRIVER: Final = "TEXTUAL_DRIVER"
"""Set by textual-serve (``poolscope serve``) when it is a browser that shows the interface."""


class Output:
    """What findings are written to: ``stream``, or nothing where the process was started without one.

    Raises OutputError where writing fails, and BrokenPipeError where the reader has gone.
    """

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever a text stream has
        return getattr(self._existing(), name)

    def write(self, text: str) -> int:
        """Write all of it."""
        with _write_errors():
            return self._existing().write(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write them one after the other."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Write what is kept back."""
        if self._stream is not None and not self._stream.closed:
            with _write_errors():
                self._stream.flush()

    def isatty(self) -> bool:
        """Whether a person looks at it."""
        return self._stream is not None and is_terminal(self._stream)

    def _existing(self) -> TextIO:
        if self._stream is None or self._stream.closed:
            raise _unwritable("it is closed")
        return self._stream


class Talk(Output):
    """What progress and notes are written to: that they cannot be written is no error.

    ``replacing``: what every text goes through, where names must not get out.
    """

    replacing: Callable[[str], str] | None = None

    def write(self, text: str) -> int:
        """Write it, if that can be done."""
        return self.write_as_it_is(text if self.replacing is None else self.replacing(text))

    def write_as_it_is(self, text: str) -> int:
        """The same, with all names."""
        try:
            return super().write(text)
        except (OutputError, BrokenPipeError):
            return len(text)

    def flush(self) -> None:
        """Write what is kept back, if that can be done."""
        try:
            super().flush()
        except (OutputError, BrokenPipeError):
            return


def write_bytes(pieces: Iterable[bytes]) -> None:
    """Write them to stdout as they are. Raises as :class:`Output` does."""
    for piece in pieces:
        with _write_errors():
            sys.stdout.buffer.write(piece)
    with _write_errors():
        sys.stdout.buffer.flush()


@contextmanager
def guarded_streams() -> Iterator[None]:
    """Inside, ``sys.stdout`` is an :class:`Output` and ``sys.stderr`` a :class:`Talk`."""
    accept_any_text()
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = cast("TextIO", Output(before[0])), cast("TextIO", Talk(before[1]))
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


@contextmanager
def _write_errors() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        if sys.platform == "win32" and error.errno == errno.EINVAL:  # what the C library makes of a closed pipe there
            raise BrokenPipeError from error
        raise _unwritable(error.strerror or str(error)) from error


def _unwritable(why: str) -> OutputError:
    return OutputError(
        "output",
        "the output cannot be written",
        where="standard output",
        why=why,
        next="send it where there is room for it, and where this process may write",
    )


def accept_any_text() -> None:
    r"""Let stdout and stderr write what their encoding lacks as ``\u....`` instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def leave_quietly() -> None:
    """Point a stream that cannot be written at nothing, so that the interpreter's last flush of it cannot fail."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError, AttributeError):
            _point_at_nothing(stream)


def _point_at_nothing(stream: TextIO | None) -> None:
    try:
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, stream.fileno() if stream is not None else -1)
        os.close(nothing)
    except (OSError, ValueError):  # a stream without a file descriptor has nothing to flush
        return


def is_terminal(stream: IO[str]) -> bool:
    """Whether a person looks at ``stream``."""
    try:
        return stream.isatty()
    except ValueError:  # closed
        return False


def is_behind_browser() -> bool:
    """Whether it is a browser that shows the interface: then there is no terminal."""
    return _DRIVER in os.environ


def talk_through(replacing: Callable[[str], str]) -> None:
    """All talk from now on is what this makes of it."""
    if isinstance(sys.stderr, Talk):
        sys.stderr.replacing = replacing


def talk_replacing() -> Callable[[str], str] | None:
    """What talk goes through, ``None`` for nothing."""
    return sys.stderr.replacing if isinstance(sys.stderr, Talk) else None


def say(*lines: str, quiet: bool = False, as_it_is: bool = False) -> None:
    """Lines of talk on stderr, whatever names are in them; ``as_it_is``: of no use without the names."""
    if not quiet:
        write = sys.stderr.write_as_it_is if as_it_is and isinstance(sys.stderr, Talk) else sys.stderr.write
        write("poolscope: " + "".join(f"{safe(line)}\n" for line in lines))
        sys.stderr.flush()
