"""The same trace by compiled kernels and by the same kernels as plain Python: the same document."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any, Final

from tests.fuzzing.scratch import written
from tests.fuzzing.small_traces import leak, packed_traces, plain_traces
from tests.fuzzing.target import DefectError, Target, insist
from tests.fuzzing.trace_parts import mutated
from tests.fuzzing.whole import difference, document_of

_ROOT: Final = Path(__file__).parents[3]
_MOST_BYTES: Final = 6 << 10
"""Plain Python takes a second for each 20 KiB."""


@cache
def _plain() -> subprocess.Popen[str]:
    """Answers a line with a path by a line with the document, and ends with its input."""
    environment = os.environ | {"NUMBA_DISABLE_JIT": "1", "PYTHONWARNINGS": "ignore"}
    command = [sys.executable, "-m", "tests.fuzzing.targets.unjitted"]
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment, cwd=_ROOT, encoding="ascii"
    )


def end() -> None:
    """Let the process go, where there is one."""
    if not _plain.cache_info().currsize:
        return
    with _plain() as plain:
        assert plain.stdin is not None
        plain.stdin.close()
    _plain.cache_clear()


def check(data: bytes) -> None:
    path = written(data)
    plain = _plain()
    assert plain.stdin is not None
    assert plain.stdout is not None
    plain.stdin.write(json.dumps(str(path)) + "\n")
    plain.stdin.flush()
    compiled = document_of(path)
    told: dict[str, Any] = json.loads(plain.stdout.readline())
    insist("raised" not in told, f"plain Python: {told.get('raised')}")
    if told["document"] != compiled:
        raise DefectError(
            f"plain Python: {difference(json.loads(compiled or '{}'), json.loads(told['document'] or '{}'))}"
        )


def _seeds() -> list[bytes]:
    return [each for each in (*plain_traces(), *packed_traces()) if len(each) <= _MOST_BYTES or each == leak()]


def _main() -> None:
    for line in sys.stdin:
        try:
            told = {"document": document_of(Path(json.loads(line)))}
        except Exception as error:
            told = {"raised": f"{type(error).__name__}: {error}"}
        print(json.dumps(told), flush=True)


TARGET = Target(check, _seeds, mutated, 15)

if __name__ == "__main__":
    _main()
