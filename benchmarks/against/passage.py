"""Times passages through a trace. Runs in the environment of whichever commit is measured, and uses only what each has.

``python passage.py TRACE`` answers every line on stdin with one line of JSON: the seconds of one passage, and the peak
memory so far. ``bare`` leaves out all events but those of the pool, of processes and of images, and the diagnosis.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path

from analyzers.analysis import Analysis
from analyzers.tags import TagNames
from tracer.etl.file import EtlFile

_BARE = frozenset({"pool", "process", "image"})
_NO_NAMES = TagNames(())


def passage(path: Path, *, bare: bool) -> dict[str, float]:
    """``whole``: from opening the file to the end; ``analysed``: of that, in the analysis alone."""
    clock = time.perf_counter
    began, analysed = clock(), 0.0
    with EtlFile.open(path, threads=1) as source:
        analysis = Analysis(source, _NO_NAMES)
        for batch in source.batches(_BARE if bare else Analysis.KINDS):
            at = clock()
            analysis.feed(batch)
            analysed += clock() - at
        at = clock()
        snapshot = analysis.snapshot(diagnosed=not bare)
        analysed += clock() - at
        whole = clock() - began
    return {"whole": whole, "analysed": analysed, "findings": len(snapshot.diagnosis.findings)}


def main() -> None:
    """Until stdin ends."""
    path = Path(sys.argv[1])
    for line in sys.stdin:
        found = passage(path, bare=line.strip() == "bare")
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        print(json.dumps({**found, "peak": peak}), flush=True)


if __name__ == "__main__":
    main()
