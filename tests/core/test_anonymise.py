"""A double of real files: no name of theirs is left, every rate is theirs, every size is not."""

import io
import json
import zipfile
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kpi_core import catalogue
from kpi_core.anonymise import (
    COUNTS,
    Scale,
    anonymous,
    anonymous_plan,
    anonymous_scenarios,
    is_anonymous,
    is_set,
    read_set,
    write_set,
)
from kpi_core.cli import main
from kpi_core.errors import IngestError, UsageError
from kpi_core.facts import combine
from kpi_core.funnel import funnel
from kpi_core.ingest import Upload, read
from kpi_core.ingest.formats import formats
from kpi_core.kpis import kpi_values
from kpi_core.model import Unit
from kpi_core.pay import outcome
from kpi_core.plan import Plan, changed, default_plan
from kpi_core.scenario import Scenario, Scenarios
from kpi_core.score import score

SAMPLES = Path(__file__).parent.parent.parent / "sample_data"
KINDS = [*catalogue.businesses(), *catalogue.roles()]
SCALE = Scale(counts=4, money=Decimal("3.4"))

ADS = """Date,Campaign,Source,Impressions,Clicks,Cost (RUB)
2026-10-01,Moss Brand Search,moss-shop.example,1000,100,250.50
2026-10-02,Moss Brand Search,moss-shop.example,900,80,149.50
2026-10-02,Ferns of Olga,,500,20,100
"""
SALES = """date,campaign,sessions,orders,revenue (RUB)
2026-10-01,moss_brand_search,200,4,4000
2026-10-02,moss_brand_search,200,6,8000
2026-10-02,Ferns of Olga,100,0,0
"""


@cache
def originals(kind: str) -> tuple[Upload, ...]:
    files = sorted((SAMPLES / kind).glob("*"))
    tables = [path for path in files if path.suffix in {".csv", ".xlsx", ".parquet"}]
    return tuple(read(path.name, path.read_bytes()) for path in tables)


@cache
def double(kind: str) -> tuple[Upload, ...]:
    return anonymous(originals(kind), SCALE, "en")


def small() -> tuple[Upload, ...]:
    return read("moss ads.csv", ADS.encode()), read("moss sales.csv", SALES.encode())


def values(uploads, plan: Plan, month: int = -1):
    facts = combine(uploads)
    period = facts.months()[month] if facts.months() else None
    wanted = (*catalogue.kpis(), *plan.own)
    business = catalogue.business(plan.business)
    return kpi_values(facts, business, period, settings=plan.settings(), kpis=wanted)


def everything(uploads) -> str:
    """All that is known of files as one text: what is kept, what is told, the rows."""
    parts = [repr(uploads), repr(combine(uploads))]
    for upload in uploads:
        for table in upload.tables:
            parts += [repr(table), table.facts.to_csv(), str(dict(table.control))]
    with zipfile.ZipFile(io.BytesIO(write_set(uploads))) as archive:
        for name in archive.namelist():
            parts += [name, archive.read(name).decode("utf-8", errors="replace")]
    return "\n".join(parts).casefold()


def names(uploads) -> set[str]:
    """Every text of the files that says whose they are."""
    found = {own for upload in uploads for own in (upload.name, upload.digest)}
    for upload in uploads:
        for table in upload.tables:
            for column in set(table.dimensions) - {"channel", "device"}:
                found |= {str(own) for own in table.facts[column].dropna().unique()}
    ours = " ".join([*catalogue.measures(), *catalogue.channels(), *formats()])  # "google_ads"
    return {own.casefold() for own in found if len(own) > 3 and own not in ours}


# --- what is left of the original


@pytest.mark.parametrize("kind", KINDS)
def test_no_name_of_a_sample_is_left_anywhere(kind):
    said = everything(double(kind))

    assert [own for own in names(originals(kind)) if own in said] == []


@pytest.mark.parametrize("kind", KINDS)
def test_no_number_of_an_order_or_a_customer_is_left(kind):
    for column in ("record", "customer"):
        before, after = (
            {number for own in files for table in own.tables if column in table.facts
             for number in table.facts[column].tolist()} - {0}
            for files in (originals(kind), double(kind))
        )  # fmt: skip

        assert before.isdisjoint(after)
        assert len(after) == SCALE.counts * len(before)


WORD = st.text("абвгдежзиклмнопрстуABCDEFGHKLMNOP", min_size=5, max_size=12).map(
    lambda text: f"zq{text}"
)


