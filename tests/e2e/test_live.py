"""Sliders that the browser follows by itself: its figures are those of the library, exactly."""

import random
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest

from kpi_core import catalogue, words
from kpi_core.facts import combine
from kpi_core.ingest import read
from kpi_core.kpis import kpi_values
from kpi_core.model import parse_period
from kpi_core.plan import Missing, Over, Plan, changed, default_plan
from kpi_core.rules import Linear
from kpi_core.score import score
from kpi_core.text import rounded
from tests.browser import settled
from ui.live import scales

ROOT = Path(__file__).parent.parent.parent
MOVED = """cases => cases.map(({ weights, moved, percent, locked, scales }) => {
  const read = (found) => Object.fromEntries(
    Object.entries(found).map(([id, text]) => [id, text === null ? null : parse(text)]));
  const said = (share) => share && written(times(share, [100n, 1n]), 1, ".");
  const after = withShare(read(weights), moved, percent, new Set(locked));
  const { lines, total } = scored(after, { ...scales, scores: read(scales.scores) });
  return {
    weights: Object.fromEntries(Object.entries(after).map(([id, own]) => [id, own.join("/")])),
    points: Object.fromEntries(Object.entries(lines).map(([id, own]) => [id, said(own.points)])),
    total: said(total),
  };
})"""


def totals(period: str):
    """The KPI values of the sample shop in a period, of every KPI of the catalogue."""
    files = sorted((ROOT / "sample_data" / "shop").glob("*.csv"))
    facts = combine([read(path.name, path.read_bytes()) for path in files])
    shop = catalogue.business("shop")
    return kpi_values(facts, shop, parse_period(period), kpis=tuple(catalogue.kpis())).totals()


@pytest.fixture(scope="module")
def sample():
    """The KPI values of a sample month."""
    return totals("2026-10")


def any_plan(pick: random.Random) -> Plan:
    """Lines with any weights, targets, rules and policies; some of them have no value."""
    kpis = pick.sample(list(catalogue.kpis()), pick.randint(2, 12))
    lines = [
        {
            "kpi": kpi,
            "target": Decimal(pick.randint(1, 10**6)) / 10 ** pick.randint(0, 4),
            "weight": Decimal(pick.choice([0, 1, 3, 7, pick.randint(1, 10**9)])) / 10**6,
        }
        | ({"rule": Linear().model_dump()} if pick.random() < 0.5 else {})
        for kpi in kpis
    ]
    lines[0]["weight"] = Decimal(1)
    policies = {"missing": pick.choice(list(Missing)), "over": pick.choice(list(Over))}
    return changed(default_plan("shop"), lines=lines, **policies)


def test_a_weight_moved_in_the_browser_is_the_weight_of_the_library_for_random_plans(
    browser, sample
):
    pick, cases, wanted = random.Random(20261122), [], []  # noqa: S311
    while len(cases) < 300:
        plan = any_plan(pick)
        kpis = [line.kpi for line in plan.lines]
        moved, percent = pick.choice(kpis), pick.randint(0, 100)
        locked = set(pick.sample(kpis, pick.randint(0, len(kpis) - 1)))
        share = Fraction(percent, 100)
        if sum(plan.with_share(moved, share, locked).shares().values()) == 0:
            continue
        after = plan.with_share(moved, share, locked)
        card = score(after, sample)
        before = score(plan, sample)
        cases.append(
            {
                "weights": {line.kpi: str(Fraction(line.weight)) for line in plan.lines},
                "moved": moved,
                "percent": percent,
                "locked": sorted(locked),
                "scales": scales(before, plan.missing is Missing.BLOCK),
            }
        )
        wanted.append(
            {
                "weights": {
                    line.kpi: "/".join(map(str, Fraction(line.weight).as_integer_ratio()))
                    for line in after.lines
                },
                "points": {
                    line.judged.kpi.id: None
                    if line.points is None
                    else words.points(line.points, "en").replace(",", "")
                    for line in card.lines
                },
                "total": None
                if card.total is None
                else words.points(card.total, "en").replace(",", ""),
            }
        )
    page = browser.new_page()
    page.add_script_tag(content=(ROOT / "ui" / "live" / "weights.js").read_text("utf-8"))
    found = page.evaluate(MOVED, cases)
    page.close()

    assert found == wanted


