"""What a capture needs, checked on this machine."""
