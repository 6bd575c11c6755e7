"""I/O requests and sockets: what was issued, completed and retired, and what is still under way."""
