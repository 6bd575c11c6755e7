"""Commands that capture: what is asked for, the capture while it runs, and what is told of it at the end."""
