"""Sign-off: what is approved stays as it is; opened again it is the same or says what differs."""

import json
import os
import tomllib
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import kpi_core
from kpi_core import catalogue
from kpi_core.cli import main
from kpi_core.errors import PlanError, SignoffError
from kpi_core.facts import combine
from kpi_core.ingest import Upload, read
from kpi_core.kpis import kpi_values
from kpi_core.model import parse_period
from kpi_core.pay import Payout, Person, payout, payroll
from kpi_core.plan import Plan, changed
from kpi_core.signoff import (
    MAX_BYTES,
    Snapshot,
    approved,
    draft,
    last_approved,
    paid_as,
    proposed,
    read_snapshot,
    remarks,
    reopened,
    superseding,
    write_snapshot,
)
from tests.core.small import daily

ROOT = Path(kpi_core.__file__).parent.parent
DAY = date(2026, 11, 10)


def plan(*kpis: str, **fields: object) -> Plan:
    """A portal that wants 300 visits in October, paid up to 500."""
    usual = {
        "business": "portal",
        "currency": "RUB",
        "lines": [{"kpi": id, "target": 300, "weight": 1} for id in kpis or ("sessions",)],
        "scheme": {"kind": "scorecard", "salary": "1000.00", "fund": "500.00"},
        "period": "2026-10",
    }
    return Plan.model_validate(usual | fields)


def visits(each: int = 9, name: str = "visits.csv") -> Upload:
    """Nine visits a day: 279 of 300 are 93 %, which is half of the fund."""
    return read(name, daily("Sessions", rows=dict.fromkeys(range(1, 32), (each,))).encode())


def pages(each: int = 20) -> Upload:
    text = daily("Page views", rows=dict.fromkeys(range(1, 32), (each,)))
    return read("pages.csv", text.encode())


def due(plan: Plan, uploads: Sequence[Upload]) -> Payout:
    """What the plan pays."""
    values = kpi_values(
        combine(uploads),
        catalogue.business(plan.business),
        plan.asked_period(),
        settings=plan.settings(),
        kpis=plan.shown_kpis(),
        against=plan.against(),
    )
    return payout(plan, values)


def computed(plan: Plan, uploads: Sequence[Upload], person: Person | None = None) -> Snapshot:
    paid = due(plan, uploads)
    return draft(plan, uploads, payroll([person], {"": paid})[0] if person else paid)


def signed(plan: Plan, *uploads: Upload) -> Snapshot:
    made = computed(plan, uploads) if uploads else draft(plan)
    return approved(proposed(made, "Ann", DAY), "Bob", DAY)


def codes(snapshot: Snapshot, *uploads: Upload) -> list[tuple[str, str]]:
    return [(own.code, own.where) for own in reopened(snapshot, uploads)]


# --- what it holds


def test_a_snapshot_holds_what_went_in_and_what_came_of_it() -> None:
    found = computed(plan(), [visits()])
    assert (found.status, found.period, found.program) == ("draft", "2026-10", "0.1.0")
    assert found.read_plan() == plan()
    source = found.sources[0]
    assert (source.name, source.digest, source.rows) == ("visits.csv", visits().digest, 31)
    assert found.figures["sessions"].inputs == {"sessions": "279"}
    assert found.figures["sessions"].value == "279"
    assert found.result
    result = found.result
    assert (result.coefficient, result.stake, result.bonus, result.pay) == (
        "1/2", "500.00", "250.00", "1250.00"
    )  # fmt: skip
    assert result.statement["en"][-1] == ("To pay", "RUB\N{NO-BREAK SPACE}1,250.00")
    assert result.statement["ru"][-1][0] == "К выплате"


def test_figures_are_exact() -> None:
    """620 pages by 279 visits."""
    asked = plan("page_depth")
    found = computed(asked, [visits(), pages()])
    assert found.figures["page_depth"].value == str(Fraction(620, 279))


def test_the_version_is_that_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert kpi_core.__version__ == project["version"]


def test_a_plan_alone_is_of_a_period() -> None:
    assert draft(plan()).result is None
    assert draft(plan(period=None), period=parse_period("2026-12")).period == "2026-12"
    with pytest.raises(SignoffError, match="no period"):
        draft(plan(period=None))


# --- its states


