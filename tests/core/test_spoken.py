"""A chart says in words what it shows: its tooltips, or its labels where it has none."""

import altair as alt
import pandas as pd

from kpi_core.charts.spoken import spoken, told

TIPS = [
    alt.Tooltip("name:N", title="month"),
    alt.Tooltip("kind:N", title="line"),
    alt.Tooltip("label:N", title="value"),
]


def points(labels: list[str], kind: str = "actual") -> pd.DataFrame:
    return pd.DataFrame(
        [
            {"name": f"m{at}", "kind": kind, "label": label}
            for at, label in enumerate(labels, start=1)
        ]
    )


def line(data: pd.DataFrame) -> alt.Chart:
    return alt.Chart(data).mark_line().encode(color=alt.Color("kind:N"), tooltip=TIPS)


def test_a_short_series_is_told_point_by_point() -> None:
    assert told(line(points(["10", "12"]))) == (
        "month, line, value: m1, actual, 10; m2, actual, 12"
    )


def test_of_a_long_series_the_ends_are_told_and_each_series_on_its_own() -> None:
    data = pd.concat([points(list("123456789")), points(["5"] * 2, "target")])

    assert told(line(data)) == (
        "month, line, value: m1, actual, 1 … m9, actual, 9; m1, target, 5; m2, target, 5"
    )


def test_a_point_that_is_not_known_is_not_told() -> None:
    assert told(line(points(["—", "12"]))) == "month, line, value: m2, actual, 12"
    assert told(line(points(["—", "—"]))) == "month, line, value"


def test_layers_of_the_same_points_tell_them_once_and_tooltips_go_before_labels() -> None:
    base = alt.Chart(points(["10"])).encode(tooltip=TIPS)
    label = alt.Chart(points(["ten"])).mark_text().encode(text=alt.Text("label:N"))

    assert told(alt.layer(base.mark_bar(), base.mark_point(), label)) == (
        "month, line, value: m1, actual, 10"
    )


def test_a_chart_without_tooltips_says_its_labels() -> None:
    labels = alt.Chart(points(["now\n1.2%"])).mark_text().encode(text=alt.Text("label:N"))
    drawn = alt.Chart(points(["10"])).mark_line()

    assert told(alt.layer(drawn, labels)) == "now 1.2%"


def test_what_draws_nothing_still_draws_nothing() -> None:
    assert spoken(lambda: None)() is None
    assert spoken(lambda: line(points(["10"])))().description == (
        "month, line, value: m1, actual, 10"
    )
