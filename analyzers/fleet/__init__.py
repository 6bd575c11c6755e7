"""Many traces as one: rows of each, and what all of them say together."""
