"""Build hook of the wheel: compiles the kernels, so that who installs it waits for nothing at the first run.

Where that cannot be done (no numba for this Python, a system it does not know) the wheel is one without them, and the
first run compiles. An editable installation compiles at its first run, too: its code changes.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

WANTED = "POOLSCOPE_BUILD_KERNELS"
"""Set to 0, this variable of the environment asks for a wheel without kernels."""
_PLACE = "poolscope/rooms/tracer/kernels/built"
_SECONDS = 600


class KernelsHook(BuildHookInterface):  # type: ignore[type-arg]
    """Adds compiled kernels to a wheel, which then is one for this system and this version of Python."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile them, unless the installation is editable. A failure is a warning."""
        if version != "standard" or os.environ.get(WANTED) == "0":
            return
        self._folder = tempfile.TemporaryDirectory()
        built = Path(self._folder.name) / "built"
        kept = {name: value for name, value in os.environ.items() if name != "NUMBA_DISABLE_JIT"}
        environment = {
            **kept,
            "NUMBA_CACHE_DIR": str(Path(self._folder.name) / "cache"),
            "PYTHONPATH": os.pathsep.join(
                (self.root, *filter(None, sys.path))
            ),  # with what the build needs, and only it
        }
        try:
            subprocess.run(
                [sys.executable, __file__, str(built)], check=True, env=environment, timeout=_SECONDS, cwd=self.root
            )
        except (OSError, subprocess.SubprocessError) as error:
            self.app.display_warning(f"the kernels are not compiled, so that the first run will do it: {error}")
            return
        build_data["force_include"].update({str(path): f"{_PLACE}/{path.name}" for path in built.iterdir()})
        build_data["pure_python"] = False
        build_data["infer_tag"] = True

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:  # noqa: ARG002
        """Remove what was compiled: the wheel has it."""
        if hasattr(self, "_folder"):
            self._folder.cleanup()


def compile_into(folder: Path) -> None:
    """Compile what reading needs here, and what an analysis needs in another process, into a library in a folder."""
    from analyzers.analysis import Analysis
    from analyzers.tags import TagNames
    from fixtures.demo import DEMO_TRACE
    from tracer.etl.file import EtlFile
    from tracer.kernels.store import build

    words = [sys.executable, "-m", "analyzers.jit_warmup"]
    with subprocess.Popen(words, stdin=subprocess.PIPE) as helper, EtlFile.open(DEMO_TRACE) as source:
        analysis = Analysis(source, TagNames(()))
        for batch in source.batches(Analysis.KINDS):
            helper.wait(_SECONDS)
            analysis.feed(batch)
        analysis.snapshot()
    build(folder)


if __name__ == "__main__":
    compile_into(Path(sys.argv[1]))
