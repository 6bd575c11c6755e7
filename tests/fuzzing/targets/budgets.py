"""Budgets of ``check``: a file becomes limits, or a complaint; limits written out are the same limits."""

from __future__ import annotations

from functools import cache

from analyzers.snapshot import Snapshot
from tests.fuzzing.mutations import text
from tests.fuzzing.scratch import written
from tests.fuzzing.small_traces import leak
from tests.fuzzing.target import Target, insist
from tests.fuzzing.typed import complaint
from tests.fuzzing.whole import analysed
from tracer.errors import InputError, UsageError
from tui.budget.checking import checked, doubts, updated
from tui.budget.grammar import budget_text, read_budget

_SEEDS = (
    b'[tag]\nCtFl = 4096\n"*" = 1048576\n', b'[driver]\n"afd.sys" = 0\n[function]\n"Ct*" = 1_000\n"=A!b" = 0x10\n', b"",
    b'tag = 3\n', b'[tag]\n"Irp " = -1\n', b'[tag]\n"  " = 1\n[tag]\n', b"[tag.x]\ny = 1\n", b'[tag]\n"\\u0000" = 1\n',
)  # fmt: skip


@cache
def _snapshot() -> Snapshot:
    return analysed(written(leak(), "budget.etl"))


def check(data: bytes) -> None:
    try:
        limits = read_budget(written(data))
    except (InputError, UsageError) as error:
        complaint(error)
        insist(error.where, "a complaint about no file")
        return
    again = read_budget(written(budget_text(limits).encode(), "again"))
    order = {each: place for place, each in enumerate(("tag", "driver", "function"))}
    insist(again == sorted(limits, key=lambda each: order[each.subject]), "the limits written out are others")
    lines = checked(_snapshot(), limits)
    insist(all(line.bytes >= 0 and line.what for line in lines), "a limit of nothing")
    insist(doubts(_snapshot(), limits) is not None, "no doubts")
    now = updated(_snapshot(), limits)
    insist(not limits or [each.word for each in now] == [each.word for each in limits], "updated to other limits")
    insist(not any(line.is_over for line in checked(_snapshot(), now)), "over a budget of what there is")


TARGET = Target(
    check,
    lambda: _SEEDS,
    text(
        "[tag]\n",
        "[driver]\n",
        "[function]\n",
        " = ",
        '"*"',
        "= 1\n",
        "0x",
        "_",
        "inf",
        "[[",
        "'''",
        '"""',
        "\\u",
        "{a=1}",
        "2024-01-01",
    ),
    4_000,
)