@settings(max_examples=40, deadline=None)
@given(campaigns=st.lists(WORD, min_size=1, max_size=6, unique=True), file=WORD, site=WORD)
def test_no_name_whatever_it_is_is_left_anywhere(campaigns, file, site):
    rows = "".join(f"2026-10-0{n + 1},{own},{site},10,1\n" for n, own in enumerate(campaigns))
    table = f"date,campaign,source,sessions,orders\n{rows}".encode()
    uploads = (read(f"{file}.csv", table),)

    said = everything(anonymous(uploads, SCALE, "ru"))

    assert "zq" in everything(uploads)
    assert "zq" not in said
    assert uploads[0].digest not in said


def test_a_campaign_has_one_name_in_all_files_however_it_is_spelt():
    ads, sales = anonymous(small(), SCALE, "en")

    assert ads.tables[0].facts["campaign"].tolist() == ["Campaign 1", "Campaign 1", "Campaign 2"]
    assert sales.tables[0].facts["campaign"].tolist() == ["Campaign 1", "Campaign 1", "Campaign 2"]
    assert ads.tables[0].facts["source"].tolist() == ["Source 1", "Source 1", ""]


def test_names_are_in_the_language_of_the_reader():
    ads, sales = anonymous(small(), SCALE, "ru")

    assert (ads.name, sales.name) == ("Файл 1", "Файл 2")
    assert ads.tables[0].facts["campaign"].iloc[2] == "Кампания 2"


def test_a_channel_that_everybody_has_keeps_its_name_and_one_of_their_own_does_not():
    table = b"date,channel,sessions\n2026-10-01,organic,10\n2026-10-01,Moss Bazaar,5\n"

    (upload,) = anonymous((read("a.csv", table),), SCALE, "en")

    assert set(upload.tables[0].facts["channel"]) <= {"organic", "Channel 1", "other"}
    assert "organic" in set(upload.tables[0].facts["channel"])


def test_every_double_says_what_it_is_and_nothing_that_was_told_of_its_original():
    uploads = anonymous(small(), SCALE, "en")

    assert is_anonymous(uploads)
    assert not is_anonymous(small())
    assert [[found.code for found in own.findings] for own in uploads] == [["anonymised"]] * 2


# --- what stays, and by how much the rest moves


def test_counts_and_money_move_by_their_factors_and_whole_numbers_stay_whole():
    """100 clicks are 400, 250.50 are 851.70."""
    ads, sales = anonymous(small(), SCALE, "en")

    assert ads.tables[0].facts["clicks"].tolist() == [400, 320, 80]
    assert ads.tables[0].facts["spend"].round(6).tolist() == [851.7, 508.3, 340]
    assert sales.tables[0].facts["orders"].tolist() == [16, 24, 0]


def test_ratios_of_counts_and_of_money_stay_and_money_a_piece_moves():
    """CR 10/500 = 2 %; ROAS 12 000/500 = 24; AOV 1 200 · 3.4/4 = 1 020; CPC 2.50 · 0.85."""
    found = values(anonymous(small(), SCALE, "en"), default_plan("shop")).totals()

    assert found["cr"].value == Fraction(2, 100)
    assert found["roas"].value == 24
    assert found["aov"].value == 1020
    assert found["cpc"].value == Fraction("2.125")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("month", [-1, 0])
def test_every_kpi_moves_exactly_by_the_factor_of_its_formula(kind, month):
    plan = default_plan(kind)
    before, after = (values(own, plan, month) for own in (originals(kind), double(kind)))

    known = {id: own for id, own in before.totals().items() if own.value is not None}
    assert known
    for id, value in known.items():
        factor = SCALE.moves(value.definition.variant(value.variant).formula)
        assert after.totals()[id].value == value.value * factor, id
    assert {id for id, own in after.totals().items() if own.value is not None} == set(known)


@pytest.mark.parametrize("kind", KINDS)
def test_the_double_is_scored_and_paid_as_the_original_is(kind):
    plan = default_plan(kind)
    own = anonymous_plan(plan, SCALE, "en")
    before, after = values(originals(kind), plan), values(double(kind), own)

    assert score(own, after.totals()).total == score(plan, before.totals()).total
    was, now = outcome(plan, before).paid, outcome(own, after).paid
    assert (was is None) == (now is None)
    if was and now:
        assert now.pay == pytest.approx(was.pay * SCALE.money, abs=Decimal("0.02"))


