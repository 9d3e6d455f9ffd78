"""Other places on the Data page: what they say is added like an upload."""

import pytest
import streamlit as st

from tests.pages.test_data_page import DIRECT, text
from tests.pages.test_pages import assert_whole, open_app, open_page, widget
from tests.postgres import postgres_url  # noqa: F401 - a fixture


@pytest.fixture
def app():
    return open_page(open_app("en"), "pages/measure/data.py")


def read_it(app, kind: str, **typed: str):
    for name, value in typed.items():
        widget(app, "text_input", f"place.{kind}_{name}").set_value(value)
    widget(app, "button", f"place.{kind}").click()
    return app.run()


def test_a_folder_is_a_card_with_its_rows_and_period(app, tmp_path):
    for day in (1, 2):
        lines = DIRECT.splitlines()
        content = "\n".join([lines[0], lines[1 + day]])
        (tmp_path / f"{day}.csv").write_text(content, encoding="utf-8")
    read_it(app, "folder", pattern=str(tmp_path / "*.csv"))
    assert not [error.value for error in app.error]
    assert "….csv" in text(app)
    assert "2 rows" in text(app)
    assert_whole(app)


def test_a_table_of_a_database_is_a_card(app, postgres_url):  # noqa: F811
    import psycopg

    with psycopg.connect(postgres_url) as con:
        con.execute('CREATE TABLE ads ("Date" date, "Clicks" int, "Cost (USD)" numeric)')
        con.execute("INSERT INTO ads VALUES ('2026-10-01', 10, 200), ('2026-10-02', 20, 400)")
    read_it(app, "database", address=postgres_url, table="ads")
    assert not app.error
    assert "ads @ 127.0.0.1" in text(app).replace("\u2060", "")
    password = postgres_url.split(":")[2].split("@")[0]
    assert password not in repr([*app.markdown, *app.caption])
    assert not any(box.value for box in app.text_input if "place." in box.key)
    assert password not in repr(app.session_state["own"]["uploads"])


def test_a_place_that_is_none_is_told_and_the_sample_stays(app, tmp_path):
    read_it(app, "folder", pattern=str(tmp_path / "*.csv"))
    assert "no CSV or Parquet file fits" in app.error[0].value.replace("\\", "")
    assert_whole(app)


def test_an_app_that_others_can_reach_opens_no_files_of_this_computer(monkeypatch):
    option = st.get_option
    monkeypatch.setattr(
        st, "get_option", lambda name: "" if name == "server.address" else option(name)
    )
    app = open_page(open_app("en"), "pages/measure/data.py")
    assert not [box for box in app.text_input if "folder" in (box.key or "")]
    read_it(app, "spark", address="sc://127.0.0.1:1", table="/etc/passwd.csv")
    assert "only the owner" in app.error[0].value
    open_page(app, "pages/measure/data.py")
    read_it(app, "database", address="postgresql://postgres@127.0.0.1/shop", table="sales")
    assert "denies access" in app.error[0].value.replace("\\", "")
