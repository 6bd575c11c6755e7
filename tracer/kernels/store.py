"""Compiled kernels between runs: each in a file of its own where it was just compiled, all in one library later.

A kernel is found by its name, the types that it is called with, and its parts: the code, constants and records that it
is made of. So what was compiled of other code is never taken. A library (``.so`` or ``.objects``, with ``.json`` beside
it that tells what is in it) came with the package, where that was built as a wheel, or is made of the single files by
:func:`gather`. Single files and that library are kept apart for each user, processor, version of Python and of numba.

Every file is written aside and then put in its place, and holds a sum of what is in it: damaged code ends the process.
What is in a folder that others may write to is not taken.
"""

from __future__ import annotations

import errno
import functools
import itertools
import json
import os
import platform
import re
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from hashlib import blake2b
from importlib import import_module
from importlib.util import find_spec
from operator import attrgetter
from pathlib import Path
from typing import Any, Final, NamedTuple

from tracer.kernels.arguments import DATA_AT, text
from tracer.kernels.loading import Entry, of_object_files, of_shared_library
from tracer.kernels.parts import digest, source
from tracer.kernels.target import level
from tracer.programs import program
from tracer.whole_files import growing

_SINGLE: Final = ".kernel"
_OBJECTS: Final = ".objects"
_LINK_SECONDS: Final = 20
making: Final = threading.RLock()
"""Held by who asks for a kernel."""

BUILT: Final = Path(__file__).parent / "built"
"""Where a wheel has the kernels that were compiled as it was built; a checkout has no such folder."""


def cache_directory() -> Path:
    """Where compiled kernels are kept between runs (the user's cache: the package may not be writable)."""
    named = os.environ.get("NUMBA_CACHE_DIR")
    if named:
        return Path(named).absolute()
    from platformdirs import user_cache_path

    return user_cache_path("poolscope", appauthor=False) / "kernels"


@functools.cache
def _folder() -> Path:
    """Of this user and of all that makes other machine code. Numba is not imported to learn its version: 0.3 s."""
    numba = find_spec("numba")
    version = b""
    if numba is not None and numba.origin is not None:
        with suppress(OSError):  # where it lies in an archive
            version = Path(numba.origin).with_name("_version.py").read_bytes()
    user = os.geteuid() if hasattr(os, "geteuid") else ""
    what = f"{user} {sys.implementation.cache_tag} {sys.flags.optimize} {_processor()}".encode()
    return cache_directory() / f"numba-{blake2b(what + version, digest_size=6).hexdigest()}"


def _kept() -> Path:
    """The folder, where it is there and nobody else writes to it, for what is in it will run. Raises OSError."""
    folder = _folder()
    if not folder.is_absolute():
        raise FileNotFoundError(errno.ENOENT, "the user has no home", str(folder))
    about = folder.stat()
    if hasattr(os, "geteuid") and (about.st_uid not in {os.geteuid(), 0} or about.st_mode & 0o022):
        raise PermissionError(errno.EACCES, "other users may write to it", str(folder))
    return folder


def _for_writing() -> Path:
    """The same, made where it is not there."""
    folder = _folder()
    if folder.is_absolute():
        folder.mkdir(0o700, parents=True, exist_ok=True)
    return _kept()


def found(function: Callable[..., Any], arguments: tuple[Any, ...], *, direct: bool = False) -> Entry:
    """The entry of a kernel for arguments of these types: of the library, of a file, or compiled now.

    ``direct``: an entry that C calls (:func:`tracer.kernels.compiler.compiled`).
    """
    made_of = _made_of(function)
    what = f"{'direct ' if direct else ''}{text(arguments)} {made_of}"
    name = f"{_path(function)}_{blake2b(what.encode(), digest_size=10).hexdigest()}"
    for library in _libraries():
        if name in library.gives:
            return Entry(library.addresses[name], library.gives[name])
    _state.gathered = False
    single = _read(name)
    if single is None:
        if _state.tell:
            _state.tell[0]()
            _state.tell[:] = [lambda: None]
        from tracer.kernels.alone import import_numba

        import_numba()
        from tracer.kernels import compiler

        code, letters = compiler.compiled(function, arguments, name, direct=direct)
        module, name_in_it, source = function.__module__, function.__qualname__, function.__code__.co_filename
        single = Single(letters, module, name_in_it, made_of, source, code)
        try:
            _write(_for_writing() / f"{name}{_SINGLE}", single.packed(name))
        except OSError as error:
            _state.unkept = error
    return Entry(of_object_files([single.code])(name), single.gives)


