"""Tags of objects that programs open handles to, and of what the object manager makes for these.

An object has the first four characters of its type's name as its tag (ReactOS, ``ntoskrnl/ob/oblife.c``,
ObCreateObjectType and ObpAllocateObject); who creates or opens one gets a handle, and the object goes with its last
handle and reference (learn.microsoft.com, "Life Cycle of an Object"). A program that forgets to close handles leaves
such objects behind (learn.microsoft.com, "Understanding handle leaks and how to use !htrace to find them").
"""

from __future__ import annotations

from typing import Final


def _tag(text: str) -> int:
    return int.from_bytes(text.encode("ascii"), "little")


PROCESS_OBJECT: Final = _tag("Proc")
THREAD_OBJECT: Final = _tag("Thre")
HANDLE_TABLE: Final = _tag("Obtb")
_WINDOW_OBJECTS: Final = frozenset({_tag("Desk"), _tag("Wind")})
"""Desktops and window stations, which the kernel's part of the window manager creates when a program asks."""
_WINDOW_MANAGER: Final = frozenset({"win32k.sys", "win32kbase.sys", "win32kfull.sys"})

OBJECTS: Final[dict[int, str]] = {
    _tag("Even"): "event",
    _tag("Sema"): "semaphore",
    _tag("Muta"): "mutex",
    _tag("Time"): "timer",
    _tag("IRTi"): "timer",
    PROCESS_OBJECT: "process",
    THREAD_OBJECT: "thread",
    _tag("Job "): "job",
    _tag("Toke"): "access token",
    _tag("Sect"): "section",
    _tag("Key "): "registry key",
    _tag("Dire"): "object directory",
    _tag("Symb"): "symbolic link",
    _tag("Keye"): "keyed event",
    _tag("IoCo"): "completion port",
    _tag("ALPC"): "ALPC port",
    _tag("TpWo"): "thread pool",
    _tag("EtwR"): "event provider registration",
    _tag("EtwC"): "event consumer",
    _tag("Debu"): "debug",
    _tag("Desk"): "desktop",
    _tag("Wind"): "window station",
}
"""By tag, what kind of object it is; file objects have rules of their own (:mod:`analyzers.tags.callers`)."""

OBJECT_MEMORY: Final = frozenset({*OBJECTS, HANDLE_TABLE, _tag("ObNm")})
"""The objects, and the handle tables and names that are made with them."""

OPENED_BY_ANYBODY: Final = frozenset({PROCESS_OBJECT, THREAD_OBJECT})
"""Objects that other programs than their creator often open: monitors, debuggers, services."""


def are_callers(tag: int, driver: str, kernel: str) -> bool:
    """Whether an object of this tag was asked for by who called, ``kernel`` being the kernel image's driver name.

    One that a driver's frame asked for is that driver's.
    """
    if tag not in OBJECT_MEMORY:
        return False
    return driver in {"", kernel} or (tag in _WINDOW_OBJECTS and driver.lower() in _WINDOW_MANAGER)


def object_words(tag: int, *, several: bool = True) -> str:
    """What objects of a tag are called, such as ``event objects``; those of a handle table or a name are any."""
    noun = f"{OBJECTS[tag]} object" if tag in OBJECTS else "object"
    return f"{noun}s" if several else noun
