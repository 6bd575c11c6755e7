"""What a start asked of Windows and what Windows answered, step by step, also where the start failed.

Keys of steps (:attr:`StartStep.name`) are stable:

=====================  ==========================================================================================
``privilege``          the right to profile the system
``reclaim``            stopping a session that a crashed capture had left behind
``start``              the kernel's session
``start-sockets``      the session of the sockets' providers
``independent-mode``   EVENT_TRACE_INDEPENDENT_SESSION_MODE of either session; left out where it is refused
``retry-busy``         a call that was answered with 170 (busy) and repeated after a second; its own step follows
``open``               receiving a session's events
``stacks``             the whole list of events with stacks
``stacks-shorter``     a shorter list; ``asked`` says which
``stacks-by-hook-id``  the same by hook ids, through NtSetSystemInformation
``tag-filter``         pool events of the plan's tags alone
``pool-by-provider``   pool events by the Memory provider
``pool-by-group-mask`` pool events by the group mask, in a session that has system providers
``provider``           another system provider; ``asked`` says which
``group-mask``         everything by the group mask (builds without system providers)
``rundown``            the state of the process provider: what runs already
``snapshot``           what runs already, asked of the machine; after the start, where no event has listed it
``sockets``            a provider of the sockets; ``asked`` says which
=====================  ==========================================================================================

One call may answer for two steps: a session that starts in independent mode grants both. A step that is not in the
list was not asked for.
"""

from __future__ import annotations

from typing import Literal

from tracer.data_classes import dataclass

Outcome = Literal["granted", "refused", "retried", "left-out"]
"""``refused``: it failed, and what was tried instead follows. ``retried``: the same was asked once more.
``left-out``: refused, and the capture goes on without."""


@dataclass(frozen=True, slots=True)
class StartStep:
    """One thing asked: ``call`` is Windows' function, ``asked`` what for in a few words, ``status`` its answer."""

    name: str
    call: str
    asked: str
    status: int
    outcome: Outcome
