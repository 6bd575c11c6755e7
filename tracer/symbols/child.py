"""The process that reads PDB files and images for another: requests come in by lines of JSON, answers go out so.

What happens in it to a damaged or malicious file happens to it alone: its memory is bounded here, its time by whoever
asks (:mod:`.reader`), and its death is told by the end of its output.
"""

from __future__ import annotations

import json
import os
import sys
import uuid
from collections.abc import Callable
from dataclasses import astuple
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from tracer.symbols.limits import limit_memory
from tracer.symbols.pdbs import Identity, PdbError, Pdbs
from tracer.symbols.symbol import Symbol

MEMORY: Final = 512 << 20
"""Bytes that reading may take: a PDB of 26 MB (48,000 functions) took 120 MB with symbolic 13.9."""
_MOST_WORDS: Final = 300
"""Letters of a library's own words: some tell where in their source they were."""


def reader_of_this_system(cache: Path) -> Pdbs:
    """Windows' own reader there, symbolic elsewhere; ``cache``: the folder for what it makes of PDB files."""
    if sys.platform == "win32":
        from tracer.symbols.pdb_dbghelp import DbghelpPdbs

        return DbghelpPdbs()
    from tracer.symbols.pdb_symbolic import SymbolicPdbs

    return SymbolicPdbs(cache)


def main(cache: str) -> None:
    """Answer until the input ends; ``cache``: the folder for what is kept of PDB files."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is no answer
    limit_memory(MEMORY)
    pdbs = lru_cache(maxsize=1)(lambda: reader_of_this_system(Path(cache)))
    for line in sys.stdin.buffer:
        answers.write(json.dumps(answer(pdbs, json.loads(line))).encode("ascii") + b"\n")
        answers.flush()


def answer(pdbs: Callable[[], Pdbs], request: dict[str, Any]) -> dict[str, Any]:
    """``guid`` and ``age``, or ``symbols`` (what is at each address), or ``error``.

    ``pdbs``: the reader of PDB files, which exports do not need.
    """
    do: dict[str, Callable[[], dict[str, Any]]] = {
        "identity": lambda: _identity(pdbs().identity(Path(request["path"]))),
        "symbols": lambda: _symbols(pdbs(), request),
        "exports": lambda: _exports(request),
    }
    try:
        return do[request["do"]]()
    except PdbError as error:
        return {"error": str(error)}
    except ImportError as error:
        return {"error": f"{request['path']} is not read: what reads it does not start ({error})"}
    except OSError as error:
        return {"error": f"{request['path']} cannot be read: {error.strerror or error}"}
    except MemoryError:
        return {"error": f"{request['path']} takes more than {MEMORY >> 20} MB to read"}
    except Exception as error:  # whatever a library raises at a file that is damaged is an error of that file
        words = " ".join((str(error) or type(error).__name__).split())
        return {"error": f"{request['path']} is damaged: {words[:_MOST_WORDS]}"}


def _identity(found: Identity) -> dict[str, Any]:
    return {"guid": found.guid.hex, "age": found.age}


def _symbols(pdbs: Pdbs, request: dict[str, Any]) -> dict[str, Any]:
    wanted = Identity(uuid.UUID(request["guid"]), request["age"])
    return _listed(pdbs.symbols(Path(request["path"]), wanted, request["size"], request["addresses"]))


def _exports(request: dict[str, Any]) -> dict[str, Any]:
    from tracer.symbols.exports import nearest_exports

    path, stamp, size = Path(request["path"]), request["stamp"], request["size"]
    return _listed(nearest_exports(path, stamp, size, request["addresses"]))


def _listed(symbols: list[Symbol | None]) -> dict[str, Any]:
    return {"symbols": [symbol and astuple(symbol) for symbol in symbols]}