def test_who_proposed_and_approved_is_kept() -> None:
    made = signed(plan(), visits())
    assert made.status == "approved"
    assert made.proposed
    assert made.approved
    assert (made.proposed.by, made.approved.by, made.approved.on) == ("Ann", "Bob", DAY)


def test_what_was_not_proposed_cannot_be_approved() -> None:
    with pytest.raises(SignoffError, match="Propose it first"):
        approved(draft(plan()), "Bob", DAY)
    with pytest.raises(SignoffError, match="Propose it first"):
        approved(signed(plan()), "Bob", DAY)
    with pytest.raises(SignoffError, match="no longer a draft"):
        proposed(signed(plan()), "Ann", DAY)
    with pytest.raises(SignoffError, match="10 Nov 2026"):
        approved(proposed(draft(plan()), "Ann", DAY), "Bob", DAY - timedelta(days=1))


@pytest.mark.parametrize("name", ["", "  ", "a" * 201, "a\x07"])
def test_a_name_is_a_name(name: str) -> None:
    with pytest.raises(SignoffError) as wrong:
        proposed(draft(plan()), name, DAY)
    assert wrong.value.text("ru").startswith("не понять, кто подписывает. Впишите имя")
    with pytest.raises(SignoffError, match="it is unclear who signs"):
        approved(proposed(draft(plan()), "Ann", DAY), name, DAY)


def test_what_is_approved_is_only_superseded_with_a_reason() -> None:
    old = signed(plan(), visits())
    new = computed(plan(), [visits(10)])
    made = superseding(old, new, "a file was cut short")
    assert (made.supersedes, made.reason, made.status) == (
        old.seal,
        "a file was cut short",
        "draft",
    )
    assert made.result == new.result
    with pytest.raises(SignoffError, match="reason"):
        superseding(old, new, " ")
    with pytest.raises(SignoffError, match="that one is of 2026-10, this one of 2026-11"):
        superseding(old, draft(plan(period="2026-11")), "why")
    with pytest.raises(SignoffError, match="not approved"):
        superseding(new, new, "why")
    ann = computed(plan(), [visits()], Person(name="Ann"))
    with pytest.raises(SignoffError, match="person Ann"):
        superseding(old, ann, "why")
    with pytest.raises(SignoffError, match="plan North"):
        superseding(old, computed(plan(name="North"), [visits()]), "why")
    for reason in ("why" * 400, "why\x07"):
        with pytest.raises(SignoffError, match="at most 1000 characters"):
            superseding(old, new, reason)


def test_a_changed_snapshot_goes_no_further() -> None:
    forged = proposed(draft(plan()), "Ann", DAY).model_copy(update={"reason": "mine"})
    with pytest.raises(SignoffError, match="changed after it was sealed"):
        approved(forged, "Bob", DAY)
    with pytest.raises(SignoffError, match="changed after it was sealed"):
        reopened(forged, [])


# --- notice of new KPIs


OWN = {"name": "Depth", "formula": "pageviews / sessions", "unit": "ratio", "decimals": 2}


def new_kpi(on: date, period: str = "2026-12", **fields: object) -> Snapshot:
    made = draft(plan("sessions", "page_depth", period=period, **fields))
    return proposed(made, "Ann", on, signed(plan(period="2025-11")))


def test_new_kpis_are_introduced_five_days_before_the_period() -> None:
    assert new_kpi(date(2026, 11, 26)).status == "proposed"
    with pytest.raises(SignoffError, match="Page depth") as late:
        new_kpi(date(2026, 11, 27))
    said = late.value.text("en")
    assert "the last day for it was 26 Nov 2026" in said
    assert "starts on 1 Jan 2027 or later" in said
    assert "декабрь 2026" in late.value.text("ru")


@given(st.dates(date(2026, 1, 1), date(2028, 12, 31)))
def test_the_month_that_is_named_would_do(on: date) -> None:
    with pytest.raises(SignoffError) as late:
        new_kpi(on, "2025-12")
    named = late.value.values["first"]
    assert isinstance(named, dict)
    month = next(
        first
        for year in range(2026, 2030)
        for number in range(1, 13)
        for first in [date(year, number, 1)]
        if first - on >= timedelta(days=5)
    )
    assert named["ru"] == f"{month:%d.%m.%Y}"
    assert new_kpi(on, f"{month:%Y-%m}").status == "proposed"


