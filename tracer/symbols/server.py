"""PDB files fetched from a symbol server over HTTP, by identity.

Asked for are ``NAME/KEY/NAME``, the same compressed, and ``file.ptr`` (pages "HTTP Symbol Stores" and "Symbol Storage
Format" of learn.microsoft.com). What is cut off is gone on with where it ended (RFC 9110, ranges), also another day.
"""

from __future__ import annotations

import re
import time
import urllib.request
from collections.abc import Callable
from email.message import Message
from http.client import HTTPException, HTTPMessage, HTTPResponse
from pathlib import Path
from typing import IO, Final
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urljoin, urlsplit

from tracer.data_classes import dataclass
from tracer.symbols.identity import Stored, packed_name, store_path
from tracer.symbols.keeping import MOST_BYTES, NotFetchedError, Progress, keep, unpack_pdb
from tracer.symbols.stores import POINTER, pointed_to

_PIECE: Final = 1 << 16
_TRIES: Final = 4
"""How often a file is asked for that is cut off; each goes on where the last one ended."""
_MOST_POINTER: Final = 4096
_PAST_FILE: Final = 416
_PARTIAL: Final = 206
_SERVERS_FAULT: Final = 500
_NOT_THERE: Final = frozenset({404, 410})
_RANGE: Final = re.compile(r"bytes (\d+)-\d+/(\d+)")


class _CutOffError(Exception):
    """The connection ended before the file did."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a server is waited for. ``seconds``: for its next bytes; ``slow_seconds``: until it is called too slow.

    A file that has come at less than ``least_rate`` bytes a second after ``slow_seconds`` is given up; 4 KiB is less
    than a modem's. ``pause``: seconds before a file that was cut off is asked for again.
    """

    seconds: float = 30.0
    slow_seconds: float = 60.0
    least_rate: int = 4096
    pause: float = 1.0


@dataclass(slots=True)
class SymbolServer:
    """A server by its address; ``silent`` says why it is asked no more (it could not be reached before)."""

    url: str
    progress: Progress = lambda *_: None
    patience: Patience = Patience()
    most_bytes: int = MOST_BYTES
    silent: str = ""

    def fetch(self, wanted: Stored, store: Path, why_not: Callable[[Path], str]) -> Path | None:
        """The file in the ``store``, fetched; ``None`` where the server does not have it.

        ``why_not``: says why a file is not the wanted one; empty where it is. Raises NotFetchedError, after which the
        store has no such file, and OSError where the store cannot be written to.
        """
        if self.silent:
            raise NotFetchedError(f"{self.url} was not asked again: {self.silent}")
        return keep(wanted, store, lambda whole: self._came(wanted, whole), why_not)

    def _came(self, wanted: Stored, whole: Path) -> bool:
        """Whether it is there now, fetched in one of the three ways."""
        url = f"{self.url}/{quote(str(store_path(wanted)))}"
        packed, pointer = (whole.with_name(name) for name in (packed_name(whole.name), POINTER))
        if self._download(url, whole):
            return True
        if self._download(urljoin(url, quote(packed.name)), packed):
            unpack_pdb(packed, whole, self.most_bytes)
            return True
        if self._download(urljoin(url, POINTER), pointer, most=_MOST_POINTER):
            return self._download(self._pointed(pointer.read_bytes()), whole)
        return False

    def _pointed(self, text: bytes) -> str:
        path, message = pointed_to(text)
        if message:
            raise NotFetchedError(f"{self.url} has a message in place of the file: {message}")
        if urlsplit(path).scheme not in ("http", "https"):
            why = "only addresses of http and https are followed from a server; copy the file and name its folder"
            raise NotFetchedError(f"{self.url} points to {path or 'nothing'}: {why}")
        return path

    def _download(self, url: str, to: Path, *, most: int | None = None) -> bool:
        """Whether the file is there, whole; what came of it before is gone on with."""
        most = self.most_bytes if most is None else most
        for tries in range(1, _TRIES + 1):
            try:
                return _Download(url, to, most, self.patience, self.progress).run()
            except _CutOffError as error:
                if tries == _TRIES:
                    why = f"{error}, {_TRIES} times; what has come is kept, and gone on with next time"
                    raise NotFetchedError(f"{url} did not come whole: {why}") from error
                time.sleep(self.patience.pause)
            except HTTPError as error:
                error.close()
                next = (
                    "try again later" if error.code >= _SERVERS_FAULT else "fetch it with what may, and name its folder"
                )
                raise NotFetchedError(
                    f"{url} was refused: the server says {error.code} {error.reason}; {next}"
                ) from error
            except (URLError, TimeoutError) as error:
                words = str(error.reason if isinstance(error, URLError) else error) or "no answer"
                self.silent = f"it could not be reached before ({words})"
                next = "look at the address, the connection and the proxy (HTTPS_PROXY)"
                raise NotFetchedError(f"{url} could not be fetched: {words}; {next}") from error
        return False


