"""What each thread did: on which CPU it ran, what it waited for, when it ended."""

from analyzers.activity.book import Activity as Activity
from analyzers.activity.since import Since as Since
