"""The process that analyses the traces of one worker, one after the other, and may die of any of them.

Jobs come in by lines of JSON, answers go out so. It ends with its input: whoever asks may be gone at any moment.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import queue
import shutil
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

from analyzers.fleet.rows import Place, rows_of
from analyzers.tags import TagNames
from tracer.errors import InputError, PoolscopeError
from tui.errors import internal
from tui.fleet.sources import Source, file_system
from tui.json_documents.error import error_document
from tui.reading.symbols import name_source
from tui.reading.trace import read_telling_session

_PIECE: Final = 1 << 20
_FREE: Final = 256 << 20
"""Bytes of the temporary folder's disk that stay free, as for what is unpacked."""


def main() -> None:
    """Answer until the input ends."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is no answer
    jobs: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_read_jobs, args=(jobs,), daemon=True).start()
    with ExitStack() as stack:

        def say(document: Mapping[str, Any]) -> None:
            answers.write(json.dumps(document).encode("ascii") + b"\n")
            answers.flush()

        tools = _Tools(stack, say)
        while True:
            say(tools.answer(json.loads(jobs.get())))


def _read_jobs(jobs: queue.SimpleQueue[bytes]) -> None:
    for line in sys.stdin.buffer:
        jobs.put(line)
    os._exit(0)  # in the midst of a trace: nobody waits for it any more


class _Tools:
    """What is the same for all jobs of a run, made once: lists of tags, and what names addresses."""

    def __init__(self, stack: ExitStack, say: Callable[[Mapping[str, Any]], None]) -> None:
        self._stack, self._say = stack, say
        self._options: dict[str, Any] | None = None

    def answer(self, job: Mapping[str, Any]) -> dict[str, Any]:
        """``trace`` and ``findings``, ``known`` for a hash that is, or ``error``; with all, ``hash`` and ``bytes``."""
        told: dict[str, Any] = {"hash": "", "bytes": job["bytes"]}
        try:
            self._prepare(job["options"])
            with _here(Source(job["place"]), job["options"]["storage"], told) as path:
                if told["hash"] in job["known"]:
                    return told | {"known": True}
                self._say({"begun": told})  # so that whoever asks knows the content of what may end this process
                return told | self._rows(path, Source(job["place"]), told)
        except PoolscopeError as error:
            return told | error_document(error)
        except MemoryError:
            return told | error_document(
                InputError("out-of-memory", "the trace takes more memory than there is", where=job["place"])
            )
        except Exception as error:  # whatever it is, it is this trace's, and others wait
            return told | error_document(internal(error))

    def _prepare(self, options: dict[str, Any]) -> None:
        if self._options == options:
            return
        self._stack.close()
        self._names = TagNames.load(None if options["pooltag"] is None else Path(options["pooltag"]))
        wanted = argparse.Namespace(
            symbols=options["symbols"],
            symbol_server=options["symbol_server"],
            map=None if options["map"] is None else Path(options["map"]),
            quiet=True,
        )
        self._source = self._stack.enter_context(name_source(wanted))
        self._options = options

    def _rows(self, path: Path, source: Source, told: Mapping[str, Any]) -> dict[str, Any]:
        symbols = None if self._source is None else self._source.symbols()
        snapshot, _ = read_telling_session(path, self._names, quiet=True, symbols=symbols)
        trace, findings = rows_of(snapshot, Place(told["hash"], told["bytes"], source.place, source.folder))
        return {"trace": trace.document(), "findings": [each.document() for each in findings]}


@contextmanager
def _here(source: Source, storage: Mapping[str, Any], told: dict[str, Any]) -> Iterator[Path]:
    """Where the trace can be read; its hash and size are told by then. Raises InputError, MachineError."""
    with ExitStack() as opened:
        try:
            if source.is_remote:
                system, name = file_system(source.place, storage)
                stream = opened.enter_context(system.open(name, "rb"))
                folder = Path(opened.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True)))
                path = folder / (Path(name).name or "trace.etl")
            else:
                path = Path(source.place)
                if path.exists() and not path.is_file():  # a pipe would never end
                    raise InputError("not-a-file", "this is no file", where=source.place, next="give an .etl file")
                stream, folder = opened.enter_context(path.open("rb")), None
            hashed, size = hashlib.blake2b(digest_size=32), 0
            with path.open("wb") if folder else open(os.devnull, "wb") as copy:  # noqa: PTH123
                while piece := stream.read(_PIECE):
                    hashed.update(piece)
                    size += len(piece)
                    if folder is not None:
                        _check_room(folder, len(piece), source.place)
                        copy.write(piece)
        except (OSError, ValueError) as error:
            raise InputError(
                "unreadable",
                "the trace cannot be read",
                where=source.place,
                why=str(error) or type(error).__name__,
                next="check that it is there, and that the workers may read it",
            ) from error
        told.update(hash=hashed.hexdigest(), bytes=size)
        yield path


def _check_room(folder: Path, more: int, place: str) -> None:
    if shutil.disk_usage(folder).free < _FREE + more:
        raise InputError(
            "no-room",
            "there is no room to fetch the trace",
            where=place,
            why=f"the disk of {folder.parent} would be full",
            next="set TMPDIR (TEMP on Windows) of the workers to a folder with more room",
        )


if __name__ == "__main__":
    main()
