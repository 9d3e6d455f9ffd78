"""A link reproduces a view, and nothing but a view."""

import base64
import json
import zlib
from contextlib import suppress
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kpi_core import catalogue
from kpi_core.errors import UsageError
from kpi_core.link import MAX_UNPACKED, REACH, View, decode, encode
from kpi_core.plan import default_plan


def packed(text: str) -> str:
    return base64.urlsafe_b64encode(zlib.compress(text.encode())).rstrip(b"=").decode()


@pytest.mark.parametrize("business", catalogue.businesses())
def test_a_view_comes_back_from_its_link_as_it_was(business):
    view = View(
        plan=default_plan(business),
        period="2026-10-01..2026-10-31",
        levers={"spend": Decimal("-0.25")},
    )

    assert decode(encode(view)) == view


def test_a_link_of_a_whole_plan_fits_into_an_address_bar():
    assert len(encode(View(plan=default_plan("shop")))) < 1_500


@pytest.mark.parametrize(
    "word",
    [
        "",
        "x",
        "наобум",
        "../../etc/passwd",
        packed("not json"),
        packed("{}"),
        packed(json.dumps({"format": 2})),
        packed('{"format": 1, "plan": "x", "also": 1}'),
    ],
)
def test_a_broken_link_is_a_named_error(word):
    with pytest.raises(UsageError, match="damaged"):
        decode(word)


@pytest.mark.parametrize("share", ["0.51", "-0.51", "0.105"])
def test_a_lever_that_no_slider_can_show_is_refused(share):
    whole = View(plan=default_plan("shop")).model_dump_json(exclude_none=True)
    entry = json.loads(whole) | {"levers": {"spend": float(share)}}

    with pytest.raises(UsageError, match="damaged"):
        decode(packed(json.dumps(entry)))


def test_levers_travel_as_far_as_sliders_reach():
    for share in (-REACH, Decimal("0.07"), REACH):
        view = View(plan=default_plan("shop"), levers={"spend": share})

        assert decode(encode(view)) == view


def test_a_link_that_inflates_beyond_the_limit_is_refused():
    with pytest.raises(UsageError, match="damaged"):
        decode(packed(" " * (MAX_UNPACKED + 1)))


def test_a_cut_link_is_refused():
    whole = encode(View(plan=default_plan("shop")))

    with pytest.raises(UsageError, match="damaged"):
        decode(whole[: len(whole) // 2])


@given(st.text(max_size=200))
def test_any_word_gives_a_view_or_a_named_error(word):
    with suppress(UsageError):
        decode(word)
