"""``--redact``: the names of a trace that must not get out, replaced by stand-ins."""
