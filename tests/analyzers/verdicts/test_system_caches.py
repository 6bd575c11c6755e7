"""Caches of the system are told as such, whichever driver stands in the stack; what hangs on a leak is not."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from analyzers.findings import Verdict
from analyzers.pooltag import tag_text
from analyzers.snapshot import Snapshot
from analyzers.tags.caches import SYSTEM_CACHES
from analyzers.tags.callers import tag_number
from benchmarks.accuracy.scripted.guilt import Guilt, driver_forgets
from benchmarks.accuracy.scripted.kinds import KINDS
from benchmarks.accuracy.scripted.kinds.kind import TraceKind
from benchmarks.accuracy.scripted.names import tag_of
from benchmarks.accuracy.scripted.playing import play
from benchmarks.accuracy.scripted.script import PAGED, Block
from benchmarks.accuracy.scripted.sites import one
from benchmarks.accuracy.scripted.stage import Stage
from benchmarks.accuracy.spoilings import Spoiling
from tests.analyzers.against_truth import analysed


def _played(kind: str, path: Path, seed: int) -> Snapshot:
    data, _ = play(kind, seed, Spoiling.NONE)
    (path / "trace.etl").write_bytes(data)
    return analysed(path / "trace.etl")


@pytest.mark.parametrize("seed", range(3))
def test_a_cache_that_grows_all_along_is_cleared_and_says_what_would_tell_a_leak(seed: int, tmp_path: Path) -> None:
    found = _played("system-cache-grows", tmp_path, seed).diagnosis
    assert not found.findings
    caches = {each.tag: each for each in found.cleared if each.tag in SYSTEM_CACHES}
    assert set(caches) == set(SYSTEM_CACHES)
    for each in caches.values():
        assert each.verdict is Verdict.CACHE
        assert "Windows trims them" in each.why
        assert "memory is short" in each.why


def _with_a_leak(stage: Stage) -> tuple[Guilt, ...]:
    """Each step of a driver keeps a context, and with it the page table entries of a file that it maps."""
    of, kept = stage.site(paged=False), []
    thread = of.threads[0]
    of = of.__class__(**{name: getattr(of, name) for name in of.__slots__} | {"threads": (thread,)})
    for number in range(150):
        at = stage.duration * (number + 0.5) / 150
        kept.append(one(stage.script, of, at, math.inf))
        kept.append(stage.script.allocate(at + 1_000, thread, Block(tag_of("MmSt"), 0x200, PAGED), of.stack))
    return (driver_forgets(of.image, kept),)


def test_what_a_leak_keeps_of_a_cache_goes_with_the_leak(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(KINDS, "with-a-leak", TraceKind("with-a-leak", _with_a_leak, leaking=True))
    found = _played("with-a-leak", tmp_path, 1).diagnosis
    [finding] = found.findings
    assert tag_text(finding.tag).startswith("Z")
    assert tag_number("MmSt") in {share.tag for share in finding.groups}


@pytest.mark.parametrize("tag", SYSTEM_CACHES)
def test_each_cache_has_a_public_source_and_says_when_it_is_trimmed(tag: int) -> None:
    cache = SYSTEM_CACHES[tag]
    assert cache.sources
    assert all(source.startswith("https://") for source in cache.sources)
    assert cache.trimmed in cache.why