class Single(NamedTuple):
    """A kernel in a file of its own: a sum of its name and of what follows, a line of JSON, and the object file."""

    gives: str
    module: str
    function: str
    made_of: str
    source: str
    code: bytes

    def packed(self, name: str) -> bytes:
        """The file's content."""
        line = json.dumps(self[:-1]).encode()
        return b"\n".join((_sum(name.encode(), line, self.code), line, self.code))


def _read(name: str) -> Single | None:
    with suppress(OSError, ValueError, TypeError):
        summed, line, code = (_kept() / f"{name}{_SINGLE}").read_bytes().split(b"\n", 2)
        if summed == _sum(name.encode(), line, code):
            gives, module, function, made_of, source = json.loads(line)
            return Single(gives, module, function, made_of, source, code)
    return None


def _singles() -> dict[str, Single | None]:
    """All in the folder, by their names; None for files that are damaged. Raises OSError where there is no folder."""
    return {path.stem: _read(path.stem) for path in sorted(_kept().glob(f"*{_SINGLE}"))}


def _sum(*parts: bytes) -> bytes:
    return blake2b(b"\n".join(parts), digest_size=12).hexdigest().encode()


def _path(function: Callable[..., Any]) -> str:
    return re.sub(r"\W+", "_", f"{function.__module__}.{function.__qualname__}")


def _made_of(function: Callable[..., Any]) -> str:
    return f"{digest(function)} {_tools()}"


@functools.cache
def _tools() -> str:
    """What makes machine code of parts, but for numba: this package, for a processor."""
    import pkgutil

    here, package = Path(__file__).parent, __name__.rpartition(".")[0]
    names = sorted(each.name for each in pkgutil.iter_modules([str(here)]))
    own = b"".join(source(here / f"{name}.py", f"{package}.{name}") for name in names)
    return f"{_processor()} {blake2b(own, digest_size=8).hexdigest()}"


def _processor() -> str:
    """And where Python's objects have what is theirs: free-threaded Python has another place."""
    return f"{sys.platform} {platform.machine()} {level()} {DATA_AT}"


def _write(path: Path, content: bytes) -> None:
    """Put it there whole, or not at all; the sum in it tells what a crash of the machine has left. Raises OSError."""
    with growing(path, durable=False) as file:
        file.write(content)


class _Library:
    """Many kernels in one file: what each gives, what it is made of, and where it is."""

    def __init__(self, gives: Mapping[str, str], made_of: Mapping[str, str], addresses: Mapping[str, int]) -> None:
        self.gives = gives
        self.addresses = addresses
        self._made_of = made_of

    def kernels(self) -> Iterator[tuple[tuple[str, str, str], str]]:
        """Module, colon and function of each, and what it is made of."""
        return ((name.partition(":"), made_of) for name, made_of in self._made_of.items())


def _own() -> str:
    """Each copy of Poolscope on a machine has a library of its own."""
    return f"kernels-{blake2b(bytes(Path(__file__).parent), digest_size=6).hexdigest()}"


def _built() -> str:
    """The library that comes with the package."""
    return f"built-{level()}"


@functools.cache
def _libraries() -> tuple[_Library, ...]:
    """That of the package, then that of the cache, where they are there and whole."""
    libraries = [_loaded(BUILT, _built())]
    with suppress(OSError):
        libraries.append(_loaded(_kept(), _own()))
    return tuple(each for each in libraries if each is not None)


def _loaded(folder: Path, name: str) -> _Library | None:
    with suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
        said = json.loads((folder / f"{name}.json").read_bytes())
        path = folder / said.pop("file")
        content = path.read_bytes()
        if path.stem != _stem(name, said, content):
            return None
        if path.suffix == _OBJECTS:
            bounds = itertools.pairwise([0, *itertools.accumulate(said["sizes"])])
            address = of_object_files([content[begin:end] for begin, end in bounds])
        else:
            address = of_shared_library(path)
        return _Library(said["gives"], said["made_of"], {each: address(each) for each in said["gives"]})
    return None


def _stem(name: str, said: Mapping[str, Any], content: bytes) -> str:
    """A library's name: with a sum of it and of what is said of it."""
    return f"{name}-{_sum(json.dumps(said).encode(), content).decode()}"


class _State:
    """``gathered``: whether all kernels that this process called were in the library. ``unkept``: :func:`unkept`."""

    def __init__(self) -> None:
        self.gathered = True
        self.tell: list[Callable[[], None]] = []
        self.unkept: OSError | None = None


