"""What a file does not say is told and left unknown: statuses, currencies, segments, layouts."""

from io import BytesIO
from textwrap import dedent
from zipfile import ZipFile

import pytest

from kpi_core.errors import Finding, IngestError, Severity
from kpi_core.ingest import Table, Upload, read
from kpi_core.ingest.channels import channel_of
from kpi_core.ingest.layouts import Draft, Rows, read_layout, written


def of(text: str, name: str = "file.csv") -> Upload:
    return read(name, dedent(text).strip().encode())


def one(upload: Upload) -> Table:
    (table,) = upload.tables
    return table


def told(upload: Upload, code: str) -> Finding:
    (found,) = [finding for finding in upload.findings if finding.code == code]
    return found


def codes(upload: Upload) -> set[str]:
    return {finding.code for finding in upload.findings}


# --- statuses

WOO = "Order Number,Order Date,Order Status,Order Total Amount\n"
AMO = "ID,Название сделки,Бюджет,Дата создания сделки,Этап сделки\n"
CRM = "Номер;Статус;Сумма;Дата оформления;Магазин;Статус оплаты\n"


def test_statuses_of_a_shop_in_russian_are_known() -> None:
    """The cancelled 900 is no order; 100 + 50 were paid, 30 waits."""
    rows = "1,2026-10-05,Выполнен,100\n2,2026-10-05,Отменён,900\n3,2026-10-06,Обработка,50\n"
    upload = of(WOO + rows + "4,2026-10-06,В ожидании оплаты,30\n")
    table = one(upload)
    assert (table.total("orders"), table.total("revenue")) == (3, 180)
    assert (table.total("paid_orders"), table.total("paid_revenue")) == (2, 150)
    assert "statuses_unknown" not in codes(upload)


def test_a_status_that_no_list_knows_is_neither_money_nor_nothing() -> None:
    upload = of(WOO + "1,2026-10-05,Completed,100\n2,2026-10-05,Аннулирован,900\n")
    assert not one(upload).measures
    found = told(upload, "statuses_unknown")
    assert found.severity is Severity.WARNING
    assert "«аннулирован» – 1 (900,00)" in found.text("ru")


def test_only_what_asks_for_the_strange_status_is_unknown() -> None:
    """The status of payment is strange, that of the order is not: 100 + 500 were ordered."""
    rows = "1А;Выполнен;100;05.10.2026;М;Оплачен\n2А;Выполнен;500;05.10.2026;М;Бартер\n"
    upload = of(CRM + rows)
    assert one(upload).measures == ("orders", "revenue")
    assert one(upload).total("revenue") == 600
    assert "бартер" in told(upload, "statuses_unknown").text("en")


def test_lost_deals_do_not_tell_how_many_were_won() -> None:
    rows = "1,A,1000,05.10.2026,Оплачено полностью\n2,B,2000,06.10.2026,{}\n"
    upload = of(AMO + rows.format("Закрыто и не реализовано"))
    assert one(upload).total("deals_lost") == 1
    assert "deals_won" not in one(upload).measures
    assert "«оплачено полностью» – 1 (1,000.00)" in told(upload, "statuses_unknown").text("en")


def test_a_stage_of_their_own_is_on_the_way_once_won_deals_are_seen() -> None:
    rows = "1,A,1000,05.10.2026,Замер\n2,B,2000,06.10.2026,Успешно реализовано\n"
    table = one(of(AMO + rows + "3,C,500,06.10.2026,Закрыто и не реализовано\n"))
    assert (table.total("deals_won"), table.total("deal_value")) == (1, 2000)


def test_where_every_status_is_known_none_won_is_nought() -> None:
    rows = "1,A,1000,05.10.2026,Переговоры\n2,B,2000,06.10.2026,Закрыто и не реализовано\n"
    upload = of(AMO + rows)
    assert one(upload).total("deals_won") == 0
    assert "statuses_unknown" not in codes(upload)


REGISTER = "Номер заказа;Дата;Статус;Сумма\n"


def register(*statuses: str) -> str:
    """An order of 10 for each status, all on one day."""
    rows = [f"З-{n};01.10.2026;{status};10" for n, status in enumerate(statuses)]
    return REGISTER + "\n".join(rows)


def test_orders_left_out_by_status_are_told_and_so_are_those_still_under_way() -> None:
    """166 done and 18 new make 184 of 209; the 25 cancelled are the rest."""
    upload = of(register(*["Выполнен"] * 166, *["Новый"] * 18, *["Отменён"] * 25))
    assert one(upload).total("orders") == 184
    found = told(upload, "statuses_left_out_not_final")
    assert found.severity is Severity.INFO
    assert "25 из 209 («Отменён» – 25)" in found.text("ru")
    assert "counted: 18 («Новый» – 18)" in found.text("en")


