"""Large tidy files: added up elsewhere, they say what the same rows say when read one by one."""

import csv
import io
import random
import tomllib
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from kpi_core import ingest
from kpi_core.errors import IngestError
from kpi_core.ingest import LARGE_BYTES, Upload, read, read_path
from kpi_core.ingest.formats import Kind, formats
from kpi_core.ingest.large import read_large
from kpi_core.ingest.layouts import Draft, Rows, read_layout, written

from .small import all_words

EXPORTS = Path(__file__).parents[1] / "exports"
HEADINGS = ["Date", "Channel", "Campaign", "Sessions", "Clicks", "Cost (USD)", "Users", "E-mail"]


def rows(count: int, mark: str) -> list[list[str]]:
    """Days, channels and figures by chance, some cells empty."""
    chance = random.Random(count)  # noqa: S311 - the same tables every time
    return [
        [
            str(date(2026, 9, 1) + timedelta(days=chance.randrange(40))),
            chance.choice(["organic", "cpc", "Прямые заходы", ""]),
            chance.choice(["осень, 1", 'Say "hi"', "two\nlines"]),
            str(chance.randrange(100)),
            chance.choice(["", str(chance.randrange(50))]),
            f"{chance.randrange(10_000) / 100:.2f}".replace(".", mark),
            "5",
            "someone@mail.test",
        ]
        for _ in range(count)
    ]


def text(table: list[list[str]], delimiter: str) -> str:
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=delimiter, lineterminator="\r\n").writerows(table)
    return out.getvalue()


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch):
    """Reads any text as a large one."""

    def read_so(data: bytes, layouts=()) -> Upload:
        with monkeypatch.context() as patch:
            for limit in ("LARGE_BYTES", "LARGE_PARQUET", "MAX_TEXT"):
                patch.setattr(ingest, limit, 0)
            return read("a.csv", data, layouts)

    return read_so


def cube(upload: Upload) -> pd.DataFrame:
    (table,) = upload.tables
    keys = ["start", "end", *sorted(table.dimensions)]
    adding = [id for id in table.measures if id != "users"]
    return table.facts.groupby(keys)[adding].sum(min_count=1)


@pytest.mark.parametrize(
    ("delimiter", "encoding", "mark"),
    [(",", "utf-8", "."), (";", "cp1251", ","), ("\t", "utf-16", "."), ("|", "utf-8-sig", ",")],
)
def test_a_large_file_gives_the_sums_of_its_rows(large, delimiter, encoding, mark) -> None:
    data = text([HEADINGS, *rows(500, mark)], delimiter).encode(encoding)
    one_by_one, at_once = read("a.csv", data), large(data)
    pd.testing.assert_frame_equal(cube(at_once), cube(one_by_one))
    mine, theirs = at_once.tables[0], one_by_one.tables[0]
    assert mine.rows == theirs.rows == 500
    assert mine.measures == theirs.measures
    assert mine.period == theirs.period
    assert mine.currency == theirs.currency == "USD"
    assert at_once.digest == one_by_one.digest
    assert {f.code for f in at_once.findings} == {f.code for f in one_by_one.findings}
    assert "someone" not in mine.facts.to_csv()


def test_a_large_parquet_file_gives_the_sums_of_its_rows(large) -> None:
    table = pd.DataFrame(rows(500, "."), columns=HEADINGS)
    table["Date"] = pd.to_datetime(table["Date"])
    for name in ("Sessions", "Clicks", "Cost (USD)"):
        table[name] = pd.to_numeric(table[name])
    out = io.BytesIO()
    table.to_parquet(out, index=False)
    one_by_one, at_once = read("a.parquet", out.getvalue()), large(out.getvalue())
    pd.testing.assert_frame_equal(cube(at_once), cube(one_by_one))
    assert at_once.tables[0].rows == 500
    assert len(at_once.tables[0].facts) < 500  # added up, not read one by one
    assert at_once.tables[0].period == one_by_one.tables[0].period
    assert at_once.tables[0].currency == "USD"


