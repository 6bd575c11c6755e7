#!/usr/bin/env bash
# Surprise: numba's cache does not know how its compiler was set. A kernel that one run compiled with NUMBA_LOOP_VECTORIZE=0,
# to look into something, is what all later runs take out of the cache: slower machine code, without a word.
#
# Seen with numba 0.68.1, Python 3.11, Linux on x86-64.
#
# Why: with cache=True what was compiled is kept by the types of its arguments, the processor and the function's own code.
# What variables of the environment tell the compiler is no part of that key. So who measures with one of them set needs a
# cache of its own for it (NUMBA_CACHE_DIR), and who keeps machine code should set the compiler before it compiles.
#
# Makes a cached kernel that adds up integers; runs it with vectors switched off, then as usual on the same cache, then as
# usual on an empty one, and compares the compiled code that lies in the cache after each.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" --quiet --disable-pip-version-check install numba==0.68.1
cd "$work"
cat >kernel.py <<'PYTHON'
import numpy as np
from numba import njit


@njit(cache=True)
def total(values):
    found = 0
    for value in values:
        found += value
    return found


print(total(np.arange(1000)), sum(total.stats.cache_hits.values()))
PYTHON
code() { find "$1" -name '*.nbc' -exec sha256sum {} + | cut -c1-12; }
export NUMBA_CACHE_DIR="$work/cache"
set_aside=$(NUMBA_LOOP_VECTORIZE=0 "$work/venv/bin/python" kernel.py)
without=$(code "$NUMBA_CACHE_DIR")
usual=$("$work/venv/bin/python" kernel.py)
after=$(code "$NUMBA_CACHE_DIR")
export NUMBA_CACHE_DIR="$work/empty"
fresh=$("$work/venv/bin/python" kernel.py)
with=$(code "$NUMBA_CACHE_DIR")
printf 'without vectors: %s, code %s\nas usual, same cache: %s, code %s\nas usual, empty cache: %s, code %s\n' \
    "$set_aside" "$without" "$usual" "$after" "$fresh" "$with"
[[ $set_aside == "499500 0" && $usual == "499500 1" && $fresh == "499500 0" && $after == "$without" && $with != "$after" ]] ||
    { echo "numba does otherwise now" >&2; exit 1; }
