"""``poolscope fleet``: from many traces on Dask to one answer."""
