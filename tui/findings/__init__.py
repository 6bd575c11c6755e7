"""The analyzers' conclusions in words and in part: what the report, the documents and the interface have in common."""