@pytest.mark.parametrize("business", catalogue.businesses())
def test_the_funnel_keeps_its_rates(business):
    type_, plan = catalogue.business(business), default_plan(business)

    def counted(files):
        facts = combine(files)
        return funnel(facts, type_, facts.months()[-1], plan.settings()).counted

    was, now = counted(originals(business)), counted(double(business))

    assert [stage.step_rate for stage in now] == [stage.step_rate for stage in was]
    assert [stage.count for stage in now] == [4 * stage.count for stage in was]


@pytest.mark.parametrize("kind", KINDS)
def test_whole_numbers_stay_whole_and_days_stay_days(kind):
    for old, new in zip(originals(kind), double(kind), strict=True):
        for was, now in zip(old.tables, new.tables, strict=True):
            assert now.period == was.period
            assert set(now.facts["start"].unique()) == set(was.facts["start"].unique())
            for id in was.measures:
                if catalogue.measure(id).unit is Unit.COUNT:
                    whole = was.facts[id].dropna().mod(1).eq(0).all()
                    assert now.facts[id].dropna().mod(1).eq(0).all() == whole


@settings(max_examples=30, deadline=None)
@given(
    counts=st.sampled_from(COUNTS),
    money=st.decimals(Decimal("0.01"), 100, places=4),
    rows=st.lists(
        st.tuples(st.integers(1, 10**6), st.integers(0, 10**4), st.integers(0, 10**8)),
        min_size=1,
        max_size=12,
    ),
)
def test_whatever_the_factors_conversion_and_return_stay(counts, money, rows):
    lines = "".join(
        f"2026-10-{day:02},{sessions},{orders},{kopecks / 100:.2f},{kopecks / 200:.2f}\n"
        for day, (sessions, orders, kopecks) in enumerate(rows, start=1)
    )
    head = "date,sessions,orders,revenue (RUB),spend (RUB)\n"
    uploads = (read("a.csv", f"{head}{lines}".encode()),)
    scale, plan = Scale(counts, money), default_plan("shop")
    was, now = (values(own, plan).totals() for own in (uploads, anonymous(uploads, scale, "en")))

    assert now["cr"].value == was["cr"].value
    for id in ("roas", "aov"):
        if was[id].value is not None:
            factor = 1 if id == "roas" else Fraction(money) / counts
            assert float(now[id].value) == pytest.approx(float(was[id].value * factor), rel=1e-6)


@pytest.mark.parametrize(
    ("counts", "money"), [(3, "1"), (0, "1"), (4, "0"), (4, "101"), (4, "1.23456"), (4, "NaN")]
)
def test_a_scale_that_keeps_nothing_exact_is_refused(counts, money):
    with pytest.raises(UsageError, match="multiplied"):
        Scale(counts, Decimal(money))


# --- plan and scenarios


def test_a_plan_loses_its_names_and_its_figures_move_as_their_kpis_do():
    """An order of the double is worth 0.85 of a real one; what is counted is there four times."""
    aim = {"kpi": "orders", "target": 800, "owner": "Olga"}
    bands = {"kind": "bands", "bands": [{"to": 100, "score": 1}], "beyond": 0}
    plan = default_plan("shop")
    lines = [line.model_dump() for line in plan.lines]
    (cpo,) = (line for line in lines if line["kpi"] == "cpo")
    lines = [
        lines[0] | {"owner": "Olga", "kpi": "moss", "target": 200},
        cpo | {"target": 400, "rule": bands},
    ]
    plan = changed(
        plan,
        name="Moss October",
        own={"moss": {"name": "Moss per visit", "formula": "revenue / sessions", "unit": "money"}},
        lines=lines,
        gates=[{"kpi": "cpo", "limit": 500}],
        targets={"2026-10": {"moss": 300}},
        objectives=[{"name": "More moss", "volume": aim}],
        facts={"orders": 700},
        comments={"2026-10": {"total": "Well done, Olga"}},
        stages=("sessions", "carts=Moss basket"),
    )

    own = anonymous_plan(plan, SCALE, "en")

    said = own.as_json().casefold()
    assert [word for word in ("moss", "olga", "basket") if word in said] == []
    assert own.lines[0].kpi == "own1"
    assert own.lines[0].target == 170
    assert own.lines[0].owner == own.objectives[0].volume.owner == "Person 1"
    assert own.lines[1].target == 340
    assert own.lines[1].rule.bands[0].to == 85
    assert own.gates[0].limit == 425
    assert own.targets == {"2026-10": {"own1": 255}}
    assert own.objectives[0].volume.target == 3200
    assert own.facts == {"orders": 2800}
    assert own.scheme.fixed == plan.scheme.fixed * SCALE.money


