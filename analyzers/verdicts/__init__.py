"""From what is outstanding and what holds it to a verdict with evidence, a confidence and advice."""
