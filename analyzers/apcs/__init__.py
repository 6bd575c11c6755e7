"""Completion APCs that have not run: a derived state, never an observed one."""
