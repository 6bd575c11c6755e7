"""Which program files a trace's images are: read from their headers on disk, and added to a recording."""
