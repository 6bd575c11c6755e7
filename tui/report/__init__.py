"""Text reports: pure functions from what is known to styled lines."""
