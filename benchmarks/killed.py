"""Killed at any moment: ``python -m benchmarks.killed [--moments 20] [--only NAME ...]``. POSIX alone.

Each command is run in copies of this process. Copies are ended by SIGKILL at moments spread evenly over the time that
the command takes, and by ``os._exit`` before each step that touches a file in its folder: opening, moving, removing it,
having the disk take it. After every one of them no file is there under its name that is not whole, and the same
command, run again in the same folder, gives what it gives where nothing was killed.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from benchmarks.apart import apart

DEMO: Final = "fixtures/demo.etl"
_ROOT: Final = Path(__file__).parents[1]
_KILLED: Final = 9
_STEPS: Final = frozenset({"open", "os.rename", "os.remove", "os.chmod", "os.truncate", "tempfile.mkstemp"})
"""Of Python's audit events, those that touch files."""
_QUIET: Final = 60.0
"""Seconds after which a copy that was told to end, and did not, is given up."""

Run = Callable[[Path], int]


def _command(*words: str) -> Run:
    """A command that writes into a folder, which its words call ``{}``."""

    def run(folder: Path) -> int:
        from tui.start import main

        return main([word.format(folder) for word in words])

    return run


def _record(folder: Path) -> int:
    """A recording by a Windows that is played, which writes the file as its session is stopped."""
    from fixtures.settings import Settings
    from fixtures.simulate import simulate
    from tests.tracer.images.program_files import ProgramFile
    from tests.tracer.live.counted import Kernel
    from tests.tui.capturing import Recorder
    from tests.tui.made_windows import MadeWindows
    from tracer.images.loaded import images_in
    from tracer.live import this_machine as here
    from tracer.live.image_paths import ImagePaths
    from tracer.live.this_machine import ThisMachine
    from tui.start import main

    simulation = simulate("winsock-loop", 7, Settings(iterations=20))
    images = folder.with_name("images")
    afd = images / "Windows" / "System32" / "drivers" / "afd.sys"
    if not afd.exists():
        afd.parent.mkdir(parents=True)
        simulation.write(images / "of.etl")
        [image] = [each for each in images_in(images / "of.etl") if each.path.endswith("afd.sys")]
        afd.write_bytes(ProgramFile(image.time_date_stamp, image.size).data())
    paths = ImagePaths({"\\device\\harddiskvolume3": str(images)}, "")
    machine = ThisMachine(Recorder(simulation), MadeWindows(), Kernel().query, paths)
    here.this_machine = lambda: machine
    return main(["record", str(folder / "out.etl"), "--for", "1ms", "--overwrite", "--quiet"])