def test_where_every_order_is_final_and_counts_no_status_is_told() -> None:
    upload = of(register("Выполнен", "Выполнен", "Доставлен"))
    assert one(upload).total("orders") == 3
    assert not {code for code in codes(upload) if code.startswith("statuses")}


def test_orders_that_are_still_open_are_told_though_none_is_left_out() -> None:
    upload = of(register("Новый", "Новый", "Доставлен"))
    assert one(upload).total("orders") == 3
    assert told(upload, "statuses_not_final").values == {
        "all": 3, "going": 2, "words": "«Новый» – 2",
    }  # fmt: skip


def test_of_many_statuses_left_out_the_most_frequent_three_are_named() -> None:
    upload = of(register("Готово", *["Отказ"] * 4, *["Дубль"] * 3, *["Возврат"] * 2, "Тест"))
    assert told(upload, "statuses_left_out").values == {
        "n": 10, "all": 11, "statuses": "«Отказ» – 4, «Дубль» – 3, «Возврат» – 2, …",
    }  # fmt: skip


def test_an_order_without_a_day_is_told_for_its_day_alone() -> None:
    """Of four, one has no day; of the three others one was cancelled and one is new."""
    rows = register("Выполнен", "Отменён", "Новый") + "\nЗ-9;когда-то;Отменён;10"
    upload = of(rows)
    assert told(upload, "rows_without_day").values["n"] == 1
    found = told(upload, "statuses_left_out_not_final").values
    assert (found["n"], found["all"], found["going"]) == (1, 3, 1)


def test_a_column_of_returns_is_named_beside_its_word() -> None:
    """The first was returned and cancelled: it is told once, by its status."""
    head = "Номер заказа;Дата;Статус;Возврат;Сумма\n"
    rows = "1;01.10.2026;Отменён;да;10\n2;01.10.2026;Выполнен;да;20\n3;01.10.2026;Выполнен;нет;30"
    upload = of(head + rows)
    assert one(upload).total("revenue") == 30
    found = told(upload, "statuses_left_out").values
    assert found["statuses"] == "«Отменён» – 1, «Возврат: да» – 1"


def test_what_a_taught_table_leaves_out_by_status_is_told() -> None:
    """A status that nobody had when the table was taught does not go without a word."""
    headings = ("Код", "Когда", "Стадия", "Деньги")
    meanings = dict(zip(headings, ("record", "date", "status", "amount"), strict=True))
    draft = Draft("Заявки", "table", Rows.ORDERS, headings, meanings, counting=("Оплачено",))
    text = "Код;Когда;Стадия;Деньги\nА1;01.10.2026;Оплачено;10\nА2;01.10.2026;Рассрочка;20\n"
    upload = read("a.csv", text.encode(), [read_layout("a.toml", written(draft))])
    assert one(upload).total("revenue") == 10
    assert told(upload, "statuses_left_out").values == {
        "n": 1, "all": 2, "statuses": "«Рассрочка» – 1",
    }  # fmt: skip


# --- what a service alone has


def test_days_impressions_clicks_and_cost_are_no_service_and_no_roubles() -> None:
    upload = of("День,Показы,Клики,Расход\n01.10.2026,1000,100,300\n02.10.2026,1000,100,300")
    assert (upload.format, one(upload).currency) == ("table", None)
    assert "channel" not in one(upload).facts


def test_a_platform_beside_each_row_makes_no_table_of_one_service() -> None:
    rows = "01.10.2026;VK;1000;900;10;500\n01.10.2026;Google;1000;900;10;700"
    upload = of(f"Дата;Площадка;Показы;Охват;Клики;Расход\n{rows}")
    assert upload.format == "table"
    assert one(upload).total("spend") == 1200


def test_a_currency_that_only_the_service_suggests_is_told() -> None:
    text = "День,Взвешенные показы,Показы,Клики,{}\n01.10.2026,9,1000,100,300"
    upload = of(text.format("Расход"))
    assert one(upload).currency == "RUB"
    assert told(upload, "currency_assumed").severity is Severity.INFO
    assert "currency_assumed" not in codes(of(text.format('"Расход, ₽"')))


# --- currencies and VAT of one column


def test_a_currency_of_one_column_is_not_that_of_another() -> None:
    upload = of("Дата;Выручка, $;Расход;Заказы\n01.10.2026;100;5000;1\n02.10.2026;100;5000;2")
    table = one(upload)
    assert table.measures == ("revenue", "orders")
    assert (table.total("revenue"), table.currency) == (200, "USD")
    assert "Расход" in told(upload, "currency_of_some").text("ru")


