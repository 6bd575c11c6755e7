"""This tree beside another commit of it, measured in one run: each in an environment of its own, turn by turn."""
