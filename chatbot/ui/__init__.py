"""The parts of the page that draw: with `streamlit_app.py`, all code that imports streamlit."""
