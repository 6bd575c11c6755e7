"""Reading a trace for a command: with progress on stderr, and Ctrl-C as a request for what is known so far."""
