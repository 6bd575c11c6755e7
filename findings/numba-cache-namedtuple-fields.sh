#!/usr/bin/env bash
# Surprise: a kernel that numba has cached goes on reading a NamedTuple's fields at their old places after their order has
# changed in another file: a wrong result, without a word.
#
# Seen with numba 0.68.1, Python 3.11, Linux.
#
# Why: with cache=True what was compiled is kept by the source file of the kernel (name, time stamp, size) and the types
# of its arguments. The type of a NamedTuple compares by its class and the types of its members, not by the names in
# their order; a class of the same name with two integers the other way round is the same key. So who keeps records of
# arrays in one file and kernels in another must put the fields into the key (an index of one's own), or clear the cache
# when records change.
#
# Makes a record of two integers and a cached kernel that gives the first by its name; runs it, swaps the two fields in
# the record's file, runs it again: the kernel gives the second. With the cache cleared it is right.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" --quiet --disable-pip-version-check install numba==0.68.1
cd "$work"
export NUMBA_CACHE_DIR="$work/cache"
cat >kernels.py <<'PYTHON'
from numba import njit


@njit(cache=True)
def width(shape):
    return shape.width
PYTHON
cat >run.py <<'PYTHON'
from kernels import width
from records import Shape

print(width(Shape(width=3, height=40)), sum(width.stats.cache_hits.values()))
PYTHON
record() { printf 'from collections import namedtuple\nShape = namedtuple("Shape", "%s")\n' "$1" >records.py; }
record "width height"
first=$("$work/venv/bin/python" run.py)
record "height width"
swapped=$("$work/venv/bin/python" run.py)
rm -rf "$NUMBA_CACHE_DIR"
cleared=$("$work/venv/bin/python" run.py)
printf 'width and cache hits: %s; fields swapped: %s; cache cleared: %s\n' "$first" "$swapped" "$cleared"
[[ $first == "3 0" && $swapped == "40 1" && $cleared == "3 0" ]] || { echo "numba does otherwise now" >&2; exit 1; }