def test_a_currency_in_cells_is_as_good_as_in_the_heading() -> None:
    upload = of("Дата;Выручка, ₽;Расход\n01.10.2026;100;50 руб.\n02.10.2026;100;50 руб.")
    assert one(upload).total("spend") == 100
    assert not codes(upload) & {"currency_of_some", "several_currencies"}


def test_money_without_any_currency_is_still_one() -> None:
    upload = of("Дата;Выручка;Расход\n01.10.2026;100;50\n02.10.2026;100;50")
    assert one(upload).total("spend") == 100
    assert "currency_of_some" not in codes(upload)


def test_vat_of_one_column_is_not_that_of_another() -> None:
    upload = of("Дата;Выручка;Расход (без НДС)\n01.10.2026;1200;500\n02.10.2026;1200;500")
    assert one(upload).vat is None
    assert "vat_of_some" in codes(upload)
    assert one(of("Дата;Расход (без НДС)\n01.10.2026;500\n02.10.2026;500")).vat == "excl"
    both = of("Дата;Выручка без НДС;Расход (без НДС)\n01.10.2026;1200;500\n02.10.2026;1;5")
    assert one(both).vat == "excl"
    above = of("Суммы без НДС\nДата;Выручка;Расход\n01.10.2026;1200;500\n02.10.2026;1;5")
    assert (one(above).vat, codes(above) & {"vat_of_some"}) == ("excl", set())


@pytest.mark.parametrize("other", ["KZT", "Казахстанский тенге"])
def test_rows_may_be_of_two_currencies(other: str) -> None:
    upload = of(f"Дата;Выручка;Заказы;Валюта\n05.10.2026;500;1;руб\n06.10.2026;700;1;{other}")
    assert one(upload).by_currency("revenue") == {"KZT": 700, "RUB": 500}
    assert told(upload, "rows_of_currencies").values == {"currencies": "KZT, RUB"}


@pytest.mark.parametrize("other", ["у.е.", ""])
def test_a_currency_that_is_not_known_is_another_one(other: str) -> None:
    upload = of(f"Дата;Выручка;Заказы;Валюта\n05.10.2026;500;1;руб\n06.10.2026;700;1;{other}")
    assert one(upload).measures == ("orders",)
    assert told(upload, "several_currencies").severity is Severity.ERROR


def test_a_day_without_money_needs_no_currency() -> None:
    upload = of("Дата;Выручка;Заказы;Валюта\n05.10.2026;500;1;руб\n06.10.2026;0;0;")
    assert (one(upload).total("revenue"), one(upload).currency) == (500, "RUB")


# --- parts of the whole

GA4 = """
    # ---
    # Traffic acquisition: Session primary channel group (Default channel group)
    # ---
    #
    # {}
    # Start date: 20261001
    # End date: 20261031
    Session primary channel group (Default channel group),Sessions,Engaged sessions
    Organic Search,1000,600
    Paid Search,500,200
"""
METRIKA = """
    Отчет за период с 2026-10-01 по 2026-10-31
    Сегмент: {}
    "Источник трафика";"Визиты";"Посетители";"Отказы"
    "Итого и средние";300;250;0,2
    "Прямые заходы";100;90;0,2
    "Переходы по рекламе";200;160;0,2
"""


@pytest.mark.parametrize(
    ("text", "part", "whole"),
    [
        (GA4, "Mobile traffic", ("All Users", "Все пользователи", "")),
        (METRIKA, "Мобильные устройства", ("все визиты", "Все посетители", "нет")),
    ],
)
def test_a_segment_is_a_part_and_all_users_are_none(
    text: str, part: str, whole: tuple[str, ...]
) -> None:
    upload = of(text.format(part))
    found = told(upload, "only_a_part")
    assert (found.severity, found.values["part"]) == (Severity.WARNING, part)
    assert set(one(upload).facts["segment"]) == {part}
    for name in whole:
        upload = of(text.format(name))
        assert "only_a_part" not in codes(upload)
        assert "segment" not in one(upload).facts


