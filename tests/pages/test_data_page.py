"""The Data page: what is loaded, what a strange table means, who speaks, what money is."""

import pytest

from kpi_core.ingest.layouts import Draft, Rows, written
from tests.pages.test_pages import assert_whole, open_app, open_page, upload, widget

STRANGE = "Номер;Когда;Сколько, руб;Кто\nA1;01.10.2026;1500;Иван\nA2;02.10.2026;100;Пётр\n"
DIRECT = (
    'День,Взвешенные показы,Показы,Клики,"Расход, ₽"\nИтого,30,300,30,600\n'
    "2026-10-01,10,100,10,200\n2026-10-02,20,200,20,400\n"
)
METRIKA = (
    '"Интервал дат визита","Визиты","Посетители","Отказы"\n'
    '"Итого и средние",300,200,0.2\n"2026-10-01",100,80,0.2\n"2026-10-02",200,120,0.2\n'
)
GA4 = (
    "# ---\n# Report\n# ---\n# Start date: 20261001\n# End date: 20261002\n"
    "Date,Sessions,Engaged sessions\n20261001,90,45\n20261002,180,90\n"
)
DOLLARS = "Date,Impressions,Clicks,Cost (USD)\n2026-10-01,100,10,200\n2026-10-02,200,20,400\n"


@pytest.fixture
def app():
    return open_app("en")


def text(app) -> str:
    """All that the page says."""
    kinds = (*app.markdown, *app.caption, *app.error, *app.warning, *app.info)
    return "\n".join(element.value for element in kinds).replace("\\", "")


def choose(app, column: int, meaning: str):
    """Say what a column of the strange table means."""
    box = next(b for b in app.selectbox if f".{column}:en" in (b.key or "") and "teach" in b.key)
    box.select(meaning)
    return app.run()


def test_an_unknown_table_can_be_explained_and_is_then_counted(app):
    upload(app, "strange.csv", STRANGE.encode())
    assert any("Explain the columns" in found.label for found in app.expander)
    rows = next(c for c in app.segmented_control if (c.key or "").endswith(".rows"))
    rows.set_value(Rows.ORDERS).run()
    choose(app, 0, "record")
    choose(app, 2, "amount")
    assert "Orders: 2" in text(app)
    assert "1,600" in text(app)
    next(b for b in app.button if b.label == "Use it and remember this layout").click()
    app.run()
    assert not app.error
    assert any("strange" in element.value for element in app.markdown)
    assert_whole(app)


def test_a_layout_that_was_saved_reads_the_file_that_waits(app):
    draft = Draft(
        "Ours", "table", Rows.ORDERS, ("Номер", "Когда", "Сколько, руб", "Кто"),
        {"Номер": "record", "Когда": "date", "Сколько, руб": "amount"},
    )  # fmt: skip
    upload(app, "strange.csv", STRANGE.encode())
    widget(app, "file_uploader", "layout").upload("ours.toml", written(draft).encode())
    app.run()
    assert not app.error
    assert "Orders: 2" in text(app)


def test_a_layout_that_is_none_is_told_and_changes_nothing(app):
    open_page(app, "pages/measure/data.py")
    widget(app, "file_uploader", "layout").upload("x.toml", b"preamble = '(a+)+'")
    app.run()
    assert "preamble" in text(app)
    assert_whole(app)


def test_a_file_that_fails_leaves_what_was_loaded(app):
    upload(app, "direct.csv", DIRECT.encode())
    upload(app, "broken.csv", b'"never closed')
    assert "Yandex Direct" in text(app)
    assert app.error


def test_a_file_can_be_replaced_and_stays_if_the_new_one_fails(app):
    upload(app, "direct.csv", DIRECT.encode())
    widget_key = next(u for u in app.get("file_uploader") if "replace" in (u.key or ""))
    widget_key.upload("broken.csv", b'"never closed')
    app.run()
    assert "direct" in text(app)
    again = next(u for u in app.get("file_uploader") if "replace" in (u.key or ""))
    again.upload("newer.csv", DIRECT.replace("400", "500").replace("600", "700").encode())
    app.run()
    assert "newer" in text(app)
    assert "700" in text(app)
    assert "direct.csv" not in text(app)


