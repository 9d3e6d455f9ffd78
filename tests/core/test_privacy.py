"""People do not outlive the file they stand in: not in facts, findings, errors or layouts."""

import csv
from io import StringIO
from textwrap import dedent

import numpy as np
import pandas as pd
import pytest

from kpi_core.errors import IngestError
from kpi_core.ingest import Table, Upload, read
from kpi_core.ingest.bulk import identity
from kpi_core.ingest.layouts import Draft, Rows, written
from kpi_core.ingest.privacy import (
    HIDDEN,
    customer_keys,
    example,
    has_contact,
    is_plain_name,
    keyed_ids,
    shown_heading,
    without_contacts,
)

from .small import all_words

MAIL, PHONE, PERSON = "anna.b@people.test", "+7 900 000-00-01", "Пётр Вымышленный"
SECRETS = (MAIL, "people.test", PHONE, "000-00-01", "Вымышленн", "вымышленн")


def of(text: str, name: str = "t.csv") -> Upload:
    return read(name, dedent(text).strip().encode())


def one(upload: Upload) -> Table:
    (table,) = upload.tables
    return table


def values(upload: Upload, code: str) -> dict[str, object]:
    (found,) = [finding.values for finding in upload.findings if finding.code == code]
    return found


def leaks(text: str) -> list[str]:
    return [secret for secret in SECRETS if secret in text]


# --- what is a contact, what is a person


@pytest.mark.parametrize(
    "text",
    [
        "+7 900 000-00-01", "+79000000001", "8 (900) 000-00-01", "8-900-000-00-01", "89000000001",
        "79000000001", "8(900)000-00-01", "+7(900)0000001", "900 000-00-01", "(495) 000-00-01",
        "+375 29 000-00-01", "8 900 000 00 01", "a@b.test", "a.b+c@mail.people.test",
        "name%40people.test", "Заказ от +79000000001, срочно",
    ],
)  # fmt: skip
def test_contacts_are_known_in_their_usual_spellings(text: str) -> None:
    assert has_contact(text)
    assert not any(sign.isdigit() for sign in without_contacts(text))


@pytest.mark.parametrize(
    "text",
    [
        "2026-10-01", "2026-10-01 10:00:00", "20261001", "1 234 567 890", "1,234,567.89",
        "12345678901", "120363041234567890", "01.10.2026-20.10.2026", "7 000 000 000", "@channel",
        "1696118400123", "t.me/channel", "15-20-30",
    ],
)  # fmt: skip
def test_days_figures_and_ids_are_no_contacts(text: str) -> None:
    assert not has_contact(text)


@pytest.mark.parametrize(
    "name",
    ["Ozon", "Google Ads", "Яндекс Маркет", "СберМегаМаркет", "VK Реклама", "Наружная Реклама",
     "Сарафанное радио", "Black Friday", "Холодный звонок", "Звонок Клиента", "yandex.ru / cpc"],
)  # fmt: skip
def test_channels_are_no_people(name: str) -> None:
    assert is_plain_name(name)


@pytest.mark.parametrize(
    "name",
    ["Пётр Вымышленный", "Вымышленный П.П.", "ВЫМЫШЛЕННЫЙ ПЁТР", "Anna Invented", "пётр петрович",
     "Рекомендация Вымышленный Пётр", "Анна-Мария Ким", "a@b.test", "8 900 000-00-01", "о" * 61],
)  # fmt: skip
def test_people_and_remarks_are_no_channels(name: str) -> None:
    assert not is_plain_name(name)


def test_headings_in_latin_letters_have_capitals_of_their_own() -> None:
    assert shown_heading("Billing Province") == "Billing Province"
    assert shown_heading("Стоимость Клика") == "Стоимость Клика"
    assert shown_heading("Пётр Вымышленный") == HIDDEN


def test_a_cell_that_is_no_number_is_shown_by_its_figures_and_known_words() -> None:
    assert example("1 200 шт.") == "1 200 шт."
    assert example("many") == "many"
    assert example("< 10 %?") == "< 10 %?"
    assert example(f"{PERSON} {PHONE}") == HIDDEN
    assert example("Анна") == HIDDEN


# --- findings and errors


def test_a_cell_with_a_person_is_told_by_its_line_alone() -> None:
    upload = of(f"""
        Дата;Заказы;Выручка
        01.10.2026;2;100
        02.10.2026;{PERSON} {PHONE};50""")
    told = values(upload, "not_numbers")
    assert told == {"column": "Заказы", "n": 1, "line": 3, "example": HIDDEN}
    assert not leaks(all_words(upload))


def test_a_person_is_no_channel() -> None:
    upload = of(f"""
        Дата;Канал;Заказы;Выручка
        01.10.2026;Рекомендация {PERSON};2;100
        02.10.2026;{MAIL};1;50
        03.10.2026;Ozon;1;50
        04.10.2026;SEO;1;50""")
    assert one(upload).facts["channel"].tolist() == ["other", "other", "Ozon", "organic"]
    assert values(upload, "people_hidden") == {"column": "Канал", "n": 2}
    assert values(upload, "channels_unknown") == {"n": 3, "values": f"Ozon, {HIDDEN}"}
    assert not leaks(all_words(upload))


