"""Where Dask is not installed there is nothing to test here: Poolscope needs it for this command alone."""

from __future__ import annotations

from importlib.util import find_spec

collect_ignore_glob = [] if find_spec("distributed") and find_spec("psutil") else ["test_*.py"]
