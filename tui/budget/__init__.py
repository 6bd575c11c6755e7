"""How much a run may leave behind: a budget, and what is over it."""
