"""The language of the filter line: typed text to terms, terms to rows, and what is wrong in words."""