_state: Final = _State()


@contextmanager
def before_compiling(tell: Callable[[], None]) -> Iterator[None]:
    """Within it, call this once before the first kernel is compiled, in whichever thread; the outermost one is told."""
    is_outermost = not _state.tell
    _state.tell.append(tell)
    try:
        yield
    finally:
        if is_outermost:
            _state.tell.clear()


def is_current() -> bool:
    """Whether a library holds kernels, all of them made of the code that is there."""
    return any(
        all(_is_current(module, function, made) for (module, _, function), made in library.kernels())
        for library in _libraries()
    )


def unkept() -> OSError | None:
    """Why what this process compiled is compiled again by the next one, if that is so."""
    return _state.unkept


def gather(rooms: Iterable[Path]) -> None:
    """Make the library anew, if kernels were not in it; remove files of kernels in these folders that are no more.

    A cache that cannot be written (:func:`unkept` tells it), or a linker that fails, is no error.
    """
    if _state.gathered:
        return
    try:
        folder = _kept()
        roots = [str(room) + os.sep for room in rooms]
        current: dict[str, Single] = {}
        for name, single in _singles().items():
            if single is not None and _is_current(single.module, single.function, single.made_of):
                current[name] = single  # whichever copy compiled it
            elif single is None or not _is_of_another_copy(single, roots):
                (folder / f"{name}{_SINGLE}").unlink(missing_ok=True)
        if current:
            _put_together(current, folder, _own())
        _state.gathered = True
    except OSError as error:
        _state.unkept = _state.unkept or error


def build(folder: Path) -> None:
    """Make the library that comes with the package, of all that was compiled into the cache. Raises OSError."""
    singles = {name: single for name, single in _singles().items() if single is not None}  # no folder: none was kept
    folder.mkdir(parents=True, exist_ok=True)
    _put_together(singles, folder, _built())


def _is_of_another_copy(single: Single, roots: Sequence[str]) -> bool:
    """Whether its source is there, and not this copy's."""
    return not single.source.startswith(tuple(roots)) and Path(single.source).is_file()


def _is_current(module: str, function: str, made_of: str) -> bool:
    """Whether the code that is there makes this kernel."""
    try:
        there = attrgetter(function)(import_module(module))
        return _made_of(getattr(there, "__wrapped__", there)) == made_of  # what C calls is a plain function
    except (ImportError, AttributeError, TypeError):
        return False


def _put_together(singles: Mapping[str, Single], folder: Path, name: str) -> None:
    """Write a library and what is in it; an earlier one of this name goes. Raises OSError.

    Where the system does not load the shared library from there (no programs may be in some folders), LLVM has to.
    """
    linked = _linked(singles)
    if linked is not None:
        _put(singles, linked, folder, name, ".so")
    if linked is None or _loaded(folder, name) is None:
        _put(singles, b"".join(single.code for single in singles.values()), folder, name, _OBJECTS)


def _put(singles: Mapping[str, Single], content: bytes, folder: Path, name: str, ending: str) -> None:
    said = {
        "sizes": [len(single.code) for single in singles.values()],
        "made_of": {f"{single.module}:{single.function}": single.made_of for single in singles.values()},
        "gives": {name: single.gives for name, single in singles.items()},
    }
    file = f"{_stem(name, said, content)}{ending}"
    _write(folder / file, content)
    _write(folder / f"{name}.json", json.dumps(said | {"file": file}).encode())
    for path in folder.glob(f"{name}-*"):
        if path.name != file:
            with suppress(OSError):  # Windows keeps a file that is loaded: the next time
                path.unlink()


def _linked(singles: Mapping[str, Single]) -> bytes | None:
    """A shared library of them, which the system loads in a millisecond; None where there is no linker.

    Only on Linux: on macOS asking for one may open a window that offers to install it.
    """
    import subprocess

    linker = program("ld") if sys.platform == "linux" else None
    if linker is None:
        return None
    with suppress(OSError, subprocess.SubprocessError), tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{place}.o" for place in range(len(singles))]
        for path, single in zip(paths, singles.values(), strict=True):
            path.write_bytes(single.code)
        library = Path(folder) / "library"
        subprocess.run(
            [linker, "-shared", "-o", library, *paths],
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,  # no pipe, which a program that it started could keep open
            stderr=subprocess.DEVNULL,
            timeout=_LINK_SECONDS,
        )
        return library.read_bytes()
    return None