def test_a_period_of_days_may_begin_five_days_later() -> None:
    with pytest.raises(SignoffError, match="starts on 14 Dec 2026 or later"):
        new_kpi(date(2026, 12, 9), "2026-12-10..2026-12-20")


def test_targets_weights_and_money_may_change_without_notice() -> None:
    other = plan(
        period="2026-12",
        lines=[{"kpi": "sessions", "target": 900, "weight": 5},
               {"kpi": "page_depth", "target": 2, "weight": 0}],
        scheme={"kind": "scorecard", "salary": "1.00", "fund": "2.00"},
    )  # fmt: skip
    assert proposed(draft(other), "Ann", date(2026, 12, 5), signed(plan())).status == "proposed"


@pytest.mark.parametrize(
    "fields",
    [
        {"variants": {"bounce_rate": "ga4"}},
        {"sources": {"sessions": "ga4"}},
        {"sources": {"traffic": "ga4"}},
        {"assumptions": {"margin_rate": "0.4"}},
        {"vat_basis": "excl"},
        {"own": OWN | {"better": "lower"}},
        {"own": OWN | {"unit": "share"}},
        {"own": OWN | {"decimals": 3}},
        {"own": OWN | {"formula": "pageviews / users"}},
        {"gates": [{"kpi": "rpr", "limit": "0.5"}]},
        {"guards": [{"kpi": "sessions", "guard": "rpr", "gate": True}]},
    ],
)
def test_what_is_computed_otherwise_or_stops_the_bonus_is_new_too(
    fields: dict[str, object],
) -> None:
    asked = ("sessions", "bounce_rate", "romi", "depth")
    usual: dict[str, object] = {"own": {"depth": OWN}, "assumptions": {"margin_rate": "0.3"}}
    if "own" in fields:  # of the one that is wanted
        fields = {"own": {"depth": fields["own"]}}
    before, late = signed(plan(*asked, **usual)), date(2026, 11, 30)
    same = draft(plan(*asked, **usual, period="2026-12"))
    assert proposed(same, "Ann", late, before).status == "proposed"
    after = draft(plan(*asked, **(usual | fields), period="2026-12"))
    with pytest.raises(SignoffError, match="5 days"):
        proposed(after, "Ann", late, before)


@pytest.mark.parametrize(
    "fields",
    [
        {"variants": {"bounce_rate": "ga4"}},
        {"sources": {"sales": "shop"}},
        {"assumptions": {"margin_rate": "0.4"}},
        {"vat_basis": "excl"},
        {"rates": {"USD": "95"}},
        {"own": {"depth": OWN}},
        {"guards": [{"kpi": "sessions", "guard": "bounce_rate"}]},
    ],
)
def test_what_does_not_touch_a_deciding_kpi_needs_no_notice(fields: dict[str, object]) -> None:
    after = draft(plan(period="2026-12", **fields))
    made = proposed(after, "Ann", date(2026, 11, 30), signed(plan()))
    assert made.status == "proposed"


def test_what_supersedes_is_compared_with_what_it_supersedes() -> None:
    old, late = signed(plan()), DAY
    new = superseding(old, draft(plan("sessions", "page_depth")), "one KPI more")
    with pytest.raises(SignoffError, match="Give that one"):
        proposed(new, "Ann", late)
    with pytest.raises(SignoffError, match="Give that one"):
        proposed(new, "Ann", late, signed(plan("sessions", "page_depth")))
    with pytest.raises(SignoffError, match="Page depth"):
        proposed(new, "Ann", late, old)
    again = superseding(old, draft(plan()), "recounted")
    assert proposed(again, "Ann", late, old).earlier == old.seal


def test_earlier_is_of_the_same_plan_and_person_and_not_later() -> None:
    new = draft(plan(period="2026-12"))
    with pytest.raises(SignoffError, match="that is 2027-01, this 2026-12"):
        proposed(new, "Ann", DAY, signed(plan(period="2027-01")))
    with pytest.raises(SignoffError, match="plan North, person —; this is of plan —, person —"):
        proposed(new, "Ann", DAY, signed(plan(name="North")))
    bob = approved(
        proposed(computed(plan(), [visits()], Person(name="Bob")), "Ann", DAY), "Eve", DAY
    )
    with pytest.raises(SignoffError, match="person Bob"):
        proposed(computed(plan(), [visits()], Person(name="Ann")), "Ann", DAY, bob)
    assert proposed(new, "Ann", DAY, signed(plan(period="2026-12"))).status == "proposed"


