"""Streamlit parts that pages share: the session, controls, cards."""
