"""A program: rehearses, analyses a trace, and prints which kernels of the analysis only the trace compiled."""

from __future__ import annotations

import json
import sys

from analyzers.jit_warmup import rehearse
from fixtures.demo import DEMO_TRACE
from tests.analyzers.against_truth import analysed
from tracer.kernels.declared import Kernel


def compiled() -> set[str]:
    """Every compiled kernel of the analysis, with the types it was compiled for."""
    return {
        f"{module.__name__}.{name} {key}"
        for module in list(sys.modules.values())
        if module.__name__.startswith("analyzers.")
        for name, value in vars(module).items()
        if isinstance(value, Kernel)
        for key in value._entries
    }


if __name__ == "__main__":
    rehearse()
    rehearsed = compiled()
    analysed(DEMO_TRACE)
    json.dump({"rehearsed": sorted(rehearsed), "new": sorted(compiled() - rehearsed)}, sys.stdout)