def test_the_last_approved_is_of_the_same_plan_before_and_not_superseded() -> None:
    one, two, later = (signed(plan(period=own)) for own in ("2026-09", "2026-10", "2026-12"))
    other, open_ = signed(plan(name="North")), proposed(draft(plan()), "Ann", DAY)
    new = draft(plan(period="2026-11"))
    known = (two, one, later, other, open_)
    assert last_approved(known, new) == two
    assert last_approved((one, later, other, open_), new) == one
    assert last_approved((later, other, open_), new) is None
    mended = approved(proposed(superseding(two, draft(plan()), "why"), "Ann", DAY, two), "Bob", DAY)
    assert last_approved((mended, *known), new) == mended


def test_who_reads_a_snapshot_is_told_how_it_came_about() -> None:
    def told(made: Snapshot) -> list[str]:
        return [own.code for own in remarks(made)]

    first = signed(plan())
    second = proposed(draft(plan(period="2026-12")), "Ann", DAY, first)
    assert told(draft(plan())) == []
    assert told(first) == ["signoff_no_earlier"]
    assert told(second) == []
    assert told(approved(second, "Bob", DAY)) == []
    alone = remarks(approved(second, "ann ", DAY))
    assert [own.text("en") for own in alone] == [
        "The same person proposed and approved it: ann. Let somebody else approve."
    ]


def test_without_an_earlier_plan_nothing_is_known_to_be_new() -> None:
    assert proposed(draft(plan()), "Ann", date(2026, 10, 20)).status == "proposed"


# --- opened again


def test_opened_again_it_is_identical() -> None:
    asked = plan("sessions", "page_depth")
    made = signed(asked, visits(), pages())
    assert codes(made, visits(), pages()) == []
    assert codes(made, pages(), visits()) == []
    assert codes(read_snapshot(made.as_json().encode()), visits(), pages()) == []
    assert codes(signed(plan())) == []


def test_the_pay_of_a_person_is_computed_again_as_theirs() -> None:
    """A salary of 600 and a fund of 100: half of it is 50."""
    ann = Person(name="Ann", salary=Decimal(600), fund=Decimal(100))
    made = computed(plan(), [visits()], ann)
    assert made.result
    assert made.result.pay == "650.00"
    assert made.read_person() == ann
    assert codes(made, visits()) == []


def team(split: str = "contribution") -> Plan:
    """A fund of 100: all of three quarters for the page depth, half of a quarter for visits."""
    lines = [{"kpi": "page_depth", "target": 1, "weight": 3},
             {"kpi": "sessions", "target": 300, "weight": 1}]  # fmt: skip
    return plan(lines=lines, scheme={"kind": "team", "fund": "100.00", "split": split})


@pytest.mark.parametrize("split", ["contribution", "salary", "hours"])
def test_the_kopecks_of_everybody_in_a_team_come_out_again(split: str) -> None:
    """A third of 87.50 each: 29.17, 29.17 and 29.16."""
    files = [visits(), pages()]
    fund = due(team(split), files)
    people = [
        Person(name=name, salary=Decimal(100), hours=Decimal(5), correction=own, reason="advance")
        for name, own in (("Ann", Decimal(0)), ("Bob", Decimal(-5)), ("Eve", Decimal(3)))
    ]
    everybody = payroll(people, {"": fund})
    made = [draft(team(split), files, own, everybody=everybody) for own in everybody]
    assert [own.result.bonus for own in made if own.result] == ["29.17", "29.17", "29.16"]
    assert [own.result.pay for own in made if own.result] == ["129.17", "124.17", "132.16"]
    for own in made:
        assert codes(read_snapshot(own.as_json().encode()), *files) == []
    others = json.dumps(made[0].team)
    assert not any(word in others for word in ("Bob", "Eve", "advance"))
    assert ("100" in others) is (split == "salary"), "no more than the fund is shared out by"


def test_a_part_of_a_fund_is_signed_with_the_whole_team() -> None:
    files = [visits(), pages()]
    everybody = payroll([Person(name="Ann"), Person(name="Bob")], {"": due(team(), files)})
    for known in ((), everybody[:1]):
        with pytest.raises(SignoffError, match="not all of its people"):
            draft(team(), files, everybody[0], everybody=known)