def test_a_person_is_no_source_but_the_medium_still_tells_the_channel() -> None:
    upload = of(f"""
        Дата;Источник;Medium;Заказы
        01.10.2026;{PERSON};cpc;2
        02.10.2026;yandex;organic;1""")
    assert one(upload).facts["channel"].tolist() == ["paid_search", "organic"]
    assert one(upload).facts["source"].tolist() == ["", "yandex"]
    assert not leaks(all_words(upload))


def test_headings_that_are_people_are_not_told() -> None:
    upload = of(f"""
        # Клиенты
        {PERSON},{MAIL}
        # Отчёт
        # 20261001-20261031
        Date,Sessions,Users
        20261001,10,9""")
    assert values(upload, "section_left_out") == {"columns": HIDDEN}
    assert not leaks(all_words(upload))


def test_an_error_names_known_headings_alone_where_the_row_is_data() -> None:
    with pytest.raises(IngestError) as failed:
        of(f"Дата,{MAIL},anna\n01.10.2026,x,y")
    assert failed.value.values["columns"] == f"Дата, {HIDDEN}"
    assert not leaks(failed.value.text("ru"))


def test_lines_above_a_table_are_not_kept() -> None:
    upload = of(f"""
        Отчёт для {PERSON}, тел. {PHONE}
        Дата;Визиты;Заказы
        01.10.2026;10;1""")
    assert not leaks(all_words(upload))


# --- facts


def test_few_contacts_among_campaigns_are_blanked() -> None:
    rows = [f"{day:02}.10.2026;{MAIL if day == 5 else 'A'};1;10;10" for day in range(1, 20)]
    upload = of("\n".join(["Дата;Кампания;Клики;Показы;Расход", *rows]))
    campaigns = one(upload).facts["campaign"].tolist()
    assert campaigns == ["A"] * 4 + [""] + ["A"] * 14
    assert values(upload, "people_hidden") == {"column": "Кампания", "n": 1}
    assert one(upload).total("clicks") == 19


def test_a_campaign_of_digits_among_ids_is_no_telephone() -> None:
    upload = of("""
        Дата;Кампания;Клики;Показы;Расход
        01.10.2026;12345678901;1;10;10
        02.10.2026;79000000001;1;10;10""")
    assert one(upload).facts["campaign"].tolist() == ["12345678901", "79000000001"]


def test_pages_lose_what_forms_write_behind_them() -> None:
    upload = of(f"""
        Дата;Страница входа;Визиты
        01.10.2026;https://a.test/?email={MAIL}&phone=79000000001;10
        01.10.2026;/buy#name=Anna;5
        01.10.2026;/users/{MAIL}/orders;1
        01.10.2026;Что купить? Советы;2""")
    kept = ["https://a.test/", "/buy", f"/users/{HIDDEN}/orders", "Что купить? Советы"]
    assert one(upload).facts["landing"].tolist() == kept
    assert not leaks(all_words(upload))


# One row of an export, with people wherever its columns leave room for them.
ROUTES = {
    "shopify": {
        "Name": "#1", "Email": MAIL, "Financial Status": "paid", "Currency": "RUB",
        "Subtotal": "100", "Total": "100", "Created at": "2026-10-01 10:00:00 +0300",
        "Lineitem quantity": "1", "Lineitem name": PERSON, "Billing Name": PERSON,
        "Note Attributes": f"utm_source: {MAIL}", "Tags": PERSON, "Source": PERSON,
    },
    "amocrm": {
        "ID": "1", "Название сделки": PERSON, "Бюджет": "50 000", "Ответственный": PERSON,
        "Дата создания сделки": "01.10.2026 10:00:00", "Дата закрытия": "20.10.2026 10:00:00",
        "Теги": MAIL, "Этап сделки": "Успешно реализовано", "Воронка": "Продажи",
        "Полное имя контакта": PERSON, "Рабочий телефон": f"'{PHONE}", "utm_source": MAIL,
        "utm_medium": "cpc", "utm_campaign": MAIL, "Источник": PERSON,
    },
    "bitrix": {
        "ID": "11", "Стадия сделки": "Сделка успешна", "Название сделки": PERSON, "Сумма": "100",
        "Валюта": "Российский рубль", "Источник": f"{PERSON} {PHONE}", "Контакт": PERSON,
        "Контакт: Рабочий телефон": PHONE, "Дата создания": "01.10.2026 10:00:00",
        "Предполагаемая дата закрытия": "10.12.2026",
    },
    "tilda": {
        "tranid": PHONE, "formid": "form1", "formname": "Заявка", "Name": PERSON, "Phone": PHONE,
        "Email": MAIL, "Comment": PERSON, "referer": f"https://shop.test/?email={MAIL}",
        "utm_source": MAIL, "utm_medium": "cpc", "utm_campaign": MAIL,
        "sent": "2026-10-01 14:20:11", "Status ID": "1", "Stage": "Входящие", "COOKIES": "_ga=1",
    },
    "woocommerce": {
        "Date": "2026-10-01 10:00:00", "Order #": "501", "N. Revenue (formatted)": "₽2,300.50",
        "Status": "completed", "Customer": PERSON, "Customer type": "new", "Product(s)": PERSON,
        "Items sold": "3", "Coupon(s)": MAIL, "Net Sales": "2000.5",
        "Attribution": f"Source: {MAIL}",
    },
    "forms": {
        "Отметка времени": "01.10.2026 09:12:33", "Адрес электронной почты": MAIL,
        "Насколько вероятно, что вы порекомендуете нас друзьям? (0–10)": "10",
        f"{PERSON} {PHONE}": PHONE,
    },
    "events": {
        "event_time": "2026-10-01 00:00:00 UTC", "event_type": f"Заказ от {PERSON} {PHONE}",
        "product_id": "1", "price": "35.79", "user_id": MAIL,
    },
}  # fmt: skip
SUBSCRIBER = {
    "Email Address": MAIL, "First Name": PERSON, "Last Name": PERSON, "MEMBER_RATING": "2",
    "OPTIN_TIME": "2026-10-01 10:00:00", "CONFIRM_TIME": "2026-10-01 10:00:00", "LEID": "1",
    "EUID": "ab", "TAGS": PHONE,
}  # fmt: skip