def test_scenarios_stay_that_mean_the_same_for_the_double():
    kept = Scenarios(
        scenarios=(
            Scenario(name="Moss in spring", levers={"cr": "+10%", "cr@email": "-5%"}),
            Scenario(name="A dearer basket", levers={"aov": "4500"}),
            Scenario(name="Bazaar", levers={"cr@Moss Bazaar": "+10%"}),
        )
    )

    (own,) = anonymous_scenarios(kept, "ru").scenarios

    assert own == Scenario(name="Сценарий 1", levers={"cr": "+10%", "cr@email": "-5%"})


# --- as one file


@pytest.mark.parametrize("kind", KINDS)
def test_a_double_comes_back_from_its_file_as_it_was(kind):
    data = write_set(double(kind))
    again, plan = read_set(data, "demo.zip"), default_plan(kind)

    assert is_set(data)
    assert [own.digest for own in again] == [own.digest for own in double(kind)]
    assert values(again, plan).rows == values(double(kind), plan).rows
    assert write_set(again) == data


def test_other_files_are_no_set():
    with io.BytesIO() as out:
        with zipfile.ZipFile(out, "w") as archive:
            archive.writestr("ads.csv", ADS)
        assert not is_set(out.getvalue())
    assert not is_set(ADS.encode())


def packed(parts: dict[str, bytes]) -> bytes:
    with io.BytesIO() as out:
        with zipfile.ZipFile(out, "w") as archive:
            for name, content in parts.items():
                archive.writestr(name, content)
        return out.getvalue()


def unpacked(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def strange(uploads, **changes):
    """The first table of a set, changed so as no file is ever read."""
    table = replace(uploads[0].tables[0], **changes)
    return write_set((replace(uploads[0], tables=(table,)),))


def test_a_set_that_nobody_wrote_is_refused():
    uploads = anonymous(small(), SCALE, "en")
    table = uploads[0].tables[0]
    endless = table.facts.assign(clicks=np.inf)
    whole = unpacked(write_set(uploads))
    story, facts = list(whole)[:2]
    broken = [
        strange(uploads, measures=("clicks", "secrets")),
        strange(uploads, measures=("sessions",)),
        strange(uploads, dimensions=("record",)),
        strange(uploads, source="nobody"),
        strange(uploads, facts=endless),
        strange(uploads, facts=table.facts.drop(columns="start")),
        strange(uploads, control={"clicks": 1e400}),
        packed({story: b"{}"}),
        packed({story: whole[story]}),
        packed({story: whole[story], facts: b"PAR1"}),
    ]

    for data in broken:
        with pytest.raises(IngestError, match=r"demo\.zip"):
            read_set(data, "demo.zip")


def test_a_set_cannot_pass_for_real_files():
    unmarked = tuple(replace(own, findings=()) for own in anonymous(small(), SCALE, "en"))

    assert is_anonymous(read_set(write_set(unmarked)))


def test_the_command_line_makes_a_set_and_reads_it_like_any_file(tmp_path, capsys):
    """10 orders of 500 sessions become 40 of 2 000."""
    for name, text in (("moss ads.csv", ADS), ("moss sales.csv", SALES)):
        (tmp_path / name).write_text(text, "utf-8")
    files = [str(tmp_path / name) for name in ("moss ads.csv", "moss sales.csv")]
    demo = str(tmp_path / "demo.zip")

    assert main(["anonymise", "--to", demo, "--lang", "en", *files]) == 0
    assert "moss" not in capsys.readouterr().out.replace(demo, "").casefold()
    assert main(["read", "--json", demo]) == 0

    said = json.loads(capsys.readouterr().out)["files"]
    assert [own["name"] for own in said] == ["File 1", "File 2"]
    sums = {id: own["total"] for id, own in said[1]["tables"][0]["measures"].items()}
    assert sums == {"sessions": 2000, "orders": 40, "revenue": 40800}


@pytest.mark.parametrize("wrong", [["--money", "much"], ["--counts", "3"]])
def test_the_command_line_says_which_factors_there_are(wrong, tmp_path, capsys):
    (tmp_path / "a.csv").write_text(ADS, "utf-8")

    assert main(["anonymise", str(tmp_path / "a.csv"), "--to", str(tmp_path / "b"), *wrong]) == 2
    assert "1, 2, 4, 5, 8" in capsys.readouterr().err
