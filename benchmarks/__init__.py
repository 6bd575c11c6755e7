"""How fast and how big: ``python -m benchmarks`` measures Poolscope against its limits and its peers."""
