"""Tables as data: columns of numpy arrays, their order and what is filtered, without any widget.

The text report and the terminal interface show the same tables.
"""
