"""The page of channels: which are worth their money, and which bring nobody."""

import pytest

from tests.pages.test_pages import (
    assert_whole,
    by_label,
    open_app,
    open_page,
    upload,
    widget,
)

PAGE = "pages/measure/channels.py"


@pytest.mark.parametrize(("lang", "word"), [("ru", "В убыток"), ("en", "Loses money")])
def test_the_answer_names_what_loses_money(lang, word):
    app = open_page(open_app(lang), PAGE)

    assert_whole(app)
    assert word in app.markdown[0].value
    assert "ROMI" in app.markdown[0].value


def test_the_bots_of_july_are_called_empty_with_their_numbers():
    app = open_page(open_app("en"), PAGE)
    by_label(app.selectbox, "Period").select("2026-07-01..2026-07-31").run()

    assert any("empty traffic" in str(text.value) for text in app.markdown)
    said = [text.value.replace("\\", "") for text in app.caption]
    assert any("18,454" in text and "p < 0.0001" in text for text in said)


def test_another_cut_is_kept_across_pages():
    app = open_page(open_app("en"), PAGE)
    widget(app, "segmented_control", "channels.by").set_value("campaign").run()
    open_page(app, "pages/measure/funnel.py")

    open_page(app, PAGE)

    assert_whole(app)
    assert "Поиск — бренд" in app.markdown[0].value.replace("\\", "")
    assert "Total" in list(app.dataframe[0].value["Part"])


def test_the_last_row_is_the_whole():
    table = open_page(open_app("en"), PAGE).dataframe[0].value

    assert table["Part"].iloc[-1] == "Total"
    assert table["Orders"].iloc[:-1].sum() == table["Orders"].iloc[-1]


def test_files_that_know_no_channels_are_told_so():
    app = upload(open_app("ru"), "little.csv", b"date,sessions\n2026-10-01,100\n")

    open_page(app, PAGE)

    assert_whole(app)
    assert "нельзя" in app.markdown[0].value