def exported(row: dict[str, str]) -> str:
    lines = StringIO()
    csv.writer(lines).writerows([row.keys(), row.values()])
    return lines.getvalue()


@pytest.mark.parametrize("route", ROUTES)
def test_nothing_of_a_person_is_left_of_an_export(route: str) -> None:
    upload = of(exported(ROUTES[route]), f"{route}.csv")
    assert upload.tables[0].measures
    assert not leaks(all_words(upload))


def test_a_list_of_subscribers_is_refused_without_a_word_of_it() -> None:
    with pytest.raises(IngestError) as failed:
        of(exported(SUBSCRIBER))
    assert failed.value.code == "known_without_figures"
    assert not leaks(failed.value.text("ru"))


# --- keys


ORDERS = """
    Name,Email,Financial Status,Currency,Subtotal,Total,Created at,Lineitem quantity,Lineitem name
    {id},{mail},paid,RUB,100,100,2026-10-0{day} 10:00:00 +0300,1,Фикус"""


def test_one_customer_is_one_in_all_files_of_a_process_and_a_number_in_each() -> None:
    first = one(of(ORDERS.format(id="#1", mail=MAIL, day=1))).facts
    again = one(of(ORDERS.format(id="#2", mail=MAIL.upper(), day=2))).facts
    other = one(of(ORDERS.format(id="#3", mail="b@people.test", day=3))).facts
    assert first["customer"].dtype == np.uint64
    assert first["customer"][0] == again["customer"][0]
    assert first["customer"][0] != other["customer"][0]


def test_one_telephone_is_one_customer_however_it_is_written() -> None:
    spelled = ["+7 900 000-00-01", "8 (900) 000-00-01", "'+79000000001", "79000000001",
               79000000001.0, "89000000001", "9000000001"]  # fmt: skip
    assert customer_keys(spelled).nunique() == 1
    assert customer_keys(["+7 900 000-00-01", "+7 900 000-00-02"]).nunique() == 2
    assert customer_keys([None, "", "-"]).tolist() == [0, 0, 0]


def test_orders_that_contacts_tell_apart_have_keys_that_no_list_of_contacts_undoes() -> None:
    ids = pd.Series([MAIL, PHONE, "#1001", MAIL])
    keyed = keyed_ids(ids)
    assert keyed[2] == "#1001"
    assert keyed[0] == keyed[3]
    assert keyed.nunique() == 3
    assert not leaks(" ".join(keyed))


def test_an_order_that_a_contact_names_is_the_same_in_every_file() -> None:
    one_day, exported_again = (
        one(of(ORDERS.format(id=MAIL, mail=mail, day=1))).facts["record"][0]
        for mail in (MAIL, "b@people.test")
    )
    assert one_day == exported_again
    assert one_day not in identity([[MAIL], [MAIL, "2026-10-01"]])


# --- layouts


@pytest.mark.parametrize("strange", [MAIL, PHONE, PERSON, "1 500,50", "01.10.2026", "12"])
def test_a_layout_is_not_written_with_data_for_headings(strange: str) -> None:
    draft = Draft(
        name="Мои",
        source="table",
        rows=Rows.SUMS,
        headings=("Когда", "Сколько", strange),
        meanings={"Когда": "date", "Сколько": "orders"},
    )
    with pytest.raises(IngestError) as failed:
        written(draft)
    assert failed.value.code == "layout_headings_are_data"
    assert failed.value.values["column"] == 3
    assert strange not in failed.value.text("en")
