"""A capture that is followed while it runs: the sessions, their consumers, and the events as batches."""

from __future__ import annotations