@pytest.mark.parametrize(
    ("filters", "part"),
    [
        ("Search type,Web\nQuery,+brand\n", "Query +brand"),
        ("Search type,Image\n", "Search type Image"),
        ("Тип поиска,Веб\nСтрана,Россия\n", "Страна Россия"),
        ("Search type,Web\n", None),
        ("Тип поиска,Веб\n", None),
    ],
)
def test_filters_of_search_console_make_a_part(filters: str, part: str | None) -> None:
    days = "".join(f"2026-10-0{day},9,900,1%,5\n" for day in (1, 2))
    packed = BytesIO()
    with ZipFile(packed, "w") as archive:
        archive.writestr("Chart.csv", f"Date,Clicks,Impressions,CTR,Position\n{days}")
        archive.writestr("Filters.csv", f'Filter,Value\n{filters}Date,"Oct 1, 2026-Oct 2, 2026"\n')
    upload = read("export.zip", packed.getvalue())
    found = [each.values["part"] for each in upload.findings if each.code == "only_a_part"]
    assert found == ([part] if part else [])


# --- layouts that were taught


def test_a_taught_layout_is_told_and_takes_only_its_own_table() -> None:
    draft = Draft("Мои", "table", Rows.SUMS, ("Date", "Clicks", "Note"),
                  {"Date": "date", "Clicks": "sessions"})  # fmt: skip
    layout = read_layout("l", written(draft))
    own = read("a.csv", b"Date,Clicks,Note\n2026-10-01,5,x\n2026-10-02,6,y\n", [layout])
    assert one(own).measures == ("sessions",)
    assert told(own, "read_by_layout").severity is Severity.INFO
    other = read("b.csv", b"Date,Clicks,Cost\n2026-10-01,5,7\n2026-10-02,6,8\n", [layout])
    assert one(other).measures == ("clicks", "spend")
    assert "read_by_layout" not in codes(other)
    assert layout.evidence != "A"


# --- logs without sessions


def test_without_session_ids_orders_are_those_of_their_events() -> None:
    """Two buyers, three purchases of 100 + 100 + 50: the first bought twice in a day."""
    upload = of(
        """
        user_id,event,timestamp,revenue,currency
        1,purchase,2026-10-02 00:05:00,100,USD
        1,purchase,2026-10-02 10:05:00,100,USD
        2,purchase,2026-10-01 10:00:00,50,USD
        """
    )
    table = one(upload)
    assert (table.total("orders"), table.total("revenue"), table.total("sessions")) == (3, 250, 2)
    assert told(upload, "sessions_are_days").severity is Severity.WARNING


def test_an_order_told_in_several_events_is_one_by_its_number() -> None:
    rows = "1,purchase,2026-10-02 00:05:00,{0}\n1,purchase,2026-10-02 00:05:00,{1}\n"
    upload = of("user_id,event,timestamp,order_id\n" + rows.format("A7", "A7"))
    assert one(upload).total("orders") == 1
    upload = of("user_id,event,timestamp,order_id\n" + rows.format("A7", "A8"))
    assert one(upload).total("orders") == 2


# --- channels


@pytest.mark.parametrize(
    ("value", "channel"),
    [
        ("Директ", "paid_search"), ("Яндекс.Директ", "paid_search"), ("ВК", "social"),
        ("Телеграм", "messenger"), ("Авито", "referral"), ("Яндекс Маркет", "referral"),
        ("2ГИС", "referral"), ("Дзен", "recommendation"), ("РСЯ", "display"), ("CPA", "referral"),
    ],
)  # fmt: skip
def test_usual_names_of_channels_are_known(value: str, channel: str) -> None:
    assert channel_of(value) == channel


def test_a_part_by_channel_is_doubtful_where_many_rows_have_an_unknown_one() -> None:
    """Whether the 100 visits of "Зюзя" are paid, nothing says; 5 of 1005 are too few to matter."""
    text = "Дата;Канал;Визиты\n01.10.2026;SEO;1000\n01.10.2026;Зюзя;{}\n"
    found = told(of(text.format(100)), "channels_unknown_part")
    assert (found.severity, found.values["values"]) == (Severity.WARNING, "Зюзя")
    assert "channels_unknown_part" not in codes(of(text.format(5)))


# --- days


@pytest.mark.parametrize("day_first", [True, False])
def test_a_day_in_spanish_lasts_a_day_though_the_report_ends_later(*, day_first: bool) -> None:
    edges, day = '"Inicio del informe","Fin del informe"', "Día"
    order = (lambda d, e: f"{d},{e}") if day_first else (lambda d, e: f"{e},{d}")
    head = order(day, edges) + ",Impresiones,Importe gastado (EUR)\n"
    rows = [order(f"2026-10-0{n}", "2026-10-01,2026-10-31") + ",100,10\n" for n in (1, 2)]
    facts = one(of(head + "".join(rows))).facts
    assert facts["end"].dt.day.tolist() == [1, 2]


# --- tables of orders


