"""The confusion table, the limits and the failures, for people and as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from benchmarks.accuracy.judging import Outcome
from benchmarks.accuracy.limits import Limit, changed, failures, limits
from benchmarks.accuracy.running import Result
from benchmarks.accuracy.spoilings import Spoiling
from benchmarks.accuracy.truth import Leak

_ALL_NAMED = "all, with names of functions"
_KEPT = {True: "kept  ", False: "MISSED", None: "      "}


def text(results: Sequence[Result]) -> str:
    """Everything, for a terminal."""
    lines = (*_table(results), "", *_limits(results), *_found(results), "", *_by_names(results), *_failures(results))
    return "\n".join(lines)


def document(results: Sequence[Result]) -> dict[str, object]:
    """The same for ``--json``."""
    return {
        "schema": 1,
        "traces": len(results),
        "kinds": [
            {"writer": writer, "kind": kind, "outcomes": {outcome.value: counts[outcome] for outcome in counts}}
            for (writer, kind), counts in _counted(results).items()
        ],
        "limits": [_limit_document(limit) for limit in limits(results)],
        "with_names": {
            "outcomes": dict(Counter(one.with_names.outcome.value for one in results)),
            "better": [_names_document(one) for one in changed(results, better=True)],
            "worse": [_names_document(one) for one in changed(results, better=False)],
        },
        "failures": [_failure_document(one) for one in failures(results)],
    }


def _counted(results: Sequence[Result]) -> dict[tuple[str, str], Counter[Outcome]]:
    out: dict[tuple[str, str], Counter[Outcome]] = {}
    for one in results:
        out.setdefault((one.case.writer, one.case.kind), Counter())[one.judgement.outcome] += 1
    return out


def _table(results: Sequence[Result]) -> Iterator[str]:
    rows = [(f"{writer} {kind}", counts) for (writer, kind), counts in _counted(results).items()]
    by_spoiling: dict[str, Counter[Outcome]] = {}
    for one in results:
        by_spoiling.setdefault(f"with spoiling {one.case.spoiling}", Counter())[one.judgement.outcome] += 1
    total = Counter(one.judgement.outcome for one in results)
    named = Counter(one.with_names.outcome for one in results)
    rows += [*by_spoiling.items(), ("all", total), (_ALL_NAMED, named)]
    shown = [outcome for outcome in Outcome if total[outcome] or named[outcome]]
    extras = Counter[str]()
    for one in results:
        extras[f"{one.case.writer} {one.case.kind}"] += one.judgement.extras
        extras[f"with spoiling {one.case.spoiling}"] += one.judgement.extras
        extras["all"] += one.judgement.extras
        extras[_ALL_NAMED] += one.with_names.extras
    width = max(len(name) for name, _ in rows)
    heads = [outcome.value for outcome in shown] + ["extra findings"]
    yield "  ".join([" " * width, *heads])
    for name, counts in rows:
        cells = [counts[outcome] for outcome in shown] + [extras[name]]
        yield "  ".join([name.ljust(width), *(_cell(cell, head) for cell, head in zip(cells, heads, strict=True))])


def _cell(count: int, head: str) -> str:
    return (str(count) if count else "·").rjust(len(head))


def _limits(results: Sequence[Result]) -> Iterator[str]:
    for limit in limits(results):
        yield f"{_KEPT[limit.kept]}  {limit.name}: {limit.have} of {limit.of} ({limit.share:.1%})"


def _found(results: Sequence[Result]) -> Iterator[str]:
    several = [one.judgement for one in results if one.judgement.leaks > 1]
    if several:
        found, leaks = sum(one.found for one in several), sum(one.leaks for one in several)
        yield f"        traces with several leaks: {found} of {leaks} leaks are named by some finding"
    exact = [one.judgement.retained for one in results if one.judgement.retained is not None and _whole(one)]
    if exact:
        yield f"        held requests, whole evidence: retained bytes exact in {sum(exact)} of {len(exact)}"


def _whole(result: Result) -> bool:
    return result.case.spoiling is Spoiling.NONE


def _by_names(results: Sequence[Result]) -> Iterator[str]:
    """Where names of functions made a difference."""
    for better, word in ((True, "better"), (False, "worse")):
        for one in changed(results, better=better):
            yield f"{word} with names: {one.judgement.outcome}, with names {one.with_names.outcome}"
            yield f"    {one.judgement.says}"
            yield f"    {one.with_names.says}"
            yield f"    {one.case.again}"


def _names_document(one: Result) -> dict[str, object]:
    return {
        "kind": one.case.kind,
        "spoiling": one.case.spoiling.value,
        "without": one.judgement.outcome.value,
        "with": one.with_names.outcome.value,
        "again": one.case.again,
    }


def _failures(results: Sequence[Result]) -> Iterator[str]:
    for one in failures(results):
        yield f"{one.judgement.outcome}: {one.judgement.says}"
        yield f"    truth: {_truth(one)}"
        yield f"    {one.case.again}"


def _truth(result: Result) -> str:
    leaks = [
        f"{leak.verdicts[0]}{f' by {leak.why}' if leak.why else ''} of {_culprit(leak)}, {leak.count} blocks, "
        f"{leak.bytes} bytes"
        for leak in result.truth.leaks
    ]
    return "; ".join(leaks) or "nothing leaks"


def _culprit(leak: Leak) -> str:
    if "driver" in leak.accused:
        return " ".join(sorted(leak.drivers))
    threads = ",".join(map(str, sorted(leak.threads)))
    owner = "process" if "process" in leak.accused else "a port of process"
    return f"{owner} {','.join(map(str, sorted(leak.processes)))}{f', threads {threads}' if threads else ''}"


def _limit_document(limit: Limit) -> dict[str, object]:
    return {"name": limit.name, "have": limit.have, "of": limit.of, "kept": limit.kept}


def _failure_document(one: Result) -> dict[str, object]:
    case = one.case
    return {
        "writer": case.writer.value,
        "kind": case.kind,
        "seed": case.seed,
        "spoiling": case.spoiling.value,
        "outcome": one.judgement.outcome.value,
        "says": one.judgement.says,
        "truth": _truth(one),
        "again": case.again,
    }