def test_rows_of_a_large_file_keep_their_currencies(large) -> None:
    """10 + 30 roubles of one channel, 5 dollars of it and 7 of another."""
    table = [["Date", "Channel", "Clicks", "Cost", "Currency"]]
    table += [["2026-10-01", "email", "1", "10", "RUB"], ["2026-10-01", "email", "1", "5", "USD"]]
    table += [["2026-10-01", "email", "1", "30", "RUB"], ["2026-10-02", "ppc", "1", "7", "USD"]]
    (read_table,) = large(text(table, ",").encode()).tables
    assert (len(read_table.facts), read_table.currencies) == (3, ("RUB", "USD"))
    assert read_table.by_currency("spend") == {"RUB": 40, "USD": 12}


@pytest.mark.parametrize("first", ["№", "id", "ids"])
def test_long_headings_in_letters_of_two_bytes_are_no_other_encoding(large, first: str) -> None:
    """Whichever byte a piece of the file ends at, it is not judged by half a letter."""
    headings = [first, "День", "Название кампании", "Показы", "Клики", "Расход, ₽"]
    upload = large(text([headings, ["7", "2026-10-01", "A", "9", "1", "2"]], ",").encode())
    assert upload.tables[0].total("clicks") == 1


def test_people_are_not_added_in_a_large_file(large) -> None:
    data = text([HEADINGS, *rows(500, ".")], ",").encode()
    assert large(data).tables[0].total("users") is None


def test_a_total_row_of_a_large_file_is_set_aside(large) -> None:
    table = [["День", "Кампания", "Показы", "Клики", "Расход, ₽"]]
    table += [["Итого", "", "300", "30", "70,50"]]
    table += [["2026-10-01", "A", "100", "10", "20,25"], ["2026-10-02", "A", "200", "20", "50,25"]]
    upload = large(text(table, ";").encode())
    (read_table,) = upload.tables
    assert read_table.total("spend") == 70.5
    assert read_table.rows == 2
    assert read_table.control["spend"] == 70.5


def test_odd_figures_of_a_large_file_are_told_not_lost(large) -> None:
    table = [["Date", "Sessions", "Cost"], ["2026-10-01", "5", "1.5"], ["2026-10-02", "many", "2"]]
    upload = large(text(table, ",").encode())
    assert upload.tables[0].total("sessions") == 5
    assert upload.tables[0].total("spend") == 3.5
    (told,) = [f for f in upload.findings if f.code == "not_numbers_large"]
    assert told.values["n"] == 1
    assert "many" in told.text("en")


def test_percentages_of_a_large_file_are_no_counts(large) -> None:
    table = [["Date", "Sessions", "Orders"], ["2026-10-01", "5%", "1"], ["2026-10-02", "6%", "2"]]
    upload = large(text(table, ",").encode())
    assert upload.tables[0].measures == ("orders",)
    assert "percent_no_count" in {finding.code for finding in upload.findings}


def test_orders_of_several_lines_are_counted_once(large) -> None:
    day, note = "2026-10-01 10:00:00 +0300", "utm_source: google\nutm_medium: cpc"
    table = [["Name", "Financial Status", "Total", "Created at", "Lineitem name", "Currency",
              "Note Attributes"]]  # fmt: skip
    for number in range(200):
        status = ["paid", "pending", "voided"][number % 3]
        table += [[f"#{number}", status, "10.50", day, "a", "RUB", note if number % 2 else ""]]
        table += [[f"#{number}", "", "", day, "b", "", ""]]
    data = text(table, ",").encode()
    uploads = large(data), read("a.csv", data)
    at_once, one_by_one = (upload.tables[0] for upload in uploads)
    assert {id: at_once.total(id) for id in at_once.measures} == {
        id: one_by_one.total(id) for id in one_by_one.measures
    }
    assert at_once.total("paid_orders") == 67
    assert set(at_once.facts["channel"]) == set(one_by_one.facts["channel"])
    assert set(at_once.facts["record"]) == set(one_by_one.facts["record"])
    for upload in uploads:  # 67 are paid, 67 pending, 66 voided
        (left_out,) = [f for f in upload.findings if f.code == "statuses_left_out_not_final"]
        assert left_out.values == {
            "n": 66, "all": 200, "statuses": "«voided» – 66",
            "going": 67, "words": "«pending» – 67",
        }  # fmt: skip


