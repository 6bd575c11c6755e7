"""What all tests share: no test depends on this machine's own lists, on chance, or on its speed."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import zipfile
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from fixtures.scenarios import SCENARIOS

settings.register_profile("local", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("local"), derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "local")

SAMPLES = Path(__file__).parents[1] / "../shared/samples"


def pytest_collection_finish(session: pytest.Session) -> None:
    """Scenarios are imported when they are played, and the first test to play one may be one that is not traced.

    What is there by now stays to the end: looking through it for garbage, again and again, took a third of the time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
    if session.config.pluginmanager.hasplugin("_cov"):
        for scenario in SCENARIOS.values():
            scenario.load()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Tracing more than doubles what Python costs, so what repeats is not traced; coverage can only come out lower.

    pytest-cov's own mark for this, ``no_cover``, has no effect in a worker: there two traces lie one over the other.
    """
    if not (item.get_closest_marker("repeats") and item.config.pluginmanager.hasplugin("_cov")):
        return (yield)
    trace = sys.gettrace()
    sys.settrace(None)
    try:
        return (yield)
    finally:
        sys.settrace(trace)


@pytest.fixture(scope="session")
def samples() -> Path:
    """The folder of real traces, which is not part of this repository; the test is skipped without it."""
    if not SAMPLES.is_dir():
        pytest.skip("the real sample traces are not on this machine (../shared/samples)")
    return SAMPLES


@pytest.fixture(scope="session")
def slow_ppt(samples: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The real trace with context switches and profile samples (randomascii's "slow ppt"), unpacked."""
    packed = samples / "more/randomascii-slow-ppt.etl.zip"
    if not packed.is_file():
        pytest.skip("the real trace with context switches is not on this machine (../shared/samples/more)")
    with zipfile.ZipFile(packed) as archive:
        return Path(archive.extract("slow-ppt.etl", tmp_path_factory.mktemp("slow-ppt")))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 4 MB; the test is skipped where none can be mounted."""
    place = tmp_path / "disk"
    place.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(place)]
    if sys.platform != "linux" or subprocess.run(words, capture_output=True, check=False).returncode:
        pytest.skip("only root can mount a small disk, and only on Linux")
    yield place
    subprocess.run(["umount", str(place)], check=True)


@pytest.fixture(scope="session", autouse=True)
def _no_pool_tag_lists_of_this_machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A pooltag.txt that somebody keeps on this machine must not change what the tests see."""
    empty = tmp_path_factory.mktemp("no-pool-tag-lists")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("analyzers.tags.names.users_own", lambda: empty / "pooltag.txt")
        patch.setattr("analyzers.tags.names.microsofts", lambda: iter(()))
        yield
