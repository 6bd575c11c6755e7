"""From columns to findings: what happened to every allocation, and why."""
