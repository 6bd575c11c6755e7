"""What a start may import: each of these costs more than what it is asked for (``docs/memory-and-speed.md``)."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from fixtures.demo import DEMO_TRACE
from tests.repository.files import ROOT
from tests.tracer.etl.small import small_trace

ALWAYS_LATE = frozenset(
    {
        *("numba", "networkx", "rich", "textual", "textual_serve", "aiohttp", "asyncio", "multiprocessing"),
        *("duckdb", "pyarrow", "prompt_toolkit", "symbolic", "pefile", "py7zr", "argcomplete"),
        *("email", "logging", "statistics", "fractions", "decimal", "difflib", "xml", "tomllib", "zipfile", "gzip"),
        *("subprocess",),
        *("concurrent", "http", "ssl", "numpy.ma", "numpy.random", "numpy.testing"),
        *("fixtures", "tracer.etl.joining", "tracer.packed.cabinets", "tracer.live.wpr_profile"),
    }
)
"""What neither a document, nor help, nor a header needs."""
FOR_HELP = frozenset({"llvmlite", "numpy", "analyzers", "tracer.etl"})
"""What only a trace needs."""
FOR_EVENTS = frozenset(
    {
        *("uuid", "threading", "queue", "numpy.typing", "tracer.columns", "tracer.events", "tracer.jit"),
        *("tracer.kernels", "tracer.stacks", "tracer.etl.walk", "tracer.etl.reading", "tracer.etl.xpress"),
    }
)
"""What is not needed to read a header, of buffers that are not compressed."""
FOR_FEW = frozenset(
    {
        *("rich.progress", "tui.commands.analyze", "tui.reading.compared", "tui.redaction.redaction"),
        *("tui.screens.help", "tui.screens.export", "tui.views.export", "tui.report.diff"),
    }
)
"""What the first screen of the interface does not show."""

RUN = "import sys; from tui.start import main; main(sys.argv[1:])"
OPEN = """
import sys
from pathlib import Path
from tracer.etl.file import EtlFile
with EtlFile.open(Path(sys.argv[1])) as source:
    source.info
"""


def loaded(code: str, *words: str | Path) -> set[str]:
    """The modules that a process has after it."""
    told = f"{code}\nimport sys\nsys.stderr.write('\\n' + ' '.join(sys.modules))"
    command = [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{told}", *words]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True)
    return set(done.stderr.splitlines()[-1].split())


@pytest.fixture(scope="module")
def of_llvm() -> set[str]:
    """What LLVM's own loader of compiled kernels brings; they are compiled before."""
    loaded(RUN, "info", "--json", DEMO_TRACE)
    loaded(RUN, "analyze", "--json", DEMO_TRACE)
    return loaded("import llvmlite.binding")


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (RUN, ("analyze", "--json", DEMO_TRACE)),
        (RUN, ("info", "--json", DEMO_TRACE)),
        (RUN, ("--help",)),
        (RUN, ("analyze", "--help")),
        (OPEN, (DEMO_TRACE,)),
    ],
)
def test_a_start_imports_nothing_that_it_does_not_need(
    code: str, words: tuple[str | Path, ...], of_llvm: set[str]
) -> None:
    there = loaded(code, *words)
    late = ALWAYS_LATE | FOR_HELP if words == ("--help",) else ALWAYS_LATE
    assert sorted(there & late - of_llvm) == []
    assert "tracer" in there


def test_a_header_is_read_without_what_reads_events(tmp_path: Path) -> None:
    path = tmp_path / "small.etl"
    path.write_bytes(small_trace(compressed=False))
    assert sorted(loaded(OPEN, path) & FOR_EVENTS) == []
    whole = f"{OPEN}    list(source.batches())"
    assert {"tracer.events", "tracer.jit", "tracer.stacks", "tracer.etl.walk"} <= loaded(whole, path)


def test_the_interface_begins_without_what_its_first_screen_does_not_show() -> None:
    there = loaded("import tui.commands.demo, tui.app, tui.views.findings, tui.reading.progress")
    assert sorted(there & FOR_FEW) == []
    assert there | loaded(f"import {', '.join(sorted(FOR_FEW))}") >= FOR_FEW
    assert "textual.app" in there


def test_nothing_is_looked_through_for_cycles_when_a_command_has_ended() -> None:
    frozen = "import atexit, gc, sys; atexit.register(lambda: print('frozen', gc.get_freeze_count()))"
    done = subprocess.run(
        [sys.executable, "-c", f"{frozen}\n{RUN}", "--help"], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert int(done.stdout.split("frozen ")[-1]) > 1_000


def test_what_is_late_exists_and_can_be_seen() -> None:
    there = loaded("import networkx, rich.progress, numpy.ma, statistics")
    assert {"networkx", "rich", "numpy.ma", "statistics", "decimal"} <= there & ALWAYS_LATE


@pytest.mark.parametrize("room", ["tracer", "analyzers", "tui"])
def test_a_data_class_with_slots_is_not_declared_by_the_standard_decorator(room: str) -> None:
    texts = {path: path.read_text(encoding="utf-8") for path in (ROOT / room).rglob("*.py")}
    standard = {
        path for path, text in texts.items() if re.search(r"^from dataclasses import .*\bdataclass\b", text, re.M)
    }
    slow = {path for path in standard if re.search(r"^@dataclass\(.*slots=True", texts[path], re.M)}
    assert not slow - {ROOT / "tracer" / "data_classes.py"}, "take dataclass from tracer.data_classes"
    assert sum("from tracer.data_classes import dataclass" in text for text in texts.values()) > 20


def test_files_of_the_rooms_are_no_reason_for_linear_algebra_to_start_threads() -> None:
    seen = loaded("import os, tracer; import sys; sys.modules['threads=' + os.environ['OPENBLAS_NUM_THREADS']] = sys")
    assert "threads=1" in seen
