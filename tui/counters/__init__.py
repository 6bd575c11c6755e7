"""Watching the pool's own counters: PoolMon with growth, and without elevation or events."""