@pytest.mark.parametrize(
    "days",
    [
        ("01/10/26", "02/10/26", "03/10/26", "13/10/26"),
        ("10/01/26", "10/13/26"),
        ("1/10/26 9:30", "2/10/26", "3/10/26", "13/10/26 10:00"),
    ],
)
def test_years_of_two_digits_are_read_in_a_large_file(large, days) -> None:
    data = text([["Date", "Sessions"], *([day, "5"] for day in days)], ";").encode()
    for upload in large(data), read("a.csv", data):
        assert str(upload.tables[0].period) == "2026-10-01..2026-10-13"
        assert upload.tables[0].total("sessions") == 5 * len(days)


def test_a_taught_layout_reads_a_large_file(large) -> None:
    meanings = {"Когда": "date", "Сколько": "sessions"}
    draft = Draft("x", "table", Rows.SUMS, ("Когда", "Сколько"), meanings)
    data = text([["Когда", "Сколько"], ["2026-10-01", "5"], ["2026-10-02", "7"]], ";").encode()
    layout = read_layout("x", written(draft))
    assert large(data, [layout]).tables[0].total("sessions") == 12


@pytest.mark.parametrize(
    ("table", "code"),
    [
        ([["Визиты", "Отказы", "Дата"], ["5", "0.1", "2026-10-01"]], "large_untidy"),  # averages
        ([["Student", "Mark"], ["A", "5"]], "large_untidy"),
        ([["Date", "Mark"], ["2026-10-01", "5"]], "unknown_layout"),
        ([["Date", "Sessions"], ["2026-10-01", "5"], ["2026-10-02", "6", "7"]], "ragged"),
    ],
)
def test_what_cannot_be_added_up_by_columns_is_refused_by_name(large, table, code) -> None:
    with pytest.raises(IngestError) as refused:
        large(text(table, ",").encode())
    assert refused.value.code == code
    assert refused.value.where == "a.csv"


def test_a_file_that_is_not_tidy_is_still_read_row_by_row_while_it_is_not_huge(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ingest, "LARGE_BYTES", 0)
    data = text([["Дата", "Визиты", "Отказы"], ["2026-10-01", "50", "0.1"]], ",").encode()
    assert read("a.csv", data).tables[0].total("bounces") == 5


