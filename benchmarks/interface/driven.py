"""The interface on a screen that nobody sees, driven by keys; times are from key to drawn.

Not by textual's pilot: it waits until the process is idle, which one that follows a trace never is.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

from textual import events
from textual.app import App
from textual.keys import _character_to_key

SIZE: Final = (160, 48)
_HANDS: Final = 3
"""A key is handled by a widget, which tells its view, which tells the screen."""


@asynccontextmanager
async def driven(app: App[None], size: tuple[int, int] = SIZE) -> AsyncIterator[None]:
    """The app, drawn for the first time; an exception in it is raised here."""
    async with app.run_test(size=size):
        await _drawn(app)
        yield


async def seconds(app: App[None], *keys: str) -> float:
    """From before the first key until everything that followed from the keys was handled and drawn."""
    began = time.perf_counter()
    for key in keys:
        name, character = (_character_to_key(key), key) if len(key) == 1 else (key, None)
        app.post_message(events.Key(name, character))
        await _drawn(app)
    return time.perf_counter() - began


async def _drawn(app: App[None]) -> None:
    await _called(app.call_later)
    for _ in range(_HANDS):
        for node in (app.focused or app.screen).ancestors_with_self:
            await _called(node.call_later)
    await _called(app.screen.call_after_refresh)


async def _called(when: Callable[[Callable[[], Any]], Any]) -> None:
    done = asyncio.Event()
    when(done.set)
    await done.wait()
