"""Compiled kernels between runs: each in a file of its own where it was just compiled, all in one library later.

A kernel is found by its name, the types that it is called with, and its parts: the code, constants and records that it
is made of, and the tools that made it. So what was compiled of other code is never taken. The library
(``KERNELS.so`` or ``.objects``, with ``.json`` beside it that tells what is in it) is made of the single files by
:func:`gather`. Every file is written aside and then put in its place.
"""

from __future__ import annotations

import functools
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from hashlib import blake2b
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from tracer.kernels.arguments import text
from tracer.kernels.loading import Entry, of_object_files, of_shared_library
from tracer.kernels.parts import digest
from tracer.kernels.target import level

if TYPE_CHECKING:
    from tracer.kernels.declared import Kernel

_SINGLE: Final = ".kernel"
_OBJECTS: Final = ".objects"
_LINK_SECONDS: Final = 60


def cache_directory() -> Path:
    """Where compiled kernels are kept between runs (the user's cache: the package may not be writable)."""
    named = os.environ.get("NUMBA_CACHE_DIR")
    if named:
        return Path(named)
    from platformdirs import user_cache_path

    return user_cache_path("poolscope", appauthor=False) / "kernels"


def found(kernel: Kernel[..., Any], arguments: tuple[Any, ...], *, direct: bool = False) -> Entry:
    """The entry of a kernel for arguments of these types: of the library, of a file, or compiled now.

    ``direct``: an entry that C calls (:func:`tracer.kernels.compiler.compiled`).
    """
    made_of = _made_of(kernel)
    what = f"{'direct ' if direct else ''}{text(arguments)} {made_of}"
    name = f"{_path(kernel)}_{blake2b(what.encode(), digest_size=10).hexdigest()}"
    library = _library()
    if name in library.gives:
        return Entry(library.address(name), library.gives[name])
    _state.gathered = False
    path = cache_directory() / f"{name}{_SINGLE}"
    single = _read(path)
    if single is None:
        if _state.tell:
            _state.tell[0]()
            _state.tell[:] = [lambda: None]
        from tracer.kernels import compiler

        code, letters = compiler.compiled(kernel, arguments, name, direct=direct)
        called = kernel.called
        single = Single(letters, called.__module__, called.__qualname__, made_of, called.__code__.co_filename, code)
        write(path, single.packed())
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
        return Single(*json.loads(line), code)
    return None


def _path(kernel: Kernel[..., Any]) -> str:
    return re.sub(r"\W+", "_", f"{kernel.called.__module__}.{kernel.called.__qualname__}")


def _made_of(kernel: Kernel[..., Any]) -> str:
    return f"{digest(kernel.called)} {_tools()}"


@functools.cache
def _tools() -> str:
    """What machine code is made for and made with: the processor's level, this package, numba."""
    own = b"".join(path.read_bytes() for path in sorted(Path(__file__).parent.glob("*.py")))
    numba = find_spec("numba")  # not imported: that costs 0.3 s
    version = b"" if numba is None or numba.origin is None else Path(numba.origin).with_name("_version.py").read_bytes()
    return f"{sys.platform} {level()} {blake2b(own + version, digest_size=8).hexdigest()}"


def write(path: Path, content: bytes) -> None:
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
    """All kernels that an earlier run gathered: what each gives, and where it is."""

    def __init__(self, gives: Mapping[str, str], made_of: Mapping[str, str], address: Callable[[str], int]) -> None:
        self.gives = gives
        self.made_of = made_of
        self.address = address


def _own() -> str:
    """Each copy of Poolscope on a machine, and each Python that runs it, has a library of its own."""
    here = f"{Path(__file__).parent} {sys.implementation.cache_tag}"
    return f"kernels-{blake2b(here.encode(), digest_size=6).hexdigest()}"


@functools.cache
def _library() -> _Library:
    with suppress(OSError, ValueError, KeyError, TypeError):
        said = json.loads((cache_directory() / f"{_own()}.json").read_bytes())
        path = cache_directory() / said["file"]
        if path.suffix == _OBJECTS:
            content = path.read_bytes()
            bounds = itertools.pairwise([0, *itertools.accumulate(said["sizes"])])
            return _Library(said["gives"], said["made_of"], of_object_files([content[begin:end] for begin, end in bounds]))
        return _Library(said["gives"], said["made_of"], of_shared_library(path))
    return _Library({}, {}, lambda _: 0)


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
    """Whether the library holds kernels, all of them made of the code that is there."""
    made_of = _library().made_of
    return bool(made_of) and all(_is_current(*name.rsplit(":", 1), made) for name, made in made_of.items())


def gather(rooms: Iterable[Path]) -> None:
    """Make the library anew, if kernels were not in it; remove files of kernels in these folders that are no more.

    A cache that cannot be written, or a linker that fails, is no error.
    """
    if _state.gathered:
        return
    with suppress(OSError):
        singles = {path.stem: single for path in cache_directory().glob(f"*{_SINGLE}") if (single := _read(path))}
        roots = [str(room) + os.sep for room in rooms]
        current: dict[str, Single] = {}
        for name, single in sorted(singles.items()):
            if any(single.source.startswith(root) for root in roots):
                if _is_current(single.module, single.function, single.made_of):
                    current[name] = single
                    continue
            elif Path(single.source).is_file():  # of another copy
                continue
            (cache_directory() / f"{name}{_SINGLE}").unlink(missing_ok=True)
        _put_together(current)
        _state.gathered = True


def _is_current(module: str, function: str, made_of: str) -> bool:
    """Whether the code that is there makes this kernel."""
    try:
        return _made_of(getattr(import_module(module), function)) == made_of
    except (ImportError, AttributeError, TypeError):
        return False


def _put_together(singles: Mapping[str, Single]) -> None:
    objects = b"".join(single.code for single in singles.values())
    stem = f"{_own()}-{blake2b(objects, digest_size=6).hexdigest()}"
    linked = _linked(singles)
    file = f"{stem}{_OBJECTS if linked is None else '.so'}"
    write(cache_directory() / file, objects if linked is None else linked)
    said = {
        "file": file,
        "sizes": [len(single.code) for single in singles.values()],
        "made_of": {f"{single.module}:{single.function}": single.made_of for single in singles.values()},
        "gives": {name: single.gives for name, single in singles.items()},
    }
    write(cache_directory() / f"{_own()}.json", json.dumps(said).encode())
    for path in cache_directory().glob(f"{_own()}-*"):
        if path.name != file:
            with suppress(OSError):
                path.unlink()


def _linked(singles: Mapping[str, Single]) -> bytes | None:
    """A shared library of them, which the system loads in a millisecond; None where there is no linker.

    Only on Linux: on macOS asking for one may open a window that offers to install it.
    """
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
