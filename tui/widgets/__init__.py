"""One widget per file; each shows data and tells, by messages, what was asked of it."""
