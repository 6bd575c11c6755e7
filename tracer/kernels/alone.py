"""Numba by itself: not as a file in the current folder sets it, and without plug-ins of other packages."""

from __future__ import annotations

import sys
import warnings


def import_numba() -> None:
    """Import it, if that was not done yet.

    Where PyYAML is installed, numba takes all that ``NUMBA_…`` variables can say from a ``.numba_config.yaml`` in the
    current folder, which may be that of a stranger's trace; where it is not, numba warns of the file. Before it
    compiles it runs what any package has declared as ``numba_extensions`` (numba 0.68).
    """
    if "numba" in sys.modules:
        return
    others = {"yaml": sys.modules["yaml"]} if "yaml" in sys.modules else {}
    sys.modules["yaml"] = None  # type: ignore[assignment]  # what Python takes for: it is not installed
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from numba.core import config, entrypoints
    finally:
        del sys.modules["yaml"]
        sys.modules.update(others)
    config._config_fname = ""  # it looks again at each compilation
    entrypoints._already_initialized = True
