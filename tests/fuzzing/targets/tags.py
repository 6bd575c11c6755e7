"""Lists of tags in any bytes, held against a look-up pattern by pattern."""

from __future__ import annotations

from analyzers.pooltag import tag_text
from analyzers.tags.listing import is_text, read_listing
from analyzers.tags.names import TagNames
from analyzers.tags.pattern import normal
from tests.fuzzing.mutations import text
from tests.fuzzing.target import Target, insist

_LIST = "rem a list\n// more\nIrp  - nt!io - an IRP\nAfd? - afd.sys - sockets\nCt*  - <unknown> - ours\nAb - x.sys\n"
_SEEDS = (
    _LIST.encode(), b"\xef\xbb\xbf" + _LIST.encode(), b"\xff\xfe" + _LIST.encode("utf-16-le"),
    _LIST.encode("utf-16-le"), b"\xfe\xff" + _LIST.encode("utf-16-be"), "Gr\xfc\xdf - a.sys - \xe4\n".encode("cp1252"),
    b"", b"MZ\x90\0\x03\0\0\0",
)  # fmt: skip
_TAGS = [
    int.from_bytes(tag, "little")
    for tag in (b"Irp ", b"Irp\xf0", b"AfdE", b"CtFl", b"Ab  ", b"Ab\0\0", b"\0\0\0\0", b"Gr\xfc\xdf")
]


def check(data: bytes) -> None:
    listing = read_listing(data)
    insist(is_text(data) in (True, False) and listing.junk_lines >= 0, "no answer")
    names = TagNames((line, "pooltag.txt") for line in listing.lines)
    own = [line.pattern.value for line in listing.lines[:20]]
    for tag in (*_TAGS, *own):
        known = normal(tag)
        fitting = [line for line in listing.lines if known & line.pattern.mask == line.pattern.value]
        best = max(fitting, key=lambda line: line.pattern.specificity, default=None)  # the first of equals
        found = names.lookup(tag)
        insist((found is None) == (best is None), f"whether {tag_text(tag)!r} is known")
        if found is not None and best is not None:
            told = (found.driver, found.description)
            insist(told == (best.driver, best.description), f"{tag_text(tag)!r} is {told}, not {best}")


TARGET = Target(
    check,
    lambda: _SEEDS,
    text(" - ", "-", "*", "?", "rem ", "//", "nt!", "<unknown>", "Irp ", "\n", "\r", "\x85", "\0"),
    6_000,
)
