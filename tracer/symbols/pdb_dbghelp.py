"""PDB files read by Windows' own dbghelp, which is asked for nothing but the file it is given.

Sources: Microsoft's pages of the functions and structures named here (dbghelp.h). Its options keep it from searching:
no symbol path, no symbol server, no dialogue. It serves one thread only, and one module at a time here.
"""

from __future__ import annotations

import ctypes as ct
import uuid
from pathlib import Path
from typing import Any, ClassVar, Final

from tracer.live.libraries import last_error, library
from tracer.symbols.pdbs import MOST_INLINED, MOST_TEXT, Identity, PdbError, line_or_none, refuse_another
from tracer.symbols.symbol import Inlined, Symbol

_OPTIONS: Final = (
    0x2  # UNDNAME: names without decoration
    | 0x10  # LOAD_LINES
    | 0x200  # FAIL_CRITICAL_ERRORS: no dialogue
    | 0x1000  # IGNORE_NT_SYMPATH
    | 0x80000  # NO_PROMPTS
    | 0x2000000  # DISABLE_SYMSRV_AUTODETECT
)
_BASE: Final = 0x1_8000_0000
"""Where a module is said to be loaded; a PDB given by itself needs one."""
_SIZE_OF_SYMBOL: Final = 88
"""sizeof(SYMBOL_INFOW), the first letter of its name included."""
_FROM_PDB: Final = frozenset({3, 7})
"""SymPdb and SymDia, of the kinds of symbols that a module can have."""


class SymbolInfo(ct.Structure):
    """SYMBOL_INFOW with room for a name."""

    _fields_: ClassVar = [
        ("size_of_struct", ct.c_uint32), ("type_index", ct.c_uint32), ("reserved", ct.c_uint64 * 2),
        ("index", ct.c_uint32), ("size", ct.c_uint32), ("module_base", ct.c_uint64), ("flags", ct.c_uint32),
        ("value", ct.c_uint64), ("address", ct.c_uint64), ("register", ct.c_uint32), ("scope", ct.c_uint32),
        ("tag", ct.c_uint32), ("name_length", ct.c_uint32), ("most_name", ct.c_uint32),
        ("name", ct.c_wchar * MOST_TEXT),
    ]  # fmt: skip


class Line(ct.Structure):
    """IMAGEHLP_LINEW64."""

    _fields_: ClassVar = [
        ("size_of_struct", ct.c_uint32), ("key", ct.c_void_p), ("number", ct.c_uint32), ("file", ct.c_wchar_p),
        ("address", ct.c_uint64),
    ]  # fmt: skip


class FileIndex(ct.Structure):
    """SYMSRV_INDEX_INFOW: what a store files a PDB or an image under."""

    _fields_: ClassVar = [
        ("size_of_struct", ct.c_uint32), ("file", ct.c_wchar * 261), ("is_stripped", ct.c_int32),
        ("stamp", ct.c_uint32), ("size", ct.c_uint32), ("dbg", ct.c_wchar * 261), ("pdb", ct.c_wchar * 261),
        ("guid", ct.c_uint8 * 16), ("signature", ct.c_uint32), ("age", ct.c_uint32),
    ]  # fmt: skip


class ModuleInfo(ct.Structure):
    """IMAGEHLP_MODULEW64."""

    _fields_: ClassVar = [
        ("size_of_struct", ct.c_uint32), ("base", ct.c_uint64), ("image_size", ct.c_uint32), ("stamp", ct.c_uint32),
        ("checksum", ct.c_uint32), ("symbols", ct.c_uint32), ("kind", ct.c_uint32), ("name", ct.c_wchar * 32),
        ("image", ct.c_wchar * 256), ("loaded_image", ct.c_wchar * 256), ("loaded_pdb", ct.c_wchar * 256),
        ("codeview", ct.c_uint32), ("codeview_data", ct.c_wchar * 780), ("old_signature", ct.c_uint32),
        ("guid", ct.c_uint8 * 16), ("age", ct.c_uint32), ("unmatched", ct.c_int32), ("dbg_unmatched", ct.c_int32),
        ("has_lines", ct.c_int32), ("has_globals", ct.c_int32), ("has_types", ct.c_int32), ("indexed", ct.c_int32),
        ("has_publics", ct.c_int32), ("machine", ct.c_uint32), ("reserved", ct.c_uint32),
    ]  # fmt: skip


