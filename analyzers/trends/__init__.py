"""Statistics over time: how long allocations live, and whether what is outstanding grows."""
