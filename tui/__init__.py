"""From findings to a person: the command line, the reports and the terminal interface.

Nothing imports this room; only :mod:`tui.app`, ``tui.screens`` and ``tui.widgets`` import textual.
"""