def test_a_team_that_was_cut_short_is_found() -> None:
    files = [visits(), pages()]
    people = [Person(name=name) for name in ("Ann", "Bob", "Eve")]
    everybody = payroll(people, {"": due(team(), files)})
    made = draft(team(), files, everybody[2], everybody=everybody)
    short = made.model_copy(update={"team": made.team[:1]}).sealed()
    assert ("signoff_result", "2026-10") in codes(short, *files)


def test_what_is_taken_back_for_another_row_is_signed_as_it_was_paid() -> None:
    """Ann owes 300; the first half of the month has a bonus of 110 or so, the second the rest."""
    halves = [
        Person(name="Ann", last=date(2026, 10, 14), correction=Decimal(-300), reason="advance"),
        Person(name="Ann", first=date(2026, 10, 15), fund=Decimal(1000)),
    ]
    everybody = payroll(halves, {"": due(plan(), [visits()])})
    for own in everybody:
        made = draft(plan(), [visits()], own, everybody=everybody)
        assert made.result
        assert made.result.pay == str(own.pay)
        assert codes(made, visits()) == []


def test_a_snapshot_is_paid_by_another_plan_as_its_person_is() -> None:
    """A fund of 100 of Ann's own: all of it where 200 visits would do."""
    ann = Person(name="Ann", salary=Decimal(600), fund=Decimal(100))
    made = computed(plan(), [visits()], ann)
    easier = plan(lines=[{"kpi": "sessions", "target": 200, "weight": 1}])
    assert paid_as(made, due(easier, [visits()])).pay == Decimal("700.00")


def test_files_of_the_snapshot_that_are_missing_or_others_are_told() -> None:
    made = signed(plan("sessions", "page_depth"), visits(), pages())
    assert codes(made, visits())[0] == ("signoff_file_missing", "pages.csv")
    assert codes(made, visits(), pages(21))[0] == ("signoff_file_changed", "pages.csv")
    assert codes(made, visits(name="new.csv"), pages())[0] == ("signoff_file_renamed", "visits.csv")


def test_files_that_no_sealed_figure_was_made_from_make_no_difference() -> None:
    """Page views are a KPI of the portal; they pay nobody here."""
    made = signed(plan(), visits(), pages())
    assert [own.name for own in made.sources] == ["visits.csv"]
    assert list(made.figures) == ["sessions"]
    assert codes(made, visits()) == []
    assert codes(made, visits(), pages(21)) == []
    assert codes(signed(plan(), visits()), pages(), visits()) == []


def test_what_limits_and_guards_look_at_is_sealed_too() -> None:
    september = daily("Sessions", rows=dict.fromkeys(range(1, 31), (9,)), month="2026-09")
    asked = plan(
        gates=[{"kpi": "page_depth", "limit": 1}],
        guards=[{"kpi": "sessions", "guard": "page_depth", "against": "previous"}],
    )
    made = signed(asked, visits(), pages(), read("before.csv", september.encode()))
    assert list(made.figures) == [
        "sessions", "page_depth", "previous sessions", "previous page_depth"
    ]  # fmt: skip
    assert [own.name for own in made.sources] == ["visits.csv", "pages.csv", "before.csv"]


def test_a_file_beside_them_that_makes_something_else_is_told() -> None:
    """Ten visits a day of a day more often: the later file corrects the former."""
    more = read(
        "more.csv",
        daily("Sessions", rows={**dict.fromkeys(range(1, 31), (9,)), 31: (19,)}).encode(),
    )
    found = codes(signed(plan(), visits()), visits(), more)
    assert found[0] == ("signoff_file_added", "more.csv")
    assert ("signoff_figure", "sessions") in found
    contradicting = codes(signed(plan(), visits()), visits(), visits(1, "more.csv"))
    assert contradicting == [("signoff_file_added", "more.csv"), ("signoff_no_result", "2026-10")]


def test_of_two_files_of_one_name_both_are_sealed() -> None:
    halves = [range(1, 16), range(16, 32)]
    one, two = (
        read("visits.csv", daily("Sessions", rows=dict.fromkeys(own, (9,))).encode())
        for own in halves
    )
    made = signed(plan(), one, two)
    assert [own.digest for own in made.sources] == [one.digest, two.digest]
    assert codes(made, one)[0] == ("signoff_file_missing", "visits.csv")


