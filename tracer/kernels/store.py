"""Compiled kernels between runs: each in a file of its own where it was just compiled, all in one library later.

A kernel is found by its name, the types that it is called with, and its parts: the code, constants and records that it
is made of. So what was compiled of other code is never taken. A library (``.so`` or ``.objects``, with ``.json`` beside
it that tells what is in it) came with the package, where that was built as a wheel, or is made of the single files by
:func:`gather`. Single files and that library are kept apart for each version of numba. Every file is written aside and
then put in its place.
"""

from __future__ import annotations

import functools
import itertools
import json
import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from hashlib import blake2b
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, NamedTuple

from tracer.kernels.arguments import text
from tracer.kernels.loading import Entry, of_object_files, of_shared_library
from tracer.kernels.parts import digest
from tracer.kernels.target import level

_SINGLE: Final = ".kernel"
_OBJECTS: Final = ".objects"
_LINK_SECONDS: Final = 60

BUILT: Final = Path(__file__).parent / "built"
"""Where a wheel has the kernels that were compiled as it was built; a checkout has no such folder."""


def cache_directory() -> Path:
    """Where compiled kernels are kept between runs (the user's cache: the package may not be writable)."""
    named = os.environ.get("NUMBA_CACHE_DIR")
    if named:
        return Path(named)
    from platformdirs import user_cache_path

    return user_cache_path("poolscope", appauthor=False) / "kernels"


@functools.cache
def _folder() -> Path:
    """Of this version of numba, which is not imported to learn it: that costs 0.3 s."""
    numba = find_spec("numba")
    version = b"" if numba is None or numba.origin is None else Path(numba.origin).with_name("_version.py").read_bytes()
    return cache_directory() / f"numba-{blake2b(version, digest_size=4).hexdigest()}"


def found(function: Callable[..., Any], arguments: tuple[Any, ...], *, direct: bool = False) -> Entry:
    """The entry of a kernel for arguments of these types: of the library, of a file, or compiled now.

    ``direct``: an entry that C calls (:func:`tracer.kernels.compiler.compiled`).
    """
    made_of = _made_of(function)
    what = f"{'direct ' if direct else ''}{text(arguments)} {made_of}"
    name = f"{_path(function)}_{blake2b(what.encode(), digest_size=10).hexdigest()}"
    for library in _libraries():
        if name in library.gives:
            return Entry(library.address(name), library.gives[name])
    _state.gathered = False
    path = _folder() / f"{name}{_SINGLE}"
    single = _read(path)
    if single is None:
        if _state.tell:
            _state.tell[0]()
            _state.tell[:] = [lambda: None]
        from tracer.kernels import compiler

        code, letters = compiler.compiled(function, arguments, name, direct=direct)
        module, name_in_it, source = function.__module__, function.__qualname__, function.__code__.co_filename
        single = Single(letters, module, name_in_it, made_of, source, code)
        _write(path, single.packed())
    return Entry(of_object_files([single.code])(name), single.gives)


class Single(NamedTuple):
    """A kernel in a file of its own: a line of JSON, then the object file."""

    gives: str
    module: str
    function: str
    made_of: str
    source: str
    code: bytes

    def packed(self) -> bytes:
        """The file's content."""
        return json.dumps(self[:-1]).encode() + b"\n" + self.code


def _read(path: Path) -> Single | None:
    with suppress(OSError, ValueError, TypeError):
        line, _, code = path.read_bytes().partition(b"\n")
        gives, module, function, made_of, source = json.loads(line)
        return Single(gives, module, function, made_of, source, code)
    return None


def _path(function: Callable[..., Any]) -> str:
    return re.sub(r"\W+", "_", f"{function.__module__}.{function.__qualname__}")


def _made_of(function: Callable[..., Any]) -> str:
    return f"{digest(function)} {_tools()}"


@functools.cache
def _tools() -> str:
    """What makes machine code of parts, but for numba: this package, for a processor of this level."""
    own = b"".join(path.read_bytes() for path in sorted(Path(__file__).parent.glob("*.py")))
    return f"{sys.platform} {level()} {blake2b(own, digest_size=8).hexdigest()}"


def _write(path: Path, content: bytes) -> None:
    """Put it there whole, or not at all: a cache that cannot be written is no error."""
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        number, aside = tempfile.mkstemp(dir=path.parent)
        try:
            with os.fdopen(number, "wb") as file:
                file.write(content)
            Path(aside).replace(path)
        except OSError:
            Path(aside).unlink(missing_ok=True)
            raise


class _Library:
    """Many kernels in one file: what each gives, what it is made of, and where it is."""

    def __init__(self, gives: Mapping[str, str], made_of: Mapping[str, str], address: Callable[[str], int]) -> None:
        self.gives = gives
        self.address = address
        self._made_of = made_of

    def kernels(self) -> Iterator[tuple[tuple[str, str, str], str]]:
        """Module, colon and function of each, and what it is made of."""
        return ((name.partition(":"), made_of) for name, made_of in self._made_of.items())


