"""The views of the terminal interface: one module each, one line each in the registry."""
