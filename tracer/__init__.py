"""From bytes to columns: where events come from and what their bytes mean.

This room imports none of the others (see ``docs/code.md``).
"""