def test_a_figure_that_differs_is_told_with_what_came_of_it() -> None:
    """310 of 300 visits: all of the fund."""
    found = reopened(signed(plan(), visits()), [visits(10)])
    said = [own.text("en") for own in found]
    assert "Sessions: it was 279, it is 310." in said
    assert "The result differs, coefficient: it was 1/2, it is 1." in said
    assert "The result differs, to pay: it was 1250.00, it is 1500.00." in said
    assert any("derivation" in text for text in said)
    assert all(own.text("ru") != own.text("en") for own in found)


def test_figures_of_names_that_nobody_knows_are_told_by_these_names() -> None:
    made = computed(plan(), [visits()])
    strange = made.figures["sessions"].model_copy(update={"inputs": {"<b>x": "1"}})
    forged = made.model_copy(update={"figures": {"sessions": strange}}).sealed()
    said = [own.text("en") for own in reopened(forged, [visits()])]
    assert said == ["<b>x: it was 1, it is —.", "Sessions: it was —, it is 279."]


def test_what_cannot_be_computed_any_more_is_told() -> None:
    found = reopened(signed(plan(), visits()), [pages()])
    assert found[-1].code == "signoff_no_result"


def test_another_version_is_told() -> None:
    made = computed(plan(), [visits()]).model_copy(update={"program": "0.0.9"}).sealed()
    assert codes(made, visits()) == [("signoff_version", "2026-10")]


def test_a_wrong_result_under_a_right_seal_is_found() -> None:
    made = computed(plan(), [visits()])
    assert made.result
    richer = made.result.model_copy(update={"bonus": "900.00"})
    forged = made.model_copy(update={"result": richer}).sealed()
    assert codes(forged, visits()) == [("signoff_result", "2026-10")]


# --- files

words = st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1, max_size=40)
words = words.filter(lambda text: bool(text.strip()))
sums = st.decimals(0, 10**9, places=2)
targets = st.decimals(Decimal("0.001"), 10**6, places=9)


@given(st.tuples(words, words, words), sums, targets, st.dates())
def test_a_snapshot_file_reads_back_as_it_was(
    names: tuple[str, str, str], fund: Decimal, target: Decimal, on: date
) -> None:
    one, two, name = names
    lines = [{"kpi": "sessions", "target": target, "weight": 1}]
    scheme = {"kind": "scorecard", "salary": "0.00", "fund": fund}
    made = computed(plan(lines=lines, scheme=scheme, name=name), [visits()])
    made = approved(proposed(made, one, on), two, on)
    found = read_snapshot(made.as_json().encode())
    assert found == made
    assert found.as_json() == made.as_json()
    assert found.read_plan() == changed(plan(), lines=lines, scheme=scheme, name=name)


def test_every_change_of_a_file_is_seen() -> None:
    made = json.loads(signed(plan(), visits()).as_json())
    seen = 0
    for path in list(_places(made)):
        if path[0] == "seal":
            continue
        copy = json.loads(json.dumps(made))
        place = copy
        for key in path[:-1]:
            place = place[key]
        was = place[path[-1]]
        place[path[-1]] = was + "0" if isinstance(was, str) else 7 if was != 7 else 8
        with pytest.raises((SignoffError, PlanError)):
            read_snapshot(json.dumps(copy).encode())
        seen += 1
    assert seen > 60


def _places(entry: object, path: tuple[object, ...] = ()):
    """The way to everything in a JSON object that holds nothing else."""
    if isinstance(entry, dict | list):
        items = entry.items() if isinstance(entry, dict) else enumerate(entry)
        for key, value in items:
            yield from _places(value, (*path, key))
    elif path:
        yield path


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b"{}",
        b"\xff\xfe",
        b'{"format": 2}',
        b"[" * 100_000,
        json.dumps({"plan": {"a": float("nan")}}).encode(),
        b'{"plan": ' + b'{"a": ' * 5000 + b"1" + b"}" * 5001,
    ],
)
def test_what_is_no_snapshot_is_refused_by_name(data: bytes) -> None:
    with pytest.raises(SignoffError) as wrong:
        read_snapshot(data, "mine.json")
    assert wrong.value.text("ru").startswith("mine.json: ")


