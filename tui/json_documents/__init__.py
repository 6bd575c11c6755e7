"""The documents that ``--json`` gives: a contract, described in ``docs/`` and held by tests.

Keys are added, never renamed or dropped. Addresses and GUIDs are strings, sizes bytes, times
ISO 8601 or ``_ns`` integers since the trace's start.
"""
