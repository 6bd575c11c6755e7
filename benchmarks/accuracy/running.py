"""Plays, analyses and judges cases, in as many processes as there are cores."""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from analyzers.analysis import Analysis
from analyzers.findings import Diagnosis
from analyzers.symbolization import Symbols
from analyzers.tags import TagNames
from benchmarks.accuracy.corpus import Case
from benchmarks.accuracy.judging import Judgement, Outcome, judge
from benchmarks.accuracy.truth import Truth
from fixtures.etl.rolling import rolled
from tracer.etl.file import EtlFile
from tracer.etl.joining.belonging import groups_of
from tracer.etl.joining.source import JoinedFiles
from tracer.symbols.map_file import MapFile
from tracer.symbols.path import parse_symbol_path
from tracer.symbols.resolver import Resolver

_Done = TypeVar("_Done")
FunctionName = tuple[str, int, str]
"""Module file, offset and name."""


@dataclass(frozen=True, slots=True)
class Result:
    """``judgement``: without names of functions; ``with_names``: with them. ``bytes``: of the trace's file."""

    case: Case
    judgement: Judgement
    with_names: Judgement
    truth: Truth
    bytes: int


def judged(cases: Sequence[Case], processes: int = 0) -> Iterator[Result]:
    """A result for each case, in their order, as they come in; 0 processes: one a core."""
    return each_of(judge_case, cases, processes)


def each_of(do: Callable[[Case], _Done], cases: Sequence[Case], processes: int) -> Iterator[_Done]:
    """What is done with each case, in their order, as it comes in; 0 processes: one a core."""
    count = processes or os.cpu_count() or 1
    if count == 1 or len(cases) < 2:
        yield from map(do, cases)
        return
    with ProcessPoolExecutor(count, mp_context=get_context("spawn")) as pool:
        yield from pool.map(do, cases, chunksize=4)


def judge_case(case: Case) -> Result:
    """Play one, analyse it from a file as a user would, and judge. An error of the analysis is an outcome."""
    data, truth = case.play()
    files = _files(data, case.files)
    without, with_names = (_judgement(case, files, truth, names) for names in ((), truth.names))
    return Result(case, without, with_names, truth, len(data))


def _judgement(case: Case, files: Sequence[bytes], truth: Truth, names: Sequence[FunctionName]) -> Judgement:
    try:
        return judge(_diagnosis(files, names), truth, case.spoiling)
    except Exception as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{Path(last.filename).name}:{last.lineno}"
        return Judgement(Outcome.BROKEN, says=f"{type(error).__name__} at {where}: {error}")


def diagnosis_of(case: Case, data: bytes) -> Diagnosis:
    """What is concluded about a case's trace, without names of functions. Errors are those of the analysis."""
    return _diagnosis(_files(data, case.files), ())


def _files(data: bytes, count: int) -> list[bytes]:
    """The files of the session, in no particular order."""
    parts = rolled(data, [each / count for each in range(1, count)]) if count > 1 else [data]
    return parts[::-1]


def _diagnosis(files: Sequence[bytes], names: Sequence[FunctionName]) -> Diagnosis:
    """What is concluded about the one trace that the files are; ``ValueError`` where they are taken for several."""
    with TemporaryDirectory(prefix="poolscope-accuracy-") as folder:
        paths = [Path(folder) / f"trace_{number:06}.etl" for number in range(len(files), 0, -1)]
        for path, data in zip(paths, files, strict=True):
            path.write_bytes(data)
        symbols = _symbols(Path(folder), names)
        (group,) = groups_of(paths)
        with EtlFile.open(paths[0]) if len(paths) == 1 else JoinedFiles.open(group) as source:
            analysis = Analysis(source, TagNames.load(), symbols=symbols)
            for batch in source.batches(Analysis.KINDS):
                analysis.feed(batch)
            return analysis.snapshot().diagnosis


def _symbols(folder: Path, names: Sequence[FunctionName]) -> Symbols | None:
    """From a map file, as a user would give it; ``None`` where there are no names."""
    if not names:
        return None
    path = folder / "functions.map"
    path.write_text("".join(f"{module} {offset:#x} {name}\n" for module, offset, name in names), encoding="utf-8")
    places = parse_symbol_path("", folder, network=False)
    return Symbols(lambda: Resolver(places, folder, map_file=MapFile(path)))
