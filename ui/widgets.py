"""Words that Streamlit's widgets bring along in English only, said in the reader's language.

Streamlit has no setting for them. What it writes is looked for word for word and in its own places,
never among what pages or files say; a word that is not known stays as Streamlit wrote it.
"""

from pathlib import Path

import streamlit as st

from kpi_core.text import phrases

_words = st.components.v2.component(
    "kpi_widgets", js=(Path(__file__).parent / "widgets.js").read_text("utf-8")
)


def translate(lang: str) -> None:
    """Let widgets speak `lang`; what was put in another language before is put back."""
    names = [key.partition(".")[2] for key in phrases() if key.startswith("widgets.")]
    told = [phrases()[f"widgets.{name}"] for name in names]
    words = [[both[other], both[lang]] for both in told for other in both if other != lang]
    _words(key="widgets", data={"words": words})