def test_a_local_file_may_be_larger_than_an_upload(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "huge.csv"
    path.write_bytes(text([HEADINGS, *rows(300, ".")], ",").encode())
    as_bytes = read("huge.csv", path.read_bytes())
    monkeypatch.setattr(ingest, "MAX_BYTES", 100)
    by_path = read_path(path)
    assert by_path.digest == as_bytes.digest
    pd.testing.assert_frame_equal(cube(by_path), cube(as_bytes))
    with pytest.raises(IngestError):
        read("huge.csv", path.read_bytes())


# --- event logs


def logs() -> Iterator[Path]:
    """The samples of event logs."""
    for path in sorted(EXPORTS.glob("*/*.toml")):
        tables = tomllib.loads(path.read_text("utf-8")).get("tables", [])
        if any(formats()[table["format"]].kind is Kind.EVENTS for table in tables):
            yield path.with_suffix("")


def assert_both_ways_agree(name: str, data: bytes) -> Upload:
    """A log reads the same, row by row and added up elsewhere."""
    upload, at_once = read(name, data), read_large(name, data, ())
    (table,) = upload.tables
    pd.testing.assert_frame_equal(at_once.mapped.facts, table.facts)
    assert at_once.mapped.control == table.control
    assert at_once.mapped.measures == table.measures
    assert at_once.mapped.dimensions == table.dimensions
    assert at_once.mapped.currency == table.currency
    assert at_once.records == table.rows
    own = [finding for finding in upload.findings if finding.code != "encoding_guessed"]
    assert sorted(f.code for f in at_once.mapped.findings) == sorted(f.code for f in own)
    counted = {"log_counted", "events_told_again", "records_without_id", "rows_without_day",
               "people_hidden", "channels_unknown"}  # fmt: skip
    for finding in own:
        if finding.code in counted:
            assert finding in at_once.mapped.findings
    return upload


@pytest.mark.parametrize("path", list(logs()), ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_the_log_of_a_sample_is_the_same_when_it_is_large(path: Path) -> None:
    assert_both_ways_agree(path.name, path.read_bytes())


@pytest.mark.parametrize("path", list(logs()), ids=lambda path: f"{path.parent.name}/{path.stem}")
@pytest.mark.parametrize("typed", [True, False])
def test_the_log_of_a_sample_is_the_same_in_parquet(path: Path, typed: bool) -> None:
    table = pd.read_csv(path, sep=None, engine="python", dtype=None if typed else str)
    out = io.BytesIO()
    table.to_parquet(out, index=False)
    assert_both_ways_agree("log.parquet", out.getvalue())


SHOP = ["user_id", "session_id", "event", "timestamp", "utm_source", "utm_medium", "campaign",
        "platform", "order_id", "revenue", "e_mail", "version"]  # fmt: skip
GA4 = ["event_date", "event_timestamp", "event_name", "user_pseudo_id", "ga_session_id",
       "session_engaged", "engagement_time_msec", "session_source", "session_medium",
       "device_category", "transaction_id", "purchase_revenue", "item_name"]  # fmt: skip


def shop_events(count: int, stamp: str, mark: str = ".") -> Iterator[list[str]]:
    """Events by chance: of sessions over midnight, without an id or a day, of orders told twice."""
    pick = random.Random(stamp)  # noqa: S311
    for _ in range(count):
        user = pick.randrange(60)
        moment = datetime(2026, 10, 1) + timedelta(minutes=pick.randrange(9 * 1440))
        event = pick.choice(["view", "View ", "add_to_cart", "checkout", "purchase", "anna wrote"])
        yield [
            pick.choice([f"u{user}"] * 20 + [""]),
            pick.choice([f"s{user % 7}-{moment.day // 2}"] * 20 + [""]),
            event,
            pick.choice([moment.strftime(stamp)] * 30 + ["", "soon"]),
            pick.choice(["google", "yandex", "newsletter", "odd place", ""]),
            pick.choice(["cpc", "organic", ""]),
            pick.choice(["осень, 1", "a.b@people.test", "", "Пётр Вымышленный"]),
            pick.choice(["desktop", "mobile", ""]),
            pick.choice(["", f"T-{pick.randrange(100)}"]),
            pick.choice(["", "0", f"{pick.randrange(9999) / 100:.2f}".replace(".", mark)])
            * (event == "purchase"),
            "someone@mail.test",
            "1.2",  # a row of words alone would be taken for headings
        ]


@pytest.mark.parametrize(
    ("stamp", "mark", "lacking"),
    [
        ("%Y-%m-%d %H:%M:%S", ".", set()),
        ("%Y-%m-%dT%H:%M:%SZ", ".", {"session_id"}),
        ("%d.%m.%Y %H:%M", ".", {"revenue", "utm_medium"}),
        ("%d/%m/%Y", ",", {"session_id", "order_id"}),
        ("%s000", ",", {"order_id", "utm_source"}),
    ],
)
def test_a_large_log_becomes_the_sessions_of_its_rows(
    stamp: str, mark: str, lacking: set[str]
) -> None:
    kept = [at for at, name in enumerate(SHOP) if name not in lacking]
    table = [SHOP, *shop_events(700, stamp, mark)]
    upload = assert_both_ways_agree(
        "log.csv", text([[row[at] for at in kept] for row in table], ";").encode("cp1251")
    )
    words = all_words(upload)
    assert not [word for word in ("u12", "s3-", "people.test", "mail.test") if word in words]


def ga4_events(count: int) -> Iterator[list[str]]:
    """A row an item: the same event several times, among others of the same moment."""
    pick = random.Random(count)  # noqa: S311
    for _ in range(count):
        user, second = pick.randrange(40), pick.randrange(800_000)
        event = pick.choice(["page_view", "view_item", "purchase", "first_visit", "scroll"])
        day = date(2026, 10, 1) + timedelta(seconds=second)
        source = pick.choice([("google", "organic"), ("yandex", "cpc"), ("", ""), ("x", "y")])
        row = [day.strftime("%Y%m%d"), str(1790812800_000000 + second * 10**6), event,
               f"{user}.1", f"{second // 1800}", pick.choice(["0", "1", ""]),
               pick.choice(["", str(pick.randrange(9000))]), *source,
               pick.choice(["mobile", "desktop"])]  # fmt: skip
        order = pick.choice(["", f"T-{pick.randrange(50)}"]) if event == "purchase" else ""
        for item in range(pick.choice([1, 1, 3])):
            yield [*row, order, "120.50" if event == "purchase" else "", f"item {item}"]


@pytest.mark.parametrize("dated", [True, False])
def test_a_large_log_of_ga4_counts_an_event_once(dated: bool) -> None:
    rows = [GA4, *ga4_events(600)]
    upload = assert_both_ways_agree(
        "ga4.csv", text([row[not dated :] for row in rows], ",").encode()
    )
    assert "events_told_again" in {finding.code for finding in upload.findings}
    assert upload.tables[0].total("bounces")


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"revenue": "5%"}, "figures_not_plain"),
        ({"revenue": "12 ₽"}, "figures_not_plain"),
        ({"user_id": "1,23457E+15"}, "numbers_rounded"),
        ({"session_id": "1.2E+17"}, "numbers_rounded"),
        (dict.fromkeys(SHOP, "") | {"event": "Итого"}, "large_untidy"),
    ],
)
def test_what_a_large_log_cannot_be_told_by_is_refused_by_name(changed, code) -> None:
    rows = [SHOP, *shop_events(50, "%Y-%m-%d")]
    rows.append([changed.get(name, cell) for name, cell in zip(SHOP, rows[-1], strict=True)])
    with pytest.raises(IngestError) as refused:
        read_large("log.csv", text(rows, ",").encode(), ())
    assert refused.value.code == code


