"""How often the findings are right: simulated traces of known truth, played, analysed and judged."""