def test_another_system_can_be_heard_for_traffic(app):
    upload(app, "m.csv", METRIKA.encode())
    upload(app, "g.csv", GA4.encode())
    box = widget(app, "selectbox", "speaker.traffic")
    assert box.value == ""
    box.select("ga4").run()
    assert app.session_state["own"]["plan"].sources == {"traffic": "ga4"}
    widget(app, "selectbox", "speaker.traffic").select("").run()
    assert app.session_state["own"]["plan"].sources == {}


def test_vat_and_rates_are_asked_and_kept_in_the_plan(app):
    upload(app, "d.csv", DIRECT.encode())
    widget(app, "segmented_control", "vat.direct").set_value("excl").run()
    widget(app, "number_input", "vat_rate").set_value(20.0).run()
    plan = app.session_state["own"]["plan"]
    assert plan.vat == {"direct": "excl"}
    assert str(plan.vat_rate) == "0.2"
    widget(app, "number_input", "vat_rate").set_value(0.0).run()
    assert app.session_state["own"]["plan"].vat_rate is None


def test_a_foreign_currency_asks_for_its_rate(app):
    upload(app, "d.csv", DIRECT.encode())
    upload(app, "usd.csv", DOLLARS.encode())
    widget(app, "number_input", "rate.USD").set_value(92.5).run()
    assert str(app.session_state["own"]["plan"].rates["USD"]) == "92.5"
    assert_whole(app)


def test_each_currency_of_a_file_asks_for_its_rate(app):
    rows = "2026-10-01,10,1000,RUB\n2026-10-01,5,20,USD\n2026-10-02,5,30,KZT\n"
    upload(app, "mixed.csv", f"Date,Clicks,Cost,Currency\n{rows}".encode())
    assert "KZT\xa030.00 + RUB\xa01,000.00 + $20.00" in text(app)
    widget(app, "number_input", "rate.KZT").set_value(0.2).run()
    widget(app, "number_input", "rate.USD").set_value(92.5).run()
    assert {code: str(rate) for code, rate in app.session_state["own"]["plan"].rates.items()} == {
        "KZT": "0.2", "USD": "92.5"
    }  # fmt: skip
    assert_whole(app)


def test_the_files_own_totals_are_shown_beside_ours(app):
    upload(app, "d.csv", DIRECT.encode())
    (table,) = [frame.value for frame in app.dataframe if "The file says" in frame.value]
    assert list(table["Agrees"]) == ["yes", "yes", "yes"]


def test_a_known_file_can_be_explained_anew(app):
    open_page(app, "pages/measure/data.py")
    widget(app, "file_uploader", "explain").upload("m.csv", METRIKA.encode())
    app.run()
    assert "what the columns of this file mean" in text(app)
    next(b for b in app.button if b.label == "Use it and remember this layout").click()
    app.run()
    assert not app.error
    assert "m.csv" in text(app)


def test_files_that_failed_are_told_in_the_first_sentence(app):
    upload(app, "d.csv", DIRECT.encode())
    upload(app, "broken.csv", b'"never closed')
    assert "1 file could not be read" in app.markdown[0].value
    assert "All was read" not in app.markdown[0].value
    assert "The rest was read" in app.markdown[0].value


ORDERS = (
    "Номер заказа;Дата;Клиент;Источник;Сумма;Статус\n"
    "1;01.10.2026;К1;Рассылка;100;Выполнен\n2;02.10.2026;К2;Рассылка;50;Отменён\n"
    "3;03.10.2026;К3;Рассылка;30;Выполнен\n"
)


def test_a_file_that_was_read_wrongly_is_explained_from_its_card(app):
    upload(app, "orders.csv", ORDERS.encode())
    assert "130" in text(app)
    again = next(b for b in app.button if b.label == "These columns are read wrongly")
    again.click().run()
    assert "could not be read" not in app.markdown[0].value
    (counting,) = app.multiselect
    assert counting.options == ["Выполнен – 2", "Отменён – 1"]
    assert counting.value == ["Выполнен"]
    counting.set_value([]).run()
    assert any("none is chosen" in warning.value for warning in app.warning)
    assert not [b for b in app.button if b.label == "Use it and remember this layout"]
    app.multiselect[0].set_value(["Выполнен"]).run()
    choose(app, 4, "")
    next(b for b in app.button if b.label == "Use it and remember this layout").click()
    app.run()
    assert not app.exception
    assert "Orders: 2" in text(app)
    assert "130" not in text(app)  # the column of sums was taken out
    assert not app.info
