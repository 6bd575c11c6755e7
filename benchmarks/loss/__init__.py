"""Events are taken from simulated traces in known ways, and what is said about the rest is held against the whole."""
