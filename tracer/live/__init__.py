"""Live capture on Windows: the session, its consumer, the pool's counters, and what the machine must offer."""
