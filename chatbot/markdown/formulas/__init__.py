"""Formulas: finding them in a text, and rewriting them for KaTeX."""
