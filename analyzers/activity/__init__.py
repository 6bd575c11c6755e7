"""What each thread did: on which CPU it ran, what it waited for, when it ended."""

from analyzers.activity.thread_state import ActivitySince as ActivitySince
from analyzers.activity.tracker import Activity as Activity
