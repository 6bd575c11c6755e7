"""Plays, analyses and judges cases, in as many processes as there are cores."""

from __future__ import annotations

import os
import traceback
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

from analyzers.analysis import Analysis
from analyzers.findings import Diagnosis
from analyzers.tags import TagNames
from benchmarks.accuracy.corpus import Case
from benchmarks.accuracy.judging import Judgement, Outcome, judge
from benchmarks.accuracy.truth import Truth
from fixtures.etl.rolling import rolled
from tracer.etl.file import EtlFile
from tracer.etl.joining.belonging import groups_of
from tracer.etl.joining.source import JoinedFiles


@dataclass(frozen=True, slots=True)
class Result:
    """``bytes``: of the trace's file."""

    case: Case
    judgement: Judgement
    truth: Truth
    bytes: int


def judged(cases: Sequence[Case], processes: int = 0) -> Iterator[Result]:
    """A result for each case, in their order, as they come in; 0 processes: one a core."""
    count = processes or os.cpu_count() or 1
    if count == 1 or len(cases) < 2:
        yield from map(judge_case, cases)
        return
    with ProcessPoolExecutor(count, mp_context=get_context("spawn")) as pool:
        yield from pool.map(judge_case, cases, chunksize=4)


def judge_case(case: Case) -> Result:
    """Play one, analyse it from a file as a user would, and judge. An error of the analysis is an outcome."""
    data, truth = case.play()
    try:
        judgement = judge(_diagnosis(_files(data, case.files)), truth, case.spoiling)
    except Exception as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{Path(last.filename).name}:{last.lineno}"
        judgement = Judgement(Outcome.BROKEN, says=f"{type(error).__name__} at {where}: {error}")
    return Result(case, judgement, truth, len(data))


def _files(data: bytes, count: int) -> list[bytes]:
    """The files of the session, in no particular order."""
    parts = rolled(data, [each / count for each in range(1, count)]) if count > 1 else [data]
    return parts[::-1]


def _diagnosis(files: Sequence[bytes]) -> Diagnosis:
    """What is concluded about the one trace that the files are; ``ValueError`` where they are taken for several."""
    with TemporaryDirectory(prefix="poolscope-accuracy-") as folder:
        paths = [Path(folder) / f"trace_{number:06}.etl" for number in range(len(files), 0, -1)]
        for path, data in zip(paths, files, strict=True):
            path.write_bytes(data)
        (group,) = groups_of(paths)
        with EtlFile.open(paths[0]) if len(paths) == 1 else JoinedFiles.open(group) as source:
            analysis = Analysis(source, TagNames.load())
            for batch in source.batches(Analysis.KINDS):
                analysis.feed(batch)
            return analysis.snapshot().diagnosis
