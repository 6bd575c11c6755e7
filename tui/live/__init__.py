"""Following events while they come: a worker thread counts, the interface shows what it tells."""
