"""The filter line of the interface, and the words of ``--tag`` and its like."""

from __future__ import annotations

import numpy as np

from analyzers.formatting import duration, number, size
from analyzers.selection.query import Query, is_process
from tests.fuzzing.mutations import text
from tests.fuzzing.target import Target, insist
from tests.fuzzing.typed import typed
from tui.filtering.parser import parse
from tui.filtering.rows import fitting
from tui.filtering.terms import FieldTerm, FilterError, Or, Word
from tui.tables.columns import Heading, NumberColumn, TableModel, labels_of

_SEEDS = (
    b'afd -tcp tag:Irp? size>=4k "a b" -"c d" "x:y"', b"tag:*d* or process=client bytes<1.5MiB", b"age>1s -age<=2ms",
    b"outstanding!=10 rank:3", b"=Irp", b"-process:4330", b"or", b"a or", b'"', b"bytes:0x1000", b"nosuch:3", b"tag:[a",
)  # fmt: skip
_NAMES = ["client.exe (4330)", "System (4)", "a [/x] b", "\u0130stanbul.exe", "stra\xdfe", ""]
_MODEL = TableModel(
    (
        labels_of(Heading("tag", "Tag"), ["Irp ", "IrpX", "AfdB", "Mdl ", "\xff?*.", "[a]^"]),
        labels_of(Heading("culprit", "Who", field="process"), _NAMES),
        NumberColumn(Heading("bytes", "Bytes"), np.array([4096, 4097, 10, 1 << 40, 0, (1 << 64) - 1], np.uint64), size),
        NumberColumn(Heading("outstanding", "Outst"), np.array([1, 10, 100, 0, -5, -(1 << 63)]), number),
        NumberColumn(Heading("age", "Age"), np.array([10**9, 2 * 10**9, 5, 6 * 10**10, 0, (1 << 63) - 1]), duration),
    ),
    6,
)
_TAGS = [int.from_bytes(tag, "little") for tag in (b"Irp ", b"AfdE", b"\0\x1b[a", b"\xff\xff\xff\xff")]


def check(data: bytes) -> None:
    line = typed(data)
    _words_of_a_command(line)
    try:
        terms = parse(line)
        mask = fitting(_MODEL, terms)
    except FilterError as error:
        insist(
            error.what and error.where and error.example, f"{error!r} does not say what is wrong and how it is right"
        )
        return
    insist(mask.shape == (_MODEL.length,) and mask.dtype == np.bool_, "a mask of other rows")
    if len(terms) == 1 and isinstance(terms[0], Word | FieldTerm):
        only = terms[0]
        other = type(only)(**{name: getattr(only, name) for name in only.__slots__} | {"negated": not only.negated})
        insist((fitting(_MODEL, (other,)) == ~mask).all(), "a term and its opposite do not share the rows")
    elif not any(isinstance(term, Or) for term in terms):
        both = np.logical_and.reduce([np.ones(6, np.bool_), *(fitting(_MODEL, (term,)) for term in terms)])
        insist((both == mask).all(), "several terms are not all of them")


def _words_of_a_command(word: str) -> None:
    query = Query(tags=(word,), processes=(word,), drivers=(word,), functions=(word,))
    insist(len(query.fit_tags(_TAGS)) == len(_TAGS), "tags")
    insist(len(query.fit_drivers(_NAMES)) == len(_NAMES), "drivers")
    insist(
        query.fits_functions(_NAMES) in (True, False) and is_process(word, 4330, "client.exe") in (True, False), "names"
    )
    insist(str(query) or not word, "a query without words")


TARGET = Target(
    check,
    lambda: _SEEDS,
    text(
        "tag:",
        "process:",
        "bytes>",
        "age<",
        "outstanding!=",
        "-",
        " or ",
        '"',
        "*",
        "?",
        "=",
        "4k",
        "1s",
        "0x",
        "[",
        "\\",
        ".",
        "min",
    ),
    4_000,
)
