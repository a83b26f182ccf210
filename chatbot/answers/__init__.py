"""Answers: asking, continuing, saving and accounting, independent of any page that shows them."""
