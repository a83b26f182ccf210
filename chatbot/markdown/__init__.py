"""Conversion of models' Markdown for Streamlit, also while the text is still being received."""