def test_a_huge_file_is_not_read() -> None:
    with pytest.raises(SignoffError, match="over 4000 KB"):
        read_snapshot(b" " * (MAX_BYTES + 1))


def test_a_sealed_plan_is_checked_as_any_plan_is() -> None:
    wrong = draft(plan()).model_copy(update={"plan": {"format": 1}}).sealed()
    with pytest.raises(PlanError, match="business"):
        read_snapshot(wrong.as_json().encode())


def test_a_file_is_never_written_over(tmp_path: Path) -> None:
    one, two = draft(plan()), signed(plan())
    path = tmp_path / "s.json"
    write_snapshot(one, path)
    with pytest.raises(SignoffError, match="never overwritten"):
        write_snapshot(two, path)
    assert read_snapshot(path.read_bytes()) == one
    assert os.listdir(tmp_path) == ["s.json"]


def test_a_write_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(SignoffError, match="No space left"):
        write_snapshot(draft(plan()), tmp_path / "s.json")
    assert os.listdir(tmp_path) == []
    with pytest.raises(SignoffError, match="not written"):
        write_snapshot(draft(plan()), tmp_path / "no" / "s.json")


# --- the commands


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    code = main([*words, "--lang", "en"])
    said = capsys.readouterr()
    return code, said.out + said.err


def test_the_commands_propose_approve_and_check(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, made, where = tmp_path / "visits.csv", tmp_path / "plan.json", str(tmp_path / "s.json")
    data.write_text(daily("Sessions", rows=dict.fromkeys(range(1, 32), (9,))), "utf-8")
    made.write_text(plan().as_json(), "utf-8")
    files = ("--plan", str(made), str(data))
    code, said = run(capsys, "propose", *files, "--by", "Ann", "--to", where)
    assert (code, "proposed by Ann" in said) == (0, True)
    assert run(capsys, "propose", *files, "--by", "Ann", "--to", where)[0] == 2
    code, said = run(capsys, "approve", where, "--by", "Bob")
    assert (code, "approved by Bob" in said) == (0, True)
    done = str(tmp_path / "s.approved.json")
    assert run(capsys, "approve", done, "--by", "Bob")[0] == 2
    code, said = run(capsys, "check", done, str(data))
    assert (code, "exactly the same" in said) == (0, True)
    data.write_text(data.read_text("utf-8").replace("2026-10-31,9", "2026-10-31,8"), "utf-8")
    code, said = run(capsys, "check", done, str(data), "--json")
    assert code == 1, "a difference"
    answer = json.loads(said)
    assert answer["identical"] is False
    assert {"signoff_file_changed", "signoff_figure"} <= {f["code"] for f in answer["findings"]}
    correction = ("--supersedes", done, "--reason", "recounted", "--to", str(tmp_path / "t.json"))
    code, said = run(capsys, "propose", *files, "--by", "Ann", *correction, "--json")
    assert (code, json.loads(said)["supersedes"]) == (0, json.loads(Path(done).read_text())["seal"])
    code, said = run(capsys, "propose", "--plan", str(made), "--by", "Ann", "--to", where + "2")
    assert (code, "the plan alone" in said) == (0, True)


def test_the_commands_say_what_is_lacking(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made, where = tmp_path / "plan.json", str(tmp_path / "s.json")
    made.write_text(plan().as_json(), "utf-8")
    words = ("propose", "--plan", str(made), "--to", where, "--by")
    assert "it is unclear who signs" in run(capsys, *words, "")[1]
    code, said = run(capsys, *words, "Ann", "--reason", "recounted")
    assert (code, "--supersedes" in said) == (2, True)
    with pytest.raises(SystemExit, match="2"):
        run(capsys, *words, "Ann", "--earlier", where, "--supersedes", where)
    assert "No snapshot approved before was given" in run(capsys, *words, "Ann")[1]
    said = run(capsys, "approve", where, "--by", "Ann")[1]
    assert "The same person proposed and approved it" in said
    done = str(tmp_path / "s.approved.json")
    assert "The same person" in run(capsys, "check", done)[1]
    more = plan("sessions", "page_depth")
    made.write_text(more.as_json(), "utf-8")
    words = ("propose", "--plan", str(made), "--by", "Ann", "--to", where + "2")
    code, said = run(capsys, *words, "--supersedes", done, "--reason", "one KPI more")
    assert (code, "Page depth" in said) == (2, True), "no way round the notice"
