"""The one place where commands meet Windows; tests put a made machine here."""

from __future__ import annotations

from tracer.data_classes import dataclass
from tracer.live.api import Api
from tracer.live.counters import Query
from tracer.live.image_paths import NO_IMAGE_PATHS, ImagePaths
from tracer.live.machine import Asking


@dataclass(frozen=True, slots=True)
class ThisMachine:
    """A Windows: its sessions, its pool counters, where its images lie, and what else is asked of it."""

    api: Api
    asking: Asking
    query: Query
    image_paths: ImagePaths = NO_IMAGE_PATHS


def this_machine() -> ThisMachine:
    """This Windows. Raises MachineError (``no-capture``) where it is none."""
    from tracer.live.windows import windows_api  # says what can be done instead where this is not Windows

    api = windows_api()
    from tracer.live.asking import WindowsAsking
    from tracer.live.counters import windows_query
    from tracer.live.image_paths import windows_image_paths

    return ThisMachine(api, WindowsAsking(), windows_query(), windows_image_paths())
