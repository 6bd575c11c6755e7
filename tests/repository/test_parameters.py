"""No function of the product takes more than a reader keeps in mind, kernels included: they take records."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from tests.repository.files import ROOT

MOST = 8
"""Not counting ``self`` and ``cls``."""
FOLDERS = ("tracer", "analyzers", "tui", "fixtures", "poolscope", "benchmarks")


def long_lists(source: str) -> Iterator[str]:
    """Functions of a module that take more, by name."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            given = node.args
            names = [each.arg for each in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
            names += [each.arg for each in (given.vararg, given.kwarg) if each is not None]
            if len(names) - (names[:1] in (["self"], ["cls"])) > MOST:
                yield node.name


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_function_takes_more_than_eight_arguments(folder: str) -> None:
    files = sorted((ROOT / folder).rglob("*.py"))
    assert files
    assert not [f"{path}: {name}" for path in files for name in long_lists(path.read_text(encoding="utf-8"))]


def test_a_ninth_argument_of_any_kind_is_found_and_self_is_none() -> None:
    eight = "def a(b, c, d, /, e, f, *g, h, **i): ...\n"
    assert not list(long_lists(eight))
    assert list(long_lists(eight.replace("h,", "h, j,"))) == ["a"]
    assert not list(long_lists(f"class A:\n  {eight.replace('(b', '(self, b')}"))
