"""What holds each request that is not retired: one file per holder, with its rule, its evidence and its doubts.

No event says what holds a finished request, but for entries of kernel queues. All else is inferred, by what the trace
shows of the request's memory, its thread and its file, and by what that excludes (docs/held-requests.md).
"""
