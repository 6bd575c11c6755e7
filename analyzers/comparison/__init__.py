"""What changed between traces: told from noise by a test."""
