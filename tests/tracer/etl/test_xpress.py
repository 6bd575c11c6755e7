"""The decompressor: what was compressed comes back, and nothing is written or read out of bounds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fixtures.etl.xpress import compress
from tests.fixtures.plain_walk import decompress as plainly
from tests.tracer.traces import examples
from tracer.etl import xpress

pytestmark = pytest.mark.unjitted

GUARD = 0xA5
TEXTS = st.lists(
    st.binary(max_size=40) | st.sampled_from([b"\0" * 300, b"ab" * 90, b"stack" * 60, bytes(range(256))]), max_size=12
).map(b"".join)


def unpack(packed: bytes, size: int) -> tuple[int, bytes]:
    """(Status, output) with a guard on both sides of the input and of the output."""
    source = np.frombuffer(b"\xff" * 16 + packed + b"\xff" * 16, np.uint8)
    output = np.full(size + 32, GUARD, np.uint8)
    results = np.zeros((1, 2), np.int64)
    xpress.decompress(source, output, np.array([[16, 16 + len(packed), 16, 16 + size]]), results)
    status, written = results[0].tolist()
    assert 0 <= written <= size
    assert (output[:16] == GUARD).all()
    assert (output[16 + size :] == GUARD).all()
    return status, output[16 : 16 + written].tobytes()


@given(text=TEXTS)
@settings(max_examples=examples(200))
def test_what_was_compressed_comes_back(text: bytes) -> None:
    packed = compress(text)
    assert plainly(packed) == text
    assert unpack(packed, len(text)) == (xpress.WHOLE, text)


@given(text=TEXTS.filter(len), share=st.floats(0, 0.99))
@settings(max_examples=examples(150))
def test_too_little_room_gives_the_first_bytes_and_says_so(text: bytes, share: float) -> None:
    size = int(len(text) * share)
    assert unpack(compress(text), size) == (xpress.OUTPUT_FULL, text[:size])


@given(text=TEXTS.filter(len), cut=st.integers(1, 40))
@settings(max_examples=examples(150))
def test_input_that_ends_early_gives_what_it_held(text: bytes, cut: int) -> None:
    packed = compress(text)
    status, found = unpack(packed[: max(0, len(packed) - cut)], len(text))
    assert status in {xpress.WHOLE, xpress.INPUT_ENDS}
    assert text.startswith(found)


@given(noise=st.binary(max_size=200), size=st.integers(0, 600))
@settings(max_examples=examples(400))
def test_noise_stays_within_bounds_and_ends(noise: bytes, size: int) -> None:
    status, _ = unpack(noise, size)
    assert xpress.OUTPUT_FULL <= status <= xpress.WHOLE


MATCH_FIRST = b"\xff\xff\xff\xff"
LITERAL_THEN_MATCHES = b"\xff\xff\xff\x7f"


@pytest.mark.parametrize(
    ("packed", "status", "found"),
    [
        (b"", xpress.WHOLE, b""),
        (b"\0\0\0", xpress.INPUT_ENDS, b""),
        (MATCH_FIRST + b"\0\0", xpress.OFFSET_BEFORE_START, b""),
        (LITERAL_THEN_MATCHES + b"a\0", xpress.INPUT_ENDS, b"a"),
        (LITERAL_THEN_MATCHES + b"a\x08\0", xpress.OFFSET_BEFORE_START, b"a"),
        (LITERAL_THEN_MATCHES + b"a\x00\0", xpress.WHOLE, b"aaaa"),
        (LITERAL_THEN_MATCHES + b"a\x07\0", xpress.INPUT_ENDS, b"a"),
        (LITERAL_THEN_MATCHES + b"a\x07\0\x0f\xff\x15\0", xpress.LENGTH_INVALID, b"a"),
        (LITERAL_THEN_MATCHES + b"a\x07\0\x0f\xff\x16\0", xpress.WHOLE, b"a" * (1 + 22 + 3)),
        (LITERAL_THEN_MATCHES + b"a\x07\0\x0f\xff\0\0\x40\0\0\0", xpress.WHOLE, b"a" * (1 + 64 + 3)),
        (LITERAL_THEN_MATCHES + b"a\x07\0\x0f\xff\0\0\xff\xff\xff\xff", xpress.OUTPUT_FULL, b"a" * 99),
    ],
)
def test_each_way_to_end_has_its_status(packed: bytes, status: int, found: bytes) -> None:
    assert unpack(packed, 99) == (status, found)
