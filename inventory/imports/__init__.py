"""Files of catalogue items: their columns, their rows as values, their verdicts (L-8, L-9, D-06)."""
