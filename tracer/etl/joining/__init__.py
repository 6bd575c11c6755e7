"""Several files as one trace: which belong together, and how they are read."""