def _own() -> str:
    """Each copy of Poolscope on a machine, and each Python that runs it, has a library of its own."""
    here = f"{Path(__file__).parent} {sys.implementation.cache_tag}"
    return f"kernels-{blake2b(here.encode(), digest_size=6).hexdigest()}"


def _built() -> str:
    """The library that comes with the package."""
    return f"built-{level()}"


@functools.cache
def _libraries() -> tuple[_Library, ...]:
    """That of the package, then that of the cache, where they are there and whole."""
    places = ((BUILT, _built()), (_folder(), _own()))
    return tuple(library for folder, name in places if (library := _loaded(folder, name)) is not None)


def _loaded(folder: Path, name: str) -> _Library | None:
    with suppress(OSError, ValueError, KeyError, TypeError):
        said = json.loads((folder / f"{name}.json").read_bytes())
        path = folder / said["file"]
        if path.suffix == _OBJECTS:
            content = path.read_bytes()
            bounds = itertools.pairwise([0, *itertools.accumulate(said["sizes"])])
            address = of_object_files([content[begin:end] for begin, end in bounds])
        else:
            address = of_shared_library(path)
        return _Library(said["gives"], said["made_of"], address)
    return None


class _State:
    """``gathered``: whether all kernels that this process called were in the library."""

    def __init__(self) -> None:
        self.gathered = True
        self.tell: list[Callable[[], None]] = []


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


def gather(rooms: Iterable[Path]) -> None:
    """Make the library anew, if kernels were not in it; remove files of kernels in these folders that are no more.

    A cache that cannot be written, or a linker that fails, is no error.
    """
    if _state.gathered:
        return
    with suppress(OSError):
        roots = [str(room) + os.sep for room in rooms]
        current: dict[str, Single] = {}
        for path in sorted(_folder().glob(f"*{_SINGLE}")):
            single = _read(path)
            if single is not None and _is_current(single.module, single.function, single.made_of):
                current[path.stem] = single  # whichever copy compiled it
            elif single is None or not _is_of_another_copy(single, roots):
                path.unlink(missing_ok=True)
        _put_together(current, _folder(), _own())
        _state.gathered = True


def build(folder: Path) -> None:
    """Make the library that comes with the package, of all that was compiled into the cache."""
    folder.mkdir(parents=True, exist_ok=True)
    singles = {path.stem: single for path in sorted(_folder().glob(f"*{_SINGLE}")) if (single := _read(path))}
    _put_together(singles, folder, _built())


def _is_of_another_copy(single: Single, roots: Sequence[str]) -> bool:
    """Whether its source is there, and not this copy's."""
    return not single.source.startswith(tuple(roots)) and Path(single.source).is_file()


def _is_current(module: str, function: str, made_of: str) -> bool:
    """Whether the code that is there makes this kernel."""
    try:
        return _made_of(getattr(import_module(module), function).__wrapped__) == made_of
    except (ImportError, AttributeError, TypeError):
        return False


def _put_together(singles: Mapping[str, Single], folder: Path, name: str) -> None:
    """Write a library and what is in it; an earlier one of this name goes."""
    objects = b"".join(single.code for single in singles.values())
    linked = _linked(singles)
    content, ending = (objects, _OBJECTS) if linked is None else (linked, ".so")
    file = f"{name}-{blake2b(content, digest_size=6).hexdigest()}{ending}"
    said = {
        "file": file,
        "sizes": [len(single.code) for single in singles.values()],
        "made_of": {f"{single.module}:{single.function}": single.made_of for single in singles.values()},
        "gives": {name: single.gives for name, single in singles.items()},
    }
    _write(folder / file, content)
    _write(folder / f"{name}.json", json.dumps(said).encode())
    for path in folder.glob(f"{name}-*"):
        if path.name != file:
            with suppress(OSError):  # Windows keeps a file that is loaded: the next time
                path.unlink()


def _linked(singles: Mapping[str, Single]) -> bytes | None:
    """A shared library of them, which the system loads in a millisecond; None where there is no linker.

    Only on Linux: on macOS asking for one may open a window that offers to install it.
    """
    import shutil
    import subprocess

    linker = shutil.which("ld") if sys.platform == "linux" else None
    if linker is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{place}.o" for place in range(len(singles))]
        for path, single in zip(paths, singles.values(), strict=True):
            path.write_bytes(single.code)
        library = Path(folder) / "library"
        try:
            subprocess.run(
                [linker, "-shared", "-o", library, *paths], check=True, capture_output=True, timeout=_LINK_SECONDS
            )
            of_shared_library(library)
        except (OSError, subprocess.SubprocessError):
            return None
        return library.read_bytes()