class _Download:
    """One request, which begins where an earlier one ended if the server still has the same file."""

    def __init__(self, url: str, to: Path, most: int, patience: Patience, progress: Progress) -> None:
        self._url, self._to, self._most = url, to, most
        self._patience, self._progress = patience, progress
        self._part = to.with_name(f"{to.name}.part")
        self._tag = to.with_name(f"{to.name}.tag")
        """What the server called the file that the part is of."""

    def run(self) -> bool:
        """Whether there is such a file. Raises _CutOffError, errors of urllib, NotFetchedError, OSError."""
        here = self._part.stat().st_size if self._part.exists() and self._tag.exists() else 0
        try:
            with self._asked(here) as answer:
                self._take(answer, here)
        except HTTPError as error:
            if error.code == _PAST_FILE and here:  # the part is no begin of what is there
                error.close()
                self._forget()
                raise _CutOffError("what was here of it is no part of what there is") from error
            if error.code not in _NOT_THERE:
                raise
            error.close()
            return False
        except (HTTPException, ConnectionError) as error:
            raise _CutOffError(f"the server went away ({str(error) or type(error).__name__})") from error
        self._part.replace(self._to)
        self._tag.unlink(missing_ok=True)
        return True

    def _forget(self) -> None:
        self._part.unlink(missing_ok=True)
        self._tag.unlink(missing_ok=True)

    def _asked(self, here: int) -> HTTPResponse:
        headers = {"User-Agent": "Poolscope", "Accept-Encoding": "identity"}
        if here:
            headers |= {"Range": f"bytes={here}-", "If-Range": self._tag.read_text("ascii")}
        request = urllib.request.Request(self._url, headers=headers)
        answer: HTTPResponse = _opener().open(request, timeout=self._patience.seconds)
        return answer

    def _take(self, answer: HTTPResponse, here: int) -> None:
        goes_on = _RANGE.fullmatch(answer.headers.get("Content-Range", "")) if answer.status == _PARTIAL else None
        if answer.status == _PARTIAL and (goes_on is None or int(goes_on[1]) != here):
            self._forget()
            raise _CutOffError("another part of it came than was asked for")
        length = answer.headers.get("Content-Length", "")
        begin = here if goes_on else 0
        total = int(goes_on[2]) if goes_on else int(length) if length.isdecimal() else None
        if total is not None and total > self._most:
            self._forget()
            raise NotFetchedError(
                f"{self._url} was not fetched: it has {total:,} bytes, at most {self._most:,} are taken"
            )
        with self._part.open("r+b" if begin else "wb") as file:
            self._write_tag(answer.headers)  # after the old part is gone: a part is never of another file than its tag
            file.seek(begin)
            self._copy(answer, file, begin, total)

    def _write_tag(self, headers: Message) -> None:
        """The strong validator by which the same file is known again (RFC 9110, 13.1.5)."""
        tag = headers.get("ETag", "")
        tag = tag if tag and not tag.startswith("W/") else headers.get("Last-Modified", "")
        if tag and tag.isascii():
            self._tag.write_text(tag, "ascii")
        else:
            self._tag.unlink(missing_ok=True)

    def _copy(self, answer: HTTPResponse, file: IO[bytes], begin: int, total: int | None) -> None:
        here, began = begin, time.monotonic()
        while True:
            try:
                piece = answer.read1(_PIECE)
            except (TimeoutError, HTTPException, ConnectionError) as error:
                file.flush()
                raise _CutOffError(
                    f"the server was silent or went away ({str(error) or type(error).__name__})"
                ) from error
            if not piece:
                break
            here += len(piece)
            if here > self._most:
                file.close()
                self._forget()
                raise NotFetchedError(
                    f"{self._url} was given up: it has more than the {self._most:,} bytes that are taken"
                )
            file.write(piece)
            self._progress(self._to.name, here, total)
            took = time.monotonic() - began
            if took > self._patience.slow_seconds and (here - begin) / took < self._patience.least_rate:
                raise NotFetchedError(
                    f"{self._url} was given up: it came at {(here - begin) / took:,.0f} bytes a second"
                )
        if total is not None and here < total:
            raise _CutOffError(f"the connection ended after {here:,} of {total:,} bytes")


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects, but not out of http and https, nor from the second to the first."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> urllib.request.Request | None:
        scheme = urlsplit(newurl).scheme
        if scheme not in ("http", "https") or (req.type == "https" and scheme != "https"):
            fp.close()
            raise URLError(f"it leads on to {newurl}, which is not followed")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _opener() -> urllib.request.OpenerDirector:
    """Opens http and https only, through the system's proxy."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.UnknownHandler(),
        _Redirects(),
    ):
        opener.add_handler(handler)
    return opener
