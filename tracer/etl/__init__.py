"""The .etl container: buffers, records, clock, loss."""
