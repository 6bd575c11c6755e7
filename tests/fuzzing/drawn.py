"""Inputs that hypothesis draws, and makes short where they show a defect."""

from __future__ import annotations

import random
import time

from hypothesis import HealthCheck, Phase, Verbosity, given, seed, settings
from hypothesis import strategies as st

from tests.fuzzing.corpus import inputs_of, write_lines
from tests.fuzzing.running import Plan, Result, kind_of

_EXAMPLES = 200
"""Of one draw: then it looks at the clock."""


def inputs_for(name: str) -> st.SearchStrategy[bytes]:
    """Inputs of a target: its own mutations, by choices that hypothesis makes, and any bytes."""
    target, inputs = inputs_of(name)

    def mutated(rng: random.Random) -> bytes:
        return target.mutate(rng, inputs)

    return st.randoms(use_true_random=False).map(mutated) | st.binary(max_size=400)


def draw(plan: Plan) -> Result:
    """Run a plan in this process; it ends at the first defect, made as short as hypothesis can."""
    result = Result(plan.target, "hypothesis", plan.seed, 0)
    target, _ = inputs_of(plan.target)
    last = b""

    def check(data: bytes) -> None:
        nonlocal last
        result.executions += 1
        last = data
        began = time.process_time()
        target.check(data)
        result.slowest = max(result.slowest, time.process_time() - began)

    began, turn = time.monotonic(), 0
    while result.executions < plan.executions and time.monotonic() - began < plan.seconds and not result.found:
        examples = min(_EXAMPLES, plan.executions - result.executions)
        drawn = settings(
            max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck),
            phases=[Phase.generate, Phase.shrink], verbosity=Verbosity.quiet,
        )(given(inputs_for(plan.target))(check))  # fmt: skip
        try:
            seed(plan.seed + turn)(drawn)()
        except Exception as error:
            result.found.append(kind_of(error))
            write_lines(plan.folder / f"{plan.target}.txt", result.found[-1], [last])
        turn += 1
    result.seconds = time.monotonic() - began
    return result
