"""Answers as files that other programs read: tables, stacks, graphs and results."""
