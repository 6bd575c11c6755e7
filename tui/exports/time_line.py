"""Outstanding bytes over time as a drawing."""

from __future__ import annotations

from typing import Final

import numpy as np

from analyzers.formatting import duration, size
from analyzers.snapshot import Snapshot
from tui.exports.drawings import Drawing, Label, Look, Shape

_WIDE: Final = 720
_HIGH: Final = 220
_LEFT: Final = 110
"""Room for a size in the large letters of a phone, such as 999.9 MiB."""
_BELOW: Final = 28


def time_line(snapshot: Snapshot) -> Drawing:
    """Of what was allocated in the trace, at the end of each step of time."""
    history = snapshot.pool.history
    held = np.concatenate(([0], np.cumsum(history.bytes[:, : history.used].sum(axis=0))))
    most, until = int(held.max()), max(snapshot.at_ns, 1)
    times = np.minimum(np.arange(len(held)) * history.step_ns, until)
    right, floor = _WIDE - 8, _HIGH - _BELOW
    x = _LEFT + times / until * (right - _LEFT)
    y = 10 + (1 - held / max(most, 1)) * (floor - 10)
    curve = tuple(zip(x.round(1).tolist(), y.round(1).tolist(), strict=True))
    return Drawing(
        name="time",
        width=_WIDE,
        height=_HIGH,
        says=f"Outstanding bytes over {duration(until)}: at most {size(most)}, {size(int(held[-1]))} at the end",
        shapes=(
            Shape(Look.AXIS, ((_LEFT, floor), (right, floor))),
            Shape(Look.AREA, ((_LEFT, floor), *curve, (curve[-1][0], floor)), closed=True),
            Shape(Look.CURVE, curve),
        ),
        labels=(
            Label(Look.WORDS, (_LEFT - 8, 20), size(most), ends=True),
            Label(Look.WORDS, (_LEFT - 8, floor), "0 B", ends=True),
            Label(Look.WORDS, (_LEFT, _HIGH - 6), "0 s"),
            Label(Look.WORDS, (right, _HIGH - 6), duration(until), ends=True),
        ),
        caption=f"Of what was allocated in the trace; at most {size(most)}.",
    )
