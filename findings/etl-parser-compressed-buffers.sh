#!/usr/bin/env bash
# Surprise: of an .etl file with compressed buffers, etl-parser gives no event, and no error either.
#
# Seen with etl-parser 1.0.1 (construct 2.10.70) beside dissect.etl 3.14, Python 3.11, Linux.
#
# Why: a compressed buffer's BufferSize is its size in the file, its SavedOffset the size after decompression. etl-parser
# takes the difference as padding; where that is negative, the list of buffers (construct's GreedyRange, which takes a
# failure for the end of the list) ends before the first of them. Sessions with EVENT_TRACE_COMPRESSED_MODE and
# xperf -merge with compression write such files. A count of zero from this reader says nothing of what is in a file.
#
# Makes two files of the same 300 events, one plain, one compressed (plain XPRESS LZ77 of MS-XCA), and reads both with both.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" --quiet --disable-pip-version-check install etl-parser==1.0.1 construct==2.10.70 dissect.etl==3.14
cat >"$work/both.py" <<'PYTHON'
import io
import struct
from importlib.metadata import version

from dissect.etl import ETL
from etl.etl import IEtlFileObserver, build_from_stream

EVENTS, PER_BUFFER, STRIDE = 300, 100, 0x2000


def xpress(data):
    """MS-XCA 2.3 plain LZ77: 32 flags (1: a match), then literals and matches; a repeat of 16 zeros becomes a match."""
    flags, items, at = [], [], 0
    while at < len(data):
        length = next((n for n in range(min(9, len(data) - at), 2, -1) if at >= 8 and data[at - 8 : at - 8 + n] == data[at : at + n]), 0)
        if length:
            items.append(struct.pack("<H", (8 - 1) << 3 | (length - 3)))
            at += length
        else:
            items.append(data[at : at + 1])
            at += 1
        flags.append(bool(length))
    out = b""
    for first in range(0, len(items) + 1, 32):
        chunk = flags[first : first + 32]
        chunk += [True] * (32 - len(chunk))
        word = sum(1 << (31 - bit) for bit, flag in enumerate(chunk) if flag)
        out += struct.pack("<I", word) + b"".join(items[first : first + 32])
    return out


def buffer(body, number, kind, compress=False):
    saved = 0x48 + len(body)
    kept = xpress(body) if compress else body.ljust(STRIDE - 0x48, b"\xff")
    flag = 0x01 | (0x40 if compress else 0)
    size = 0x48 + len(kept)
    assert not compress or size < saved
    head = struct.pack("<IIIiqqQHHIIHH16x", size, saved, saved, 0, 0, number, 0, 0, 0, 3, saved, flag, kind)
    return head + kept


def file(compress):
    name = "example\0".encode("utf-16-le")
    header = struct.pack(
        "<IIIIqIIIIIIIIQQ172x4xqqqII", STRIDE, 0x0501000A, 19041, 1, 0, 156250, 0, 0x04000000 if compress else 0,
        1 + EVENTS // PER_BUFFER, 1, 8, 0, 3000, 0, 0, 0, 10_000_000, 133_000_000_000_000_000, 1, 0,
    ) + name + name
    first = struct.pack("<HBBHBBIIqII", 2, 2, 0xC0, 0x20 + len(header), 0, 0, 4, 4, 0, 0, 0) + header
    parts = [buffer(first, 0, 4)]
    for number in range(EVENTS // PER_BUFFER):
        times = range(number * PER_BUFFER, (number + 1) * PER_BUFFER)
        # PERFINFO64 of group 0x0F, type 0x2E (a profile sample): instruction pointer, thread, count
        body = b"".join(struct.pack("<HBBHBBqQII", 2, 0x11, 0xC0, 0x20, 0x2E, 0x0F, 1 + at, 0, 0, 0) for at in times)
        parts.append(buffer(body, number + 1, 0, compress))
    return b"".join(parts)


class Count(IEtlFileObserver):
    def __init__(self):
        self.events = 0

    def on_perfinfo_trace(self, _):
        self.events += 1

    on_event_record = on_trace_record = on_system_trace = on_win_trace = on_perfinfo_trace


seen = {}
for compress in (False, True):
    data = file(compress)
    count = Count()
    build_from_stream(data).parse(count)
    dissect = sum(1 for _ in ETL(io.BytesIO(data))) - 1  # it counts the header's own event
    seen[compress] = count.events, dissect
    print(f"{'compressed' if compress else 'plain':10}  etl-parser {version('etl-parser')}: {count.events:3} events"
          f"  dissect.etl {version('dissect.etl')}: {dissect:3} events")
assert seen == {False: (EVENTS, EVENTS), True: (0, EVENTS)}, "the behaviour has changed"
PYTHON
"$work/venv/bin/python" "$work/both.py"
# Output seen:
# plain       etl-parser 1.0.1: 300 events  dissect.etl 3.14: 300 events
# compressed  etl-parser 1.0.1:   0 events  dissect.etl 3.14: 300 events
