"""The page. Only this package, `streamlit_app.py` and `deploy/` import Streamlit."""
