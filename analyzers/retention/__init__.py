"""What holds outstanding memory: allocations given to requests and sockets, the graph over them, retained bytes."""
