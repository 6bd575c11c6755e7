"""How a compiled kernel gets from numba into a file and from there into a process that never imports numba."""
