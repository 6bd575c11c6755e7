"""What each thread did: on which CPU it ran, what it waited for, when it ended."""

from analyzers.activity.thread_state import Since as Since
from analyzers.activity.tracker import Activity as Activity
