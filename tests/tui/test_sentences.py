"""Every sentence of every report on every scenario of the simulator: numbers agree, nothing is told that is none."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from analyzers.snapshot import Snapshot
from analyzers.tags import TagNames
from fixtures.scenarios import SCENARIOS
from tui.cli import main
from tui.reading.trace import read_snapshot

STARVED: Final = {
    "lossy": ("winsock-loop", "--lost-events", "0.02"),
    "no stacks": ("missing-free", "--stacks", "none"),
    "no context switches": ("winsock-loop", "--no-context-switches"),
    "no requests": ("winsock-loop", "--no-irp-events", "--no-afd-events"),
    "one round": ("winsock-loop", "--iterations", "1"),
    "two rounds": ("missing-free", "--iterations", "2"),
    "overwritten": ("churn", "--circular", "2", "--lost-buffers", "1"),
    "silent loss": ("churn", "--lost-events", "0.1", "--no-tells-loss"),
}
"""Traces that lack something, by what; a scenario and its options."""
SIMULATED: Final = {name: (name,) for name in SCENARIOS} | STARVED

NOUNS: Final = (
    *("alloc", "allocation", "block", "buffer", "byte", "completion", "event", "file", "finding", "frame", "free"),
    *("gap", "group", "handle", "leak", "line", "object", "other", "irp", "place", "port", "process", "processor"),
    *("program", "record", "request", "session", "socket", "tag", "thread", "time", "trace"),
)
SEVERAL: Final = "|".join([*(f"{noun}s" for noun in NOUNS), "processes", "entries"])
ONE: Final = "|".join([*NOUNS, "entry"])
START: Final = r"(?<![\w.,:+-])"
"""Of a number that stands alone: no part of a larger one, of a time or of an address."""

WRONG: Final = {
    "one of what is several": rf"{START}1 (?:[a-z]+ )?(?:{SEVERAL})\b",
    "one that are": rf"{START}1 (?:[a-z]+ )?(?:{ONE}) (?:were|are|have|wait|stay|do)\b",
    "several of what is one": rf"{START}(?:[2-9]|[1-9][\d,]*\d) (?:{ONE})\b(?! by)",
    "several that is": rf"{START}(?:[2-9]|[1-9][\d,]*\d) (?:{SEVERAL}) (?:was|is|has|waits|stays|does)\b",
    "what is none is told": rf"{START}0 (?:[a-z]+ )?(?:{SEVERAL}|of (?:them|the|\d[\d,]*))\b",
    "threads with one number": r"\bthreads \d+ (?!and|,)[a-z]",
    "a word of our own": r"\b(?:replaced|retired|unmatched|stage [12]|step by step)\b|\bnothing shows why\b|\bCourse\b",
    "a number that tells nothing apart": r"\bp ?[=<] ?0",
    "a per cent sign without its blank": r"\d%",
}
"""Kinds of sentences that must not be, as patterns."""
MOST_WORDS: Final = 24
"""In one sentence of a bullet, or between two semicolons of it: what can be read once."""
KEYS: Final = frozenset({"rule", "why", "verdict", "apc", "kept", "thread_since", "reason", "code"})
"""Fields of the JSON document whose values are keys (where they are no sentences)."""
SAYING: Final = frozenset({"says", "why", "told_apart_by", "advice"})
"""Fields of the JSON document whose values are sentences (where they are no keys)."""


def values(document: Any, fields: frozenset[str]) -> Iterator[str]:
    """Every text under one of some fields, however deep."""
    if isinstance(document, dict):
        for key, value in document.items():
            if key in fields and isinstance(value, str):
                yield value
            yield from values(value, fields)
    elif isinstance(document, list):
        for value in document:
            yield from values(value, fields)


def said(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    main(arguments)
    return capsys.readouterr().out


def wrong(text: str) -> list[str]:
    """Every line with a sentence of a kind that must not be, and its kind."""
    return [
        f"{kind}: {line.strip()}"
        for line in dict.fromkeys(text.splitlines())
        for kind, pattern in WRONG.items()
        if re.search(pattern, line)
    ]


def long_ones(sentences: Iterator[str]) -> list[str]:
    parts = (part for sentence in dict.fromkeys(sentences) for part in re.split(r"[;:.?] ", sentence))
    return [part for part in parts if len(part.split()) > MOST_WORDS]


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "2000")


@pytest.fixture(autouse=True)
def read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each report of a trace is about the same analysis."""
    known: dict[str, Snapshot] = {}

    def read(path: Path, names: TagNames, *, quiet: bool, symbols: object = None) -> Snapshot:
        if str(path) not in known:
            known[str(path)] = read_snapshot(path, names, quiet=quiet)
        return known[str(path)]

    monkeypatch.setattr("tui.reading.trace.read_snapshot", read)


@pytest.mark.slow
@pytest.mark.parametrize("name", SIMULATED)
def test_every_sentence_of_every_report_can_be_read_once(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trace = str(tmp_path / "t.etl")
    scenario, *options = SIMULATED[name]
    said(["simulate", scenario, trace, "-q", *options], capsys)
    document = json.loads(said(["analyze", trace, "--json"], capsys))
    ranks = [str(finding["rank"]) for finding in document["findings"]]
    asked = [["--full"], [], ["--short"], *(["--explain", rank] for rank in ranks)]
    text = "\n".join([*(said(["analyze", trace, *how], capsys) for how in asked), said(["info", trace], capsys)])
    text = text.replace(trace, "TRACE").replace(f"simulated: {scenario}", "simulated")

    assert wrong(text) == []
    keys = {key for key in values(document, KEYS) if re.fullmatch(r"[a-z]+(-[a-z]+)+", key)}
    assert [key for key in sorted(keys) if re.search(rf"(?<![\w-]){key}(?![\w-])", text)] == []
    sentences = [each for each in values(document, SAYING) if " " in each]
    doubts = re.findall(r"lowered because: (.*)", text)
    assert long_ones(iter([*sentences, *doubts])) == []


@pytest.mark.parametrize(
    "sentence",
    [
        "1 records, 12 allocations",
        "1 entry were put into a port",
        "300 of 300 kept ones, and of 0 of 300 freed ones",
        "the session lost 3 events and 0 buffers",
        "2 allocation",
        "threads 1176 took others out",
        "0 others were freed",
        "12 replaced",
        "about 58 pool events (2%) missing",
        "it trends (p = 0.031)",
    ],
)
def test_each_kind_of_wrong_sentence_is_seen(sentence: str) -> None:
    assert wrong(sentence)


@pytest.mark.parametrize(
    "sentence", ["1 record, 12 allocations", "1 entry was put", "10 events lost", "CPU 1 is behind", "+0.000000 s"]
)
def test_a_right_sentence_is_left_alone(sentence: str) -> None:
    assert not wrong(sentence)
