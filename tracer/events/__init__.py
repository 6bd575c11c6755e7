"""What the payloads of events mean: layouts declared as data, one place that maps an id to its layout."""