SCENARIOS: Final[dict[str, Run]] = {
    "analyze": _command("analyze", DEMO, "--json", "--quiet"),
    "export-csv": _command("export", DEMO, "--to", "{}/x.csv", "--force", "--quiet"),
    "export-parquet": _command("export", DEMO, "--to", "{}/x.parquet", "--force", "--quiet"),
    "export-speedscope": _command("export", DEMO, "--to", "{}/x.speedscope.json", "--force", "--quiet"),
    "report-html": _command("report", DEMO, "--to", "{}/x.html", "--force", "--quiet"),
    "report-markdown": _command("report", DEMO, "--to", "{}/x.md", "--force", "--quiet"),
    "sql": _command("sql", DEMO, "from allocations", "--to", "{}/x.parquet", "--force", "--quiet"),
    "screenshot": _command("tui", DEMO, "--screenshot", "{}/x.svg", "--force", "--quiet"),
    "simulate": _command("simulate", "cache", "{}/x.etl", "--truth", "{}/x.json", "--force", "--quiet"),
    "fleet": _command("fleet", DEMO, "--out", "{}/rows", "--workers", "1", "--quiet"),
    "record": _record,
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """How often it was killed at ``moments`` and before ``steps``; hidden parts ``left``; what was ``wrong``."""

    name: str
    moments: int
    steps: int
    left: int
    wrong: list[str]


def killed(name: str, moments: int) -> Outcome:
    """Kill a command at so many moments and before each of its steps. For a process that has no threads."""
    run = SCENARIOS[name]
    wrong: list[str] = []
    left = steps = done = 0
    with TemporaryDirectory(prefix="poolscope-killed-") as temporary:
        base = Path(temporary)
        if name == "fleet":  # whose threads a copy would not have
            from distributed import LocalCluster  # noqa: F401
        else:
            run_in(base / "warm", run)  # imports here what every copy has then
        began = time.monotonic()
        if code := _copy(base / "whole", run):
            return Outcome(name, 0, 0, 0, [f"the command itself ends with {code}"])
        took = time.monotonic() - began
        whole = _files(base / "whole")
        while steps == done:
            steps += 1
            folder = base / f"step {steps}"
            done += _copy(folder, run, before=steps) == _KILLED
            left += _judge(folder, whole, run, wrong, f"before step {steps}")
        for moment in range(moments):
            folder = base / f"moment {moment}"
            _copy(folder, run, after=took * (moment + 0.5) / moments)
            left += _judge(folder, whole, run, wrong, f"at moment {moment} of {moments}")
    return Outcome(name, moments, done, left, wrong)


def run_in(folder: Path, run: Run) -> int:
    """Run here, with nothing on the screen."""
    folder.mkdir(exist_ok=True)
    with _silent():
        return run(folder)


def _copy(folder: Path, run: Run, *, before: int = 0, after: float | None = None) -> int:
    """The exit code of a copy of this process that runs it, killed ``before`` a step or ``after`` so many seconds."""
    child = os.fork()
    if not child:
        os.setpgid(0, 0)
        try:
            if before:
                _die_before(before, folder)
            code = run_in(folder, run)
        except BaseException:  # whatever it is, this copy must not go on as the original
            import traceback

            traceback.print_exc(file=sys.__stderr__)
            code = 99
        os._exit(code)
    until = time.monotonic() + (_QUIET if after is None else after)
    while not (ended := os.waitpid(child, os.WNOHANG))[0]:
        if time.monotonic() >= until:
            os.kill(child, signal.SIGKILL)
            ended = os.waitpid(child, 0)
            break
        time.sleep(0.002)
    return os.waitstatus_to_exitcode(ended[1])


def _die_before(step: int, folder: Path) -> None:
    """End this process, as if it were killed, before the so-manyth step that touches a file in the folder."""
    place, came = os.path.realpath(folder), 0

    def count() -> None:
        nonlocal came
        came += 1
        if came == step:
            os._exit(_KILLED)

    def look(event: str, arguments: tuple[object, ...]) -> None:
        if event in _STEPS and any(isinstance(each, str | Path) and str(each).startswith(place) for each in arguments):
            count()

    fsync = os.fsync

    def synced(number: int) -> None:
        count()
        fsync(number)
        count()

    os.fsync = synced  # type: ignore[assignment]  # which takes files, too
    folder.mkdir(exist_ok=True)
    sys.addaudithook(look)


def _judge(folder: Path, whole: dict[str, bytes], run: Run, wrong: list[str], when: str) -> int:
    """Look at what is left, and run it again; gives how many hidden parts were left."""
    folder.mkdir(exist_ok=True)
    parts = [path for path in folder.rglob(".poolscope-*") if path.is_file()]
    for name, content in _files(folder).items():
        if content != whole.get(name):
            wrong.append(f"{when}: {name} is not whole")
    if code := _copy(folder, run):
        wrong.append(f"{when}: the next run ends with {code}")
    elif _files(folder) != whole:
        wrong.append(f"{when}: the next run gives something else")
    return len(parts)


def _files(folder: Path) -> dict[str, bytes]:
    """What stands under its final name; a fleet's journal grows a line at a time, which is what it is for."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.startswith(".poolscope-") and path.suffix != ".ndjson"
    }


@contextmanager
def _silent() -> Iterator[None]:
    sys.stdout.flush()
    kept, nothing = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1)
    try:
        yield
    finally:
        sys.stdout.flush()
        os.dup2(kept, 1)
        os.close(kept)
        os.close(nothing)


def main(arguments: Sequence[str] | None = None) -> int:
    """0 where every file was whole and every next run right; 1 where one was not."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.killed", description="Commands, killed at any moment.")
    parser.add_argument("--moments", type=int, default=20, help="of each command, beside all its steps")
    parser.add_argument("--only", nargs="+", choices=list(SCENARIOS), default=list(SCENARIOS))
    options = parser.parse_args(arguments)
    os.chdir(_ROOT)
    outcomes = []
    for name in options.only:
        outcomes.append(found := apart(killed, name, options.moments))
        says = "; ".join(found.wrong[:3]) or "all right"
        print(
            f"{name:<18} {found.moments:>4} moments, {found.steps:>3} steps, {found.left:>3} parts left: {says}",
            flush=True,
        )
    kills = sum(each.moments + each.steps for each in outcomes)
    print(f"{kills} kills, {sum(len(each.wrong) for each in outcomes)} wrong")
    return int(any(each.wrong for each in outcomes))


if __name__ == "__main__":
    sys.exit(main())
