"""From where a program makes the calls for which the kernel allocates: the modules on a user-mode stack."""

from __future__ import annotations

from typing import Final

from analyzers.pool_tables import Names

CALLS: Final = "user-modules"
"""The rule of the evidence that says so."""
_ALWAYS: Final = frozenset({"ntdll.dll", "wow64.dll", "wow64cpu.dll", "wow64win.dll", "win32u.dll"})
"""Modules through which every call passes on its way into the kernel."""
_STARTS_THREADS: Final = "kernel32.dll"
"""The outermost frame but ntdll's of every thread: it called nothing."""
_MOST: Final = 6
"""Modules that are named."""


def calling_modules(names: Names, user_stack: int, process: int | None) -> tuple[str, ...]:
    """Names of the modules on the stack, innermost first, without those that every stack has; none for stack -1."""
    if user_stack < 0 or process is None:
        return ()
    modules = [frame.module for frame in names.frames(user_stack, process)]
    named = [module for module in modules if module and module.lower() not in _ALWAYS]
    if len(named) > 1 and named[-1].lower() == _STARTS_THREADS:
        named.pop()
    return tuple(dict.fromkeys(named))[:_MOST]
