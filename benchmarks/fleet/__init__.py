"""A fleet of simulated traces: two workers against one, with workers and whole runs killed on the way."""
