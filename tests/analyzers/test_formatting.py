from __future__ import annotations

import pytest

from analyzers import formatting

SECOND = 1_000_000_000


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.00 KiB"),
        (10_000, "9.77 KiB"),
        (102_400, "100 KiB"),
        (1024 * 1024 - 1, "1.00 MiB"),
        (3_250_176, "3.10 MiB"),
        (1 << 40, "1.00 TiB"),
        ((1 << 63) - 1, "8.00 EiB"),
        (-2048, "-2.00 KiB"),
    ],
)
def test_a_size_has_a_binary_unit_and_three_figures(count: int, text: str) -> None:
    assert formatting.size(count) == text


def test_an_exact_size_says_both_and_a_small_one_only_itself() -> None:
    assert formatting.exact_size(3_250_176) == "3.10 MiB (3,250,176 bytes)"
    assert formatting.exact_size(1) == "1 byte"


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [
        (0, "0 ns"),
        (850, "850 ns"),
        (12_300, "12.3 µs"),
        (5_250_000, "5.25 ms"),
        (45 * SECOND, "45.0 s"),
        (245 * SECOND, "4 min 05 s"),
        (11_220 * SECOND, "3 h 07 min"),
        (187_200 * SECOND, "2 d 04 h"),
        (-245 * SECOND, "-4 min 05 s"),
    ],
)
def test_a_duration_has_the_unit_that_fits(nanoseconds: int, text: str) -> None:
    assert formatting.duration(nanoseconds) == text


def test_a_moment_is_seconds_since_the_start_to_the_microsecond() -> None:
    assert formatting.moment(3_500_000_000) == "+3.500000 s"
    assert formatting.moment(-1_500) == "-0.000001 s"