def test_a_large_log_without_users_is_told_by_its_sessions() -> None:
    data = (EXPORTS / "rees46" / "day.csv").read_text("utf-8")
    table = [row[:7] + row[8:] for row in csv.reader(io.StringIO(data))]
    upload = assert_both_ways_agree("log.csv", text(table, ",").encode())
    assert len(upload.tables[0].facts) == 3


def test_a_column_of_people_in_a_large_log_is_told_though_it_is_not_asked_for() -> None:
    rows = [[*SHOP, "country"], *([*row, row[-2]] for row in shop_events(50, "%Y-%m-%d"))]
    assert_both_ways_agree("log.csv", text(rows, ",").encode())


def test_long_ids_that_end_with_noughts_are_refused() -> None:
    rows = [SHOP, *shop_events(50, "%Y-%m-%d")]
    for number, row in enumerate(rows[1:], start=1):
        row[0] = f"1234567890123{number:02}00"
    data = text(rows, ",").encode()
    for way in (lambda: read("log.csv", data), lambda: read_large("log.csv", data, ())):
        with pytest.raises(IngestError) as refused:
            way()
        assert refused.value.code == "numbers_rounded"


def test_a_log_of_many_events_is_counted_as_a_plain_loop_counts_it(tmp_path: Path) -> None:
    count, per_session = 300_000, 6
    path = tmp_path / "events.csv"
    head = "event_time,event_type,product_id,category_code,brand,price,user_id,user_session\n"
    sessions: dict[str, set[str]] = {}
    people: set[int] = set()
    revenue = purchases = 0
    pick = random.Random(count)  # noqa: S311
    with path.open("w", encoding="utf-8") as out:
        out.write(head)
        for n in range(count):
            visit = pick.randrange(count // per_session)
            event = pick.choice(("view", "view", "cart", "view", "purchase"))
            day, user, kopecks = 1 + visit % 28, visit // 3, n % 10_000
            out.write(
                f"2026-10-{day:02} {n % 24:02}:00:00 UTC,{event},{n},electronics.smartphone,apple,"
                f"{kopecks // 100}.{kopecks % 100:02},{500_000_000 + user},"
                f"9e107d9d-372b-46b2-9a45-{visit:012}\n"
            )
            sessions.setdefault(f"{user} {visit}", set()).add(event)
            people.add(user)
            if event == "purchase":
                purchases, revenue = purchases + 1, revenue + kopecks
    assert path.stat().st_size > max(LARGE_BYTES, ingest.MAX_TEXT)
    table = read_path(path).tables[0]
    assert table.format == "rees46"
    assert table.rows == count
    assert len(table.facts) == len(sessions)
    assert table.total("sessions") == len(sessions)
    assert table.total("orders") == sum("purchase" in held for held in sessions.values())
    assert table.total("carts") == sum("cart" in held for held in sessions.values())
    assert table.total("event_count") == count
    assert table.total("items") == purchases
    assert table.total("revenue") == pytest.approx(revenue / 100, abs=0.001)
    assert table.control["users"] == len(people)
    part = path.read_text("utf-8").splitlines()[: count // 20]
    small = read("events.csv", "\n".join(part).encode()).tables[0]
    assert set(small.facts["record"]) <= set(table.facts["record"])