@pytest.mark.parametrize(
    "text",
    [
        "Order ID;Date;Customer;Source;Cost;Status\n1;2026-10-01;C1;email;60;Delivered",
        "Дата;Покупатель;Источник;Стоимость\n01.10.2026;К1;Рассылка;60",
        "Дата;Источник;Стоимость;Статус заказа\n01.10.2026;Рассылка;60;Выполнен",
        "Номер заказа;Источник;Выручка\n1;Рассылка;60",
    ],
)
def test_what_an_order_costs_is_no_advertising(text: str) -> None:
    with pytest.raises(IngestError) as refused:
        of(text)
    assert refused.value.code == "unknown_layout"


def test_advertising_for_clients_stays_advertising() -> None:
    upload = of("Дата;Клиент;Показы;Клики;Стоимость\n01.10.2026;Лавка;1000;10;500")
    assert (upload.format, one(upload).total("spend")) == ("table", 500)


def test_monthly_totals_of_orders_are_no_register() -> None:
    upload = of("Дата;Заказы;Выручка\n01.10.2026;3;100\n02.10.2026;4;200")
    assert (upload.format, one(upload).total("orders")) == ("table", 7)


ORDERS = "Номер заказа;Дата;Клиент;{};Статус\n"


def test_orders_of_an_unknown_status_are_neither_money_nor_nothing() -> None:
    rows = "1;01.10.2026;А;100;Выполнен\n2;02.10.2026;Б;50;Заморожен\n"
    upload = of(ORDERS.format("Сумма") + rows)
    assert (upload.format, one(upload).measures) == ("order_register", ())
    assert "«заморожен» – 1 (50,00)" in told(upload, "statuses_unknown").text("ru")


def test_statuses_of_payment_alone_tell_what_was_paid() -> None:
    rows = "1;01.10.2026;А;100;Оплачен\n2;02.10.2026;Б;50;{}\n3;03.10.2026;В;30;Отменён\n"
    table = one(of(ORDERS.format("Сумма") + rows.format("Не оплачен")))
    assert (table.total("revenue"), table.total("paid_revenue")) == (150, 100)
    table = one(of(ORDERS.format("Сумма") + rows.format("Доставлен")))
    assert (table.total("revenue"), "paid_revenue" in table.measures) == (150, False)


def test_an_order_of_several_rows_has_one_sum_or_none() -> None:
    rows = "1;01.10.2026;А;100;Выполнен\n1;01.10.2026;А;{};Выполнен\n"
    upload = of(ORDERS.format("Сумма") + rows.format(100))
    assert (one(upload).total("orders"), one(upload).total("revenue")) == (1, 100)
    assert told(upload, "sums_said_again").severity is Severity.WARNING
    upload = of(ORDERS.format("Сумма") + rows.format(50))
    assert one(upload).measures == ("orders",)
    assert told(upload, "sums_of_rows_differ").values["n"] == 1


def test_a_sum_with_and_without_tax_is_one_sum() -> None:
    head = ORDERS.format("Сумма без НДС;Сумма с НДС")
    upload = of(head + "1;01.10.2026;А;100;120;Выполнен\n")
    assert (one(upload).total("revenue"), one(upload).vat) == (120, "incl")
    assert "money_not_used" not in codes(upload)


def test_a_register_of_payments_to_suppliers_is_none_of_orders() -> None:
    with pytest.raises(IngestError):
        of("Номер;Дата;Поставщик;Сумма;Статус\n1;01.10.2026;А;100;Оплачен")


# --- columns that are left


def test_money_that_is_not_used_is_a_warning() -> None:
    upload = of("Дата;Менеджер;Визиты;Сумма;Статья\n01.10.2026;А;5;100;7\n02.10.2026;Б;6;200;8")
    found = told(upload, "money_not_used")
    assert (found.severity, found.values["columns"]) == (Severity.WARNING, "Сумма")
    assert told(upload, "columns_not_used").values["columns"] == "Менеджер, Статья"
    quiet = of("Дата;Визиты;Средняя сумма;Сумма прописью\n01.10.2026;5;100;сто\n02.10.2026;6;9;два")
    assert "money_not_used" not in codes(quiet)


def test_a_status_that_is_not_looked_at_is_a_warning() -> None:
    text = "Дата;Менеджер;Выручка;Статус\n01.10.2026;А;100;Выполнен\n02.10.2026;Б;50;{}\n"
    found = told(of(text.format("Отменён")), "statuses_not_used")
    assert (found.severity, "«отменен» – 1" in found.text("ru")) == (Severity.WARNING, True)
    assert "statuses_not_used" not in codes(of(text.format("Новый")))
