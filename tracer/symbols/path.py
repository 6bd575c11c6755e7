"""Microsoft's symbol path: which folders, stores and servers are asked for a symbol file, in which order.

Sources: the pages "Symbol path for Windows debuggers", "Advanced SymSrv Use" and ".symfix" of learn.microsoft.com.
Two things they do are not done here: a file that is found in a store further to the right is read where it is, not
copied to the stores on its left, and the folder that a program runs in is not searched.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from tracer.data_classes import dataclass

MICROSOFT: Final = "https://msdl.microsoft.com/download/symbols"
"""Microsoft's public server, which ``srv*`` alone stands for (page ".symfix")."""
NO_NETWORK: Final = "the network is used only when it is asked for"
_SYMSRV: Final = frozenset({"symsrv.dll", "symsrv", ""})
_DRIVE: Final = re.compile(r"[A-Za-z]:")
_MOST_PARTS: Final = 256
"""More are a mistake: a path of Windows' environment has room for 32,767 characters."""


@dataclass(frozen=True, slots=True)
class Folder:
    """A plain folder. ``kept_in``: the store that what is unpacked from it goes to."""

    path: Path
    kept_in: Path


@dataclass(frozen=True, slots=True)
class Chain:
    """Symbol stores, the nearest first, then the server that feeds them (empty: none)."""

    stores: tuple[Path, ...]
    server: str
    kept_in: Path


@dataclass(frozen=True, slots=True)
class Omitted:
    """A part that is not asked, and why."""

    part: str
    why: str


@dataclass(frozen=True, slots=True)
class SymbolPath:
    """A path's parts in its order. ``network``: servers and file shares may be asked."""

    places: tuple[Folder | Chain, ...]
    omitted: tuple[Omitted, ...]
    default_store: Path
    network: bool


def parse_symbol_path(
    text: str, default_store: Path, *, network: bool = False, windows: bool = os.name == "nt"
) -> SymbolPath:
    """Read a symbol path; a part that cannot be used is told with its reason, and the others stand.

    ``default_store``: what an empty part stands for. ``network``: whether servers, and shares of other machines, stay
    in it. ``windows``: whether paths are Windows'.
    """
    parser = _Parser(default_store, network=network, windows=windows)
    parts = [part.strip() for part in text.split(";") if part.strip()]
    parser.take(parts[:_MOST_PARTS])
    for part in parts[_MOST_PARTS:]:
        parser.omit(part, f"the path has more than {_MOST_PARTS} parts")
    return SymbolPath(tuple(parser.places), tuple(parser.omitted), default_store, network)


def is_share(path: str, *, windows: bool = os.name == "nt") -> bool:
    r"""Whether opening it asks another machine: ``\\server\share``."""
    return path.startswith("\\\\") or (windows and path.replace("/", "\\").startswith("\\\\"))


def why_not_opened(path: str, *, network: bool, windows: bool = os.name == "nt") -> str:
    """Why a path, from a symbol path or a pointer, is not opened here; empty where it is."""
    if any(ord(letter) < 32 for letter in path):
        return "it has characters that no path has"
    opened = str(Path(path))  # without the ./ that some paths begin with
    if (is_share(path, windows=windows) or is_share(opened, windows=windows)) and windows and not network:
        return f"a share of another machine: {NO_NETWORK}"
    if not windows and (opened.startswith("\\\\") or _DRIVE.match(opened)):
        return "a path of Windows, and this is another system"
    return ""


class _Parser:
    def __init__(self, default_store: Path, *, network: bool, windows: bool) -> None:
        self.places: list[Folder | Chain] = []
        self.omitted: list[Omitted] = []
        self._default = default_store
        self._network = network
        self._windows = windows
        self._cache: Path | None = None

    def omit(self, part: str, why: str) -> None:
        self.omitted.append(Omitted(part, why))

    def take(self, parts: Iterable[str]) -> None:
        for part in parts:
            first, *tokens = (token.strip() for token in part.split("*"))
            match first.lower():
                case "srv" if tokens:
                    self._chain(part, tokens)
                case "symsrv" if tokens and tokens[0].lower() in _SYMSRV:
                    self._chain(part, tokens[1:] or [""])
                case "symsrv":
                    why = f"{tokens[0]} is not run" if tokens else "it names no server"
                    self.omit(part, f"{why}; only symsrv.dll's stores and servers are read")
                case "cache" if tokens:
                    self._begin_cache(part, tokens)
                case _ if tokens:
                    self._chain(part, [first, *tokens], served=False)
                case _:
                    self._folder(part)

    def _folder(self, part: str) -> None:
        if "://" in part:
            self.omit(part, f"a server is reached by srv* only: write srv*{part}")
        elif why := why_not_opened(part, network=self._network, windows=self._windows):
            self.omit(part, why)
        else:
            self.places.append(Folder(Path(part), self._cache or self._default))

    def _begin_cache(self, part: str, tokens: list[str]) -> None:
        if len(tokens) > 1:
            self.omit(part, "a cache is one folder: write cache*FOLDER")
        elif why := why_not_opened(tokens[0], network=self._network, windows=self._windows):
            self.omit(part, why)
        else:
            self._cache = Path(tokens[0]) if tokens[0] else self._default
            self.places.append(Chain((self._cache,), "", self._cache))

    def _chain(self, part: str, tokens: list[str], *, served: bool = True) -> None:
        """Stores from left to right; ``served``: the last may be a server."""
        if served and tokens == [""]:
            tokens = ["", MICROSOFT]
        stores: list[Path] = []
        server = ""
        for place, token in enumerate(tokens):
            is_server = "://" in token
            if is_server:
                why = self._why_no_server(token, served=served, last=place == len(tokens) - 1)
            else:
                why = why_not_opened(token, network=self._network, windows=self._windows)
            if why:
                self.omit(token if len(tokens) > 1 else part, why)
            elif is_server:
                server = token.rstrip("/")
            else:
                stores.append(Path(token) if token else self._default)
        fed = bool(server) or len(stores) > 1
        kept_in = stores[0] if stores and fed else self._cache or self._default
        if server and not stores:
            stores.append(kept_in)
        if stores:
            self.places.append(Chain(tuple(stores), server, kept_in))

    def _why_no_server(self, url: str, *, served: bool, last: bool) -> str:
        try:
            parts = urlsplit(url)
            fits = parts.scheme in ("http", "https") and bool(parts.hostname)
            parts.port  # noqa: B018 - raises where it is no number
        except ValueError:
            return "it is no address of a server"
        if not fits:
            return "only servers that speak http or https are asked"
        if parts.username is not None or parts.query or parts.fragment:
            return "a symbol server's address has no name, password, query or fragment"
        if not served:
            return "a server is reached by srv* only"
        if not last:
            return "a server stands last in a chain, since nothing can be kept in it"
        return "" if self._network else NO_NETWORK
