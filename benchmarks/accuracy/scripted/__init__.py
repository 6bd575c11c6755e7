"""A second writer of simulated traces, which shares nothing with the simulated kernel of :mod:`fixtures.kernel`.

It runs no machine. Each kind of trace is a script: events with times out of probabilistic models, sorted, given CPUs,
context switches and addresses, and written. What it lays down follows what is documented of Windows, with the freedom
that the documents leave (ids, orders, offsets) drawn anew for every trace.
"""
