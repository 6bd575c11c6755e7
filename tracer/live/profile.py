"""What to record with Microsoft's own tools: the words of WPR and xperf.

xperf's names: Microsoft's pages "Start" and "Kernel flags". The profile for WPR: :mod:`tracer.live.wpr_profile`.
"""

from __future__ import annotations

import re
from typing import Final

from tracer.data_classes import dataclass
from tracer.errors import UsageError
from tracer.events.providers import provider_name
from tracer.live.enabling import socket_providers
from tracer.live.plan import MOST_TAGS, CapturePlan

NAME: Final = "Poolscope"

_XPERF_FLAGS: Final = (
    *("PROC_THREAD", "LOADER", "CSWITCH", "DISPATCHER", "KQUEUE", "DRIVERS", "NETWORKTRACE", "POOL"),
)
_XPERF_STACKS: Final = ("PoolAlloc", "PoolFree", "PoolAllocSession", "PoolFreeSession", "ReadyThread")
_TAG: Final = r"[ -~]{1,4}"
_UNFIT: Final = ('"', "+", "--")
"""What has a meaning of its own on xperf's command line, or must not stand in a comment of XML."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """A provider of manifest events; ``keywords`` is a mask, ``level`` the most verbose level wanted."""

    name: str
    keywords: int
    level: int

    @property
    def id(self) -> str:
        """What the profile calls it."""
        return f"{NAME}.{self.name.rpartition('-')[2]}"


def manifests() -> tuple[Manifest, ...]:
    """The same providers, keywords and levels as a live capture turns on."""
    wanted = socket_providers(CapturePlan())
    return tuple(Manifest(provider_name(each.guid) or str(each.guid), each.keywords, each.level) for each in wanted)


@dataclass(frozen=True, slots=True)
class Recording:
    """What to record: only these tags where any are given; buffers of so many kB, and how many."""

    tags: tuple[str, ...] = ()
    buffer_kb: int = 1024
    buffers: int = 256

    def __post_init__(self) -> None:
        """Raise UsageError for tags that neither tool takes."""
        if len(self.tags) > MOST_TAGS:
            raise UsageError(
                "too-many-tags",
                f"{len(self.tags)} tags were given, at most {MOST_TAGS} can be recorded alone",
                why="the kernel's filter of pool tags has no more places",
                next=f"give --tag at most {MOST_TAGS} times, or leave it out to record every tag",
            )
        for tag in self.tags:
            if not re.fullmatch(_TAG, tag) or any(unfit in tag for unfit in _UNFIT):
                raise UsageError(
                    "not-a-tag",
                    f"{tag!r} is no tag that can be recorded alone",
                    why="a tag is one to four printable ASCII characters, without '+', '--' and quotes here",
                    next="give the tag as poolmon shows it, or leave --tag out to record every tag",
                )


def xperf_lines(recording: Recording) -> tuple[str, str, str]:
    """How to record with xperf: start the kernel's events, start those of sockets, stop both into one file."""
    alone = f' -PoolTag "{"+".join(recording.tags)}"' if recording.tags else ""
    providers = "+".join(f"{one.name}:0x{one.keywords:x}:{one.level}" for one in manifests())
    return (
        f"xperf -on {'+'.join(_XPERF_FLAGS)} -stackwalk {'+'.join(_XPERF_STACKS)}{alone}"
        f" -buffersize {recording.buffer_kb} -minbuffers {recording.buffers}",
        f"xperf -start sockets -on {providers} -f sockets.etl",
        "xperf -stop -stop sockets -d pool.etl",
    )


def xperf_command(recording: Recording | None = None) -> str:
    """The same as one command that starts both: the recipe that a report, a view and ``--json`` show."""
    kernel, sockets, _ = xperf_lines(recording or Recording())
    return f"{kernel} {sockets.removeprefix('xperf ')}"


def wpr_lines(profile: str = "pool.wprp") -> tuple[str, str]:
    """How to record with WPR and the profile in a file."""
    return f"wpr -start {profile} -filemode", "wpr -stop pool.etl"
