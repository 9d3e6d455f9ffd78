"""What a stranger calls something is read on a page as words: no link, picture, list or icon."""

import pytest

from tests.browser import ROOT, serve, settled

TEXTS = (
    "www.evil.example", "https://evil.example/x", "mail a@evil.example now", "ftp://evil.example",
    "![q](http://evil.example/q)", "[x](http://evil.example)", ":red[x] :smile: :material/home:",
    "$x^2$ $$y$$", "<b>b</b><img src=x onerror=alert(1)>", "&lt;b&gt; &amp; &copy;", "1. one",
    "- dash", "===", "***", "---", "    code", "~~x~~", "`c`", ":red-background[x]", "[^1]", "#red",
    "one\n\n# two\n- three", "a\n===", "a|b\n-|-\n1|2", "javascript:alert(1)", "xmpp:a@b.cc",
)  # fmt: skip
SCRIPT = """
import sys
sys.path.insert(0, {root!r})
import streamlit as st
from ui import cards
for text in {texts!r}:
    st.markdown(cards.plain(text))
"""


@pytest.fixture
def page(browser, tmp_path):
    script = tmp_path / "words.py"
    script.write_text(SCRIPT.format(root=str(ROOT), texts=TEXTS), "utf-8")
    with serve(script=str(script)) as url, browser.new_context() as context:
        opened = context.new_page()
        opened.goto(url)
        settled(opened)
        yield opened


def test_no_text_of_a_stranger_is_more_than_words(page) -> None:
    boxes = page.get_by_test_id("stMarkdownContainer")
    assert boxes.count() == len(TEXTS)
    for text, box in zip(TEXTS, boxes.all(), strict=True):
        assert box.evaluate("box => [...box.querySelectorAll('*')].map(e => e.tagName)") == ["P"]
        said = box.inner_text().replace("\N{WORD JOINER}", "")
        assert " ".join(said.split()) == " ".join(text.split())
