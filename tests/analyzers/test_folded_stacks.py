"""Many stacks are folded as one is."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzers.folded_stacks import folded
from analyzers.plumbing import runs_of
from analyzers.pool_tables import Frame
from tracer.symbols.symbol import Source, Symbol

NT = "ntoskrnl.exe"
NAMES = [
    (NT, "ExAllocatePool2"), (NT, "IofCallDriver"), (NT, "VerifierExAllocatePoolWithTag"), (NT, "CmpAllocate"),
    (NT, ""), ("hal.dll", "HalpFlush"), ("contosodev.sys", "CtDispatch"), ("contosodev.sys", ""), ("", ""),
]  # fmt: skip
FRAMES = [Frame(1, module, 0, Symbol(name, 0) if name else None, Source.PDB) for module, name in NAMES]
FRAMES.append(Frame(1, NT, 0, Symbol("ExAllocatePool2", 0), Source.EXPORTS))


@settings(max_examples=400, deadline=None)
@given(st.lists(st.lists(st.sampled_from(range(len(FRAMES))), max_size=7), max_size=6))
def test_what_is_folded_in_many_stacks_is_what_is_folded_in_each(stacks: list[list[int]]) -> None:
    which = np.array([frame for stack in stacks for frame in stack], np.int64)
    bounds = np.cumsum([0, *map(len, stacks)])
    found = folded(FRAMES, which, bounds).tolist()
    for begin, stack in zip(bounds.tolist(), stacks, strict=False):
        every = runs_of([FRAMES[each] for each in stack])
        expected = [bool(run.parts) for run in every for _ in range(run.begin, run.end)]
        assert found[begin : begin + len(stack)] == expected