class DbghelpPdbs:
    """A reader by dbghelp, for one thread. Raises OSError where the library does not start."""

    def __init__(self) -> None:
        self._dll = _declared(library("dbghelp"))
        self._process = ct.c_void_p(1)  # any number that is not 0 and no other's, since no process is looked into
        self._dll.SymSetOptions(_OPTIONS)
        if not self._dll.SymInitializeW(self._process, "", 0):
            raise OSError(last_error(), "SymInitializeW failed")
        self._loaded: tuple[Path, int, int] | None = None

    def close(self) -> None:
        """Give back what dbghelp holds."""
        self._dll.SymCleanup(self._process)

    def identity(self, path: Path) -> Identity:
        """Whose symbols the file has."""
        with path.open("rb"):  # says in the system's words why it cannot be opened
            pass
        index = FileIndex(size_of_struct=ct.sizeof(FileIndex))
        if not self._dll.SymSrvGetFileIndexInfoW(str(path), ct.byref(index), 0):
            raise PdbError(f"{path} is no PDB file, or damaged (error {last_error()} of dbghelp)")
        return Identity(uuid.UUID(bytes_le=bytes(index.guid)), index.age)

    def symbols(self, path: Path, wanted: Identity, size: int, addresses: list[int]) -> list[Symbol | None]:
        """What is at each address from the begin of the image."""
        refuse_another(path, self.identity(path), wanted)
        self._load(path, size)
        return [self._symbol(_BASE + address) if address < size else None for address in addresses]

    def _load(self, path: Path, size: int) -> None:
        file = path.stat()
        wanted = path, file.st_size, file.st_mtime_ns
        if self._loaded == wanted:
            return
        self._dll.SymUnloadModule64(self._process, _BASE)
        self._loaded = None
        module = ModuleInfo(size_of_struct=ct.sizeof(ModuleInfo))
        if (
            not self._dll.SymLoadModuleExW(self._process, None, str(path), None, _BASE, size, None, 0)
            or not self._dll.SymGetModuleInfoW64(self._process, _BASE, ct.byref(module))
            or module.kind not in _FROM_PDB
        ):
            raise PdbError(f"{path} is not read by dbghelp (error {last_error()})")
        self._loaded = wanted

    def _symbol(self, address: int) -> Symbol | None:
        info, displacement = _symbol_info(), ct.c_uint64()
        if not self._dll.SymFromAddrW(self._process, address, ct.byref(displacement), ct.byref(info)):
            return None
        inlined, context = self._inlined(address)
        line, file = self._line(address, context)
        return Symbol(info.name, displacement.value, file, line, inlined)

    def _inlined(self, address: int) -> tuple[tuple[Inlined, ...], int | None]:
        """The functions inlined at an address, and the context of the function they are in."""
        count = self._dll.SymAddrIncludeInlineTrace(self._process, address)
        context, frame = ct.c_uint32(), ct.c_uint32()
        if not count or not self._dll.SymQueryInlineTrace(
            self._process, address, 0, address, address, ct.byref(context), ct.byref(frame)
        ):
            return (), None
        functions = []
        for each in range(context.value, context.value + min(count, MOST_INLINED)):
            info, displacement = _symbol_info(), ct.c_uint64()
            if self._dll.SymFromInlineContextW(self._process, address, each, ct.byref(displacement), ct.byref(info)):
                line, file = self._line(address, each)
                functions.append(Inlined(info.name, file, line))
        return tuple(functions), context.value + count

    def _line(self, address: int, context: int | None) -> tuple[int, str]:
        line, displacement = Line(size_of_struct=ct.sizeof(Line)), ct.c_uint32()
        if context is None:
            found = self._dll.SymGetLineFromAddrW64(self._process, address, ct.byref(displacement), ct.byref(line))
        else:
            found = self._dll.SymGetLineFromInlineContextW(
                self._process, address, context, _BASE, ct.byref(displacement), ct.byref(line)
            )
        return (line_or_none(line.number), (line.file or "")[-MOST_TEXT:]) if found else (0, "")


def _symbol_info() -> SymbolInfo:
    return SymbolInfo(size_of_struct=_SIZE_OF_SYMBOL, most_name=MOST_TEXT)


def _declared(dll: Any) -> Any:  # noqa: ANN401 - a library of ctypes
    """The library with the types of its arguments."""
    process, address, out, dword = ct.c_void_p, ct.c_uint64, ct.c_void_p, ct.c_uint32
    for name, result, arguments in (
        ("SymSetOptions", dword, (dword,)),
        ("SymInitializeW", ct.c_int, (process, ct.c_wchar_p, ct.c_int)),
        ("SymCleanup", ct.c_int, (process,)),
        ("SymLoadModuleExW", ct.c_uint64, (process, out, ct.c_wchar_p, ct.c_wchar_p, address, dword, out, dword)),
        ("SymUnloadModule64", ct.c_int, (process, address)),
        ("SymSrvGetFileIndexInfoW", ct.c_int, (ct.c_wchar_p, out, dword)),
        ("SymGetModuleInfoW64", ct.c_int, (process, address, out)),
        ("SymFromAddrW", ct.c_int, (process, address, out, out)),
        ("SymGetLineFromAddrW64", ct.c_int, (process, address, out, out)),
        ("SymAddrIncludeInlineTrace", dword, (process, address)),
        ("SymQueryInlineTrace", ct.c_int, (process, address, dword, address, address, out, out)),
        ("SymFromInlineContextW", ct.c_int, (process, address, dword, out, out)),
        ("SymGetLineFromInlineContextW", ct.c_int, (process, address, dword, address, out, out)),
    ):
        function = getattr(dll, name)
        function.restype, function.argtypes = result, arguments
    return dll
