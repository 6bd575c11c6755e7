"""What a kernel is made of: whatever would make other machine code makes another digest, and nothing else does."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest

from tracer.kernels.parts import digest
from tracer.kernels.steps import Step

NUMPY = "import numpy as np\n"


def parts_of(source: str, **known: Any) -> str:
    """The digest of the function "run" in this source."""
    names: dict[str, Any] = {"__name__": "made", **known}
    exec(source, names)
    return digest(names["run"])


def step(source: str) -> Step[..., Any]:
    names: dict[str, Any] = {"__name__": "steps"}
    exec(source, names)
    return Step(names["step"], inline=True)


PLUS, MINUS = step("def step(x): return x + 1"), step("def step(x): return x - 1")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("def run(x): return x + 1", "def run(x): return x + 2"),
        ("def run(x): return x + 1", "def run(x): return x + 1.0"),
        ("def run(x): return min(x, 1)", "def run(x): return max(x, 1)"),
        ("def run(x): return x.first", "def run(x): return x.second"),
        (NUMPY + "def run(x): return np.int32(x)", NUMPY + "def run(x): return np.int64(x)"),
        ("def run(a, b): return a - b", "def run(b, a): return a - b"),
        ("def run(x, y=1): return x + y", "def run(x, y=2): return x + y"),
        ("def run(x, *, y=1): return x + y", "def run(x, *, y=2): return x + y"),
        ("A = 1\ndef run(x): return x + A", "A = 2\ndef run(x): return x + A"),
    ],
)
def test_other_code_makes_other_parts(one: str, other: str) -> None:
    assert parts_of(one) == parts_of(one)
    assert parts_of(one) != parts_of(other)


def test_steps_that_change_names_make_other_parts() -> None:
    run, other = "def run(x): return one(x) * 2 + other(x)", step("def step(x): return x - 2")
    other.called.__qualname__ = "other_step"
    assert parts_of(run, one=PLUS, other=other) != parts_of(run, one=other, other=PLUS)


def test_steps_of_the_same_name_are_told_apart() -> None:
    run = "def run(x): return one(x) + other(x)"
    assert len({parts_of(run, one=one, other=other) for one in (PLUS, MINUS) for other in (PLUS, MINUS)}) == 4


def test_what_a_function_closes_over_is_a_part() -> None:
    def made(value: Any) -> Any:
        def run(x: Any) -> Any:
            return x + value

        return run

    assert digest(made(1)) == digest(made(1))
    assert digest(made(1)) != digest(made(2))
    with pytest.raises(TypeError, match="uses value, and what of a str"):
        digest(made("text"))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (np.arange(3), np.arange(3)[::-1]),
        (np.zeros(1, np.uint8), np.zeros(1, np.int8)),
        (np.zeros(2, np.int8), np.zeros((2, 1), np.int8)),
        (np.zeros(1, "<u4"), np.zeros(1, ">u4")),
    ],
)
def test_another_array_makes_other_parts(one: Any, other: Any) -> None:
    run = "def run(x): return values[x]"
    assert parts_of(run, values=one) == parts_of(run, values=one.copy())
    assert parts_of(run, values=one) != parts_of(run, values=other)


def test_what_is_said_of_a_kernel_is_no_part_of_it() -> None:
    assert parts_of("def run(x):\n '''One.'''\n return x") == parts_of("\n\ndef run(x):\n '''Two.'''\n return x")
    assert parts_of("def run(x):\n '''One.'''\n return x") != parts_of("def run(x):\n return 'One.'")


MODULE = ModuleType("constants")
MODULE.LIMIT = 3  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("def run(x): return x + constants.LIMIT", "uses constants, a module: import what it needs of it by name"),
        ("from enum import IntEnum\nclass E(IntEnum):\n A = 1\ndef run(x): return x + E.A", "of a EnumType"),
        ("T = (1, 2)\ndef run(x): return T[x]", "of a tuple"),
        ("def run(x, y=(1, 2)): return y[x]", "of a tuple"),
        ("def run(x): return (lambda y: y)(x)", "has a function in it"),
    ],
)
def test_what_cannot_be_seen_to_change_is_refused(source: str, why: str) -> None:
    with pytest.raises(TypeError, match=why):
        parts_of(source, constants=MODULE)


def test_an_attribute_may_be_called_as_a_module_is() -> None:
    assert parts_of("def run(x): return x.constants", constants=MODULE)


def test_a_record_of_numbers_is_a_constant() -> None:
    rows = np.array([(1, 2)], [("first", np.uint8), ("second", np.int64)])
    other = np.array([(1, 2)], np.dtype([("first", np.uint8), ("second", np.int64)], align=True))
    run = "def run(x): return rows[x]"
    assert parts_of(run, rows=rows[0]) != parts_of(run, rows=other[0])
    assert parts_of(run, rows=rows) != parts_of(run, rows=other)
