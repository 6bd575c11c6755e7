from __future__ import annotations

from argparse import ArgumentTypeError

import pytest

from benchmarks.size import parse_size, size_text


@pytest.mark.parametrize(
    ("text", "size"), [("65536", 65_536), ("64MiB", 64 << 20), ("1GiB", 1 << 30), ("4g", 4 << 30), ("1.5 KB", 1536)]
)
def test_sizes_are_read_in_binary_units(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "big", "-1", "1TiB", "MiB"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(ArgumentTypeError, match="not a size"):
        parse_size(text)


@pytest.mark.parametrize(("size", "text"), [(12, "12 B"), (1536, "1.5 KiB"), (64 << 20, "64 MiB"), (1 << 30, "1 GiB")])
def test_sizes_are_shown_in_the_largest_unit_that_fits(size: int, text: str) -> None:
    assert size_text(size) == text