@pytest.fixture
def page(browser, app_url):
    context = browser.new_context(locale="en-US", viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.goto(f"{app_url}/?lang=en", wait_until="networkidle")  # every kind of widget is loaded
    page.get_by_role("slider", name="Weight: Bounce rate").wait_for()
    settled(page)
    yield page
    context.close()


TOTAL = '[data-metric="score"] .value'
DRAG = """(slider, steps) => steps.map((at) => {
  slider.value = at;
  slider.dispatchEvent(new Event("input", { bubbles: true }));
  const { deep } = window;
  return deep('[data-metric="score"] .value').textContent;
})"""
RESTLESS = "window.kpiLive && [...kpiLive.boards].some((board) => board.busy())"
DEEP = """window.deep = (what) => [...document.querySelectorAll("*")]
  .flatMap((own) => own.shadowRoot ? [...own.shadowRoot.querySelectorAll(what)] : [])[0]"""


def shown_after(plan: Plan, sample, kpi: str, percent: int) -> str:
    """The total as it is printed once the share of a KPI is moved."""
    return words.points(score(plan.with_share(kpi, Fraction(percent, 100)), sample).total, "en")


def test_the_total_follows_the_thumb_at_every_input_and_the_server_agrees(page, sample):
    """Nothing is awaited between an input event and the total: both are of one task."""
    plan, thumb = default_plan("shop"), page.get_by_role("slider", name="Weight: Bounce rate")
    page.evaluate(DEEP)
    steps = [11, 25, 60, 99]

    followed = thumb.evaluate(DRAG, steps)

    assert followed == [shown_after(plan, sample, "bounce_rate", at) for at in steps]
    thumb.evaluate("slider => slider.dispatchEvent(new Event('change', { bubbles: true }))")
    page.locator(".figures:not(.waiting)").first.wait_for()
    settled(page)
    page.get_by_text("October 2026: 50.4 of 100").wait_for()
    assert page.locator(TOTAL).inner_text() == shown_after(plan, sample, "bounce_rate", 99)


def test_fast_moves_of_several_sliders_leave_no_stale_figure(page, sample):
    plan = default_plan("shop")
    moves = [("bounce_rate", "Bounce rate", 9), ("cpc", "Cost per click (CPC)", 6)]
    for kpi, name, presses in moves:
        thumb = page.get_by_role("slider", name=f"Weight: {name}")
        thumb.focus()
        for _ in range(presses):
            thumb.press("ArrowRight", no_wait_after=True)
            percent = int(rounded(100 * plan.shares()[kpi], 0)) + 1
            plan = plan.with_share(kpi, Fraction(percent, 100))
    total = words.points(score(plan, sample).total, "en")

    page.get_by_text(f"October 2026: {total} of 100").wait_for()
    settled(page)

    assert page.locator(TOTAL).inner_text() == total
    for _, name, _ in moves:
        thumb = page.get_by_role("slider", name=f"Weight: {name}")
        assert thumb.get_attribute("aria-valuetext") == f"{thumb.input_value()}%"


def test_a_locked_share_stays_where_it_is(page):
    held = page.get_by_role("slider", name="Weight: Average order value")
    page.get_by_role("button", name="Lock the share: Average order value").click()
    page.locator('[aria-pressed="true"]').wait_for()
    settled(page)
    assert held.is_disabled()

    page.get_by_role("slider", name="Weight: Bounce rate").press("End")
    settled(page)

    assert held.input_value() == "20"
    assert page.get_by_role("slider", name="Weight: Bounce rate").input_value() == "80"


def choose(page, name: str, option: int) -> None:
    page.get_by_role("combobox", name=name).first.click()
    page.get_by_role("option").nth(option).click()


def rest(page) -> None:
    """Wait until no move is under way."""
    settled(page)
    page.wait_for_function(f"!({RESTLESS})")
    settled(page)


def test_a_move_while_another_period_is_drawn_leaves_nothing_of_the_one_before(page):
    thumb = page.get_by_role("slider", name="Weight: Bounce rate")
    thumb.press("ArrowRight")
    page.get_by_role("button", name="Undo").wait_for()
    rest(page)
    choose(page, "Period", 2)
    thumb.press("ArrowRight", no_wait_after=True)
    rest(page)

    for line in score(default_plan("shop"), totals("2026-08")).lines:
        value, kpi = line.judged.value, line.judged.kpi
        shown = words.kpi_figure(kpi, value.value, value.currency, "en")
        page.get_by_text(f"Actual {shown} · ").first.wait_for()
    assert thumb.input_value() == "12"


def test_a_move_while_another_business_is_chosen_breaks_nothing(page):
    broken = []
    page.on("console", lambda told: broken.append(told.text) if told.type == "error" else None)
    page.get_by_role("slider", name="Weight: Bounce rate").press("ArrowRight", no_wait_after=True)
    choose(page, "Business type", 1)
    page.get_by_role("slider", name="Weight: Average order value").wait_for(state="detached")
    rest(page)

    shares = [int(thumb.input_value()) for thumb in page.locator(".board [type=range]").all()]
    assert broken == []
    assert sum(shares) == 100


def test_a_thumb_brought_back_to_where_it_was_taken_leaves_the_figures_as_they_were(page):
    thumb = page.get_by_role("slider", name="Weight: Bounce rate")
    box = thumb.bounding_box()
    at, middle = box["x"] + 9 + (box["width"] - 18) * 0.1, box["y"] + box["height"] / 2
    page.mouse.move(at, middle)
    page.mouse.down()
    page.mouse.move(at + 60, middle, steps=4)
    assert page.locator(TOTAL).inner_text() != "85.0"

    page.mouse.move(at, middle, steps=4)
    page.mouse.up()
    rest(page)

    assert thumb.input_value() == "10"
    assert page.locator(TOTAL).inner_text() == "85.0"


def test_the_answer_to_an_earlier_move_does_not_cover_a_slider_in_the_hand(page):
    page.evaluate(DEEP)
    page.get_by_role("slider", name="Weight: Bounce rate").press("ArrowRight", no_wait_after=True)
    thumb = page.get_by_role("slider", name="Weight: Cost per click (CPC)")
    followed = thumb.evaluate(DRAG, [90])
    page.get_by_role("button", name="Undo").wait_for()  # the first move was answered
    settled(page)

    assert page.locator(TOTAL).inner_text() == followed[0]


def test_a_move_that_was_lost_on_the_way_is_told_again(browser, app_url, sample):
    cut, lost = [], []

    def line(socket):
        server = socket.connect_to_server()

        def pass_on(message):
            if cut and not lost:
                lost.append(message)
            else:
                server.send(message)

        socket.on_message(pass_on)

    context = browser.new_context(locale="en-US")
    page = context.new_page()
    page.route_web_socket("**/_stcore/stream*", line)
    page.goto(f"{app_url}/?lang=en")
    thumb = page.get_by_role("slider", name="Weight: Bounce rate")
    thumb.wait_for()
    settled(page)
    cut.append(True)
    thumb.press("ArrowRight")

    page.get_by_role("button", name="Undo").wait_for()
    rest(page)

    assert len(lost) == 1
    assert page.locator(TOTAL).inner_text() == shown_after(
        default_plan("shop"), sample, "bounce_rate", 11
    )
    context.close()


@pytest.fixture
def whatif(page, app_url):
    page.goto(f"{app_url}/whatif?lang=en", wait_until="networkidle")
    page.get_by_label("Value: Ad spend").wait_for()
    settled(page)
    return page


def test_a_comma_in_a_box_is_a_decimal_point(whatif):
    box = whatif.get_by_label("Value: Average order value")
    box.select_text()
    whatif.keyboard.type("4500,5")
    box.press("Enter")
    rest(whatif)

    assert box.input_value() == "4500.5"
    assert whatif.locator(".row", has=box).locator(".shown").inner_text() == "RUB\xa04,500.50"


def test_what_is_half_typed_is_not_overwritten_by_an_answer(whatif):
    whatif.get_by_role("slider", name="Ad spend").press("ArrowRight", no_wait_after=True)
    box = whatif.get_by_label("Value: Average order value")
    box.select_text()
    whatif.keyboard.type("45")
    rest(whatif)

    assert box.input_value() == "45"


def test_a_value_typed_beyond_the_slider_is_told_as_it_is(whatif):
    box = whatif.get_by_label("Value: Average order value")
    typed = float(box.input_value())
    box.fill(str(2 * typed))
    box.press("Enter")
    rest(whatif)

    thumb = whatif.get_by_role("slider", name="Average order value")
    assert thumb.input_value() == "50"
    assert thumb.get_attribute("aria-valuetext") == "+100%"


def test_a_value_below_zero_is_refused_with_a_word(whatif):
    box = whatif.get_by_label("Value: Average order value")
    before = box.input_value()
    box.fill("-5")
    box.press("Enter")
    whatif.get_by_test_id("stAlert").first.wait_for()
    rest(whatif)

    assert box.input_value() == before


def test_all_levers_back_is_also_the_assumption_back(whatif):
    whatif.get_by_text("Assumption: returns on spend").click()
    bend = whatif.get_by_role("slider", name="Elasticity")
    bend.press("ArrowLeft")
    rest(whatif)
    assert bend.get_attribute("aria-valuetext") == "0.95"

    whatif.get_by_role("button", name="Reset all").click()
    rest(whatif)

    assert bend.get_attribute("aria-valuetext") == "1.00"


def test_a_change_of_the_plan_elsewhere_moves_the_sliders(page):
    thumb = page.get_by_role("slider", name="Weight: Bounce rate")
    thumb.press("ArrowRight")
    undo = page.get_by_role("button", name="Undo")
    undo.wait_for()
    settled(page)

    undo.click()
    undo.wait_for(state="detached")
    settled(page)

    assert thumb.input_value() == "10"
    assert page.locator(TOTAL).inner_text() == "85.0"


def test_a_lever_that_the_model_cannot_follow_goes_back_with_a_word(page, app_url):
    page.goto(f"{app_url}/whatif?lang=en")
    page.get_by_text("More levers", exact=True).click()
    thumb = page.get_by_role("slider", name="Share of orders paid")
    thumb.press("End")  # 94.5 % × 1.5 is beyond all

    page.get_by_test_id("stAlert").first.wait_for()
    settled(page)

    assert thumb.input_value() == "0"


def test_help_opens_by_key_and_touch_and_is_told_of_the_slider(browser, app_url):
    phone = {"viewport": {"width": 390, "height": 844}, "has_touch": True}
    context = browser.new_context(locale="en-US", **phone)
    page = context.new_page()
    page.goto(f"{app_url}/?lang=en")
    thumb = page.get_by_role("slider", name="Weight: Bounce rate")
    thumb.wait_for()
    settled(page)
    row = page.locator(".row", has=thumb)
    help, words = row.locator(".help"), row.locator(".words")

    assert thumb.get_attribute("aria-describedby") == words.get_attribute("id")
    help.press("Enter")
    words.wait_for()
    assert "share of sessions" in words.inner_text()
    page.keyboard.press("Escape")
    words.wait_for(state="hidden")

    help.tap()
    words.wait_for()
    box = words.bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
    context.close()


def test_without_components_native_sliders_serve(browser, cold_app, monkeypatch):
    monkeypatch.setenv("KPI_COMPONENTS", "off")
    context = browser.new_context(locale="en-US")
    page = context.new_page()
    page.goto(f"{cold_app()}/?lang=en")
    page.get_by_role("heading", level=1).wait_for()
    settled(page)

    assert page.locator(".board").count() == 0
    page.get_by_role("slider", name="Weight: share 10%").press("ArrowRight")
    page.get_by_text("Weight: share 11%").wait_for()
    context.close()
