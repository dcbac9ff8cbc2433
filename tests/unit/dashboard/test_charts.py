import json
import math
from datetime import UTC, datetime, timedelta

import pytest

from trainshed.dashboard.cells import Link
from trainshed.dashboard.charts import Chart, Series
from trainshed.dashboard.document import document, plain
from trainshed.dashboard.page import Empty, Page
from trainshed.dashboard.render import Pages

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
NOTHING = Empty(text="Nothing yet.")


def a_chart(*series, **more):
    return Chart(id="c", heading="Loss", series=[Series(label=name, points=points) for name, points in series],
                 nothing=NOTHING, **more)  # fmt: skip


def drawn_part(part):
    return Pages().draw(Page(title="t", section="", parts=[part])).parts["c"]


def test_a_line_goes_through_its_points():
    found = a_chart(("loss", [(0, 1.0), (5, 0.5), (10, 0.0)])).drawn

    assert found.series[0]["line"] == "M0 0L500 100L1000 200"
    assert found.series[0]["now"] == "0"
    assert found.rows == [["0", "1"], ["5", "0.5"], ["10", "0"]]


def test_what_is_not_known_is_a_gap_and_a_lone_value_is_a_dot():
    found = a_chart(("loss", [(0, 1.0), (1, 1.0), (2, None), (3, 1.0), (4, None), (5, None)])).drawn

    assert found.series[0]["line"] == "M0 0L200 0"
    assert found.series[0]["dots"] == "M600 0h0"
    assert found.series[0]["now"] == "1"
    assert found.rows[2] == ["2", "–"]


def test_without_any_value_it_says_so():
    assert a_chart(("loss", [(0, None)])).drawn is None
    assert "Nothing yet." in drawn_part(a_chart(("loss", [])))


def test_stacked_bars_stand_on_one_another_and_for_their_whole_step():
    points = [(NOON, 2), (NOON + timedelta(minutes=1), 0)]
    chart = a_chart(("ok", points), ("crash", [(NOON, 1), (NOON + timedelta(minutes=1), 4)]), shape="bars", step=60)

    found = chart.drawn

    assert found.series[0]["fill"] == "M25 200V100H475V200Z"
    assert found.series[1]["fill"] == "M25 100V50H475V100ZM525 200V0H975V200Z"
    assert found.y_ticks[0] == (200, "0")
    assert found.rows[0] == ["2026-01-31 12:00:00 – 12:01:00 UTC", "2", "1"]
    assert found.points["x"] == [250, 750]


def test_areas_add_up():
    found = a_chart(("a", [(0, 1), (1, 1)]), ("b", [(0, 1), (1, 3)]), shape="area").drawn

    assert found.series[1]["line"] == "M0 100L1000 0"
    assert found.series[1]["fill"] == "M0 100L1000 0L1000 150L0 150Z"


def test_series_with_points_of_their_own_meet_in_one_table():
    found = a_chart(("a", [(0, 1), (2, 3)]), ("b", [(1, 5)])).drawn

    assert found.columns == ["x", "a", "b"]
    assert found.rows == [["0", "1", "–"], ["1", "–", "5"], ["2", "3", "–"]]


def test_every_point_of_a_scatter_can_be_pointed_at():
    found = a_chart(("a", [(0, 1), (1, 2)]), ("b", [(0, 2)]), shape="scatter").drawn

    assert found.points == {"x": [0, 0, 1000], "y": [0, 100, 0], "rows": [0, 0, 1]}
    assert found.series[0]["dots"] == "M0 100h0M1000 0h0"


def test_an_axis_covers_what_was_asked_for():
    since, until = NOON - timedelta(hours=1), NOON + timedelta(hours=1)

    found = a_chart(("a", [(NOON, 1)]), span=(since, until)).drawn

    assert found.series[0]["dots"] == "M500 0h0"
    assert found.x_ticks[0] == (0, "11:00")


def test_curves_near_one_another_may_leave_zero():
    found = a_chart(("accuracy", [(0, 0.91), (1, 0.99)]), from_zero=False).drawn

    assert found.y_ticks[0][1] == "0.90"


def test_a_long_line_keeps_its_peak():
    points = [(n, 0.0) for n in range(20_000)]
    points[7_777] = (7_777, 100.0)

    found = a_chart(("a", points)).drawn

    assert found.series[0]["line"].count("L") < 450
    assert " 0L" in found.series[0]["line"]


def test_values_lead_to_what_is_behind_them():
    link = Link(text="run <2>", href="/runs/2")

    found = a_chart(("a", [(1, 0.5), (2, 0.7)]), has_marks=True, leads=[(2, link)])

    assert found.drawn.leads == ["", "/runs/2"]
    assert found.drawn.rows == [["1", "0.5"], ["run <2>", "0.7"]]
    assert found.drawn.series[0]["line"] == "M0 75L1000 25"
    assert found.drawn.series[0]["dots"] == "M0 75h0M1000 25h0"
    assert '<a href="/runs/2">run &lt;2&gt;</a>' in drawn_part(found)


def test_what_is_counted_has_no_halves():
    assert [label for _, label in a_chart(("a", [(1, 1), (2, 2), (3, 2)])).drawn.x_ticks] == ["1", "2", "3"]
    assert "0.5" in [label for _, label in a_chart(("a", [(0.0, 1), (1.5, 2)])).drawn.x_ticks]


def test_one_value_is_drawn_without_dividing_by_nothing():
    found = a_chart(("a", [(3, 3)])).drawn

    assert found.series[0]["dots"] == "M500 0h0"


def test_what_is_drawn_has_no_style_and_escapes_its_words():
    chart = a_chart(("<b>", [(NOON, 1), (NOON + timedelta(hours=1), 2)]), shape="area")

    html = drawn_part(chart)

    assert "style=" not in html
    assert "<b>" not in html
    assert "&lt;b&gt;" in html
    assert "<td>2026-01-31 13:00:00 UTC</td><td>2</td>" in html


def test_json_has_the_points_and_not_the_drawing():
    page = Page(title="t", section="", parts=[a_chart(("loss", [(0, 1.5)]))])

    found = document(page)["parts"][0]

    assert found["series"][0]["points"] == [[0, 1.5]]
    assert "drawn" not in found
    json.dumps(plain(page))


@pytest.mark.parametrize("shape", ["line", "area", "bars", "scatter"])
def test_what_is_no_number_is_a_gap_and_named_in_the_table(shape):
    points = [(0, 1.0), (1, math.nan), (2, math.inf), (3, 2.0)]
    chart = a_chart(("loss", points), shape=shape)

    assert [row[1] for row in chart.drawn.rows] == ["1", "nan", "inf", "2"]
    assert "nan" not in json.dumps(plain(chart.drawn.points)).lower()
    assert "nan" not in "".join(chart.drawn.series[0][key] for key in ("line", "dots", "fill"))
    assert json.dumps(plain(chart), allow_nan=False)
    assert "nan" in drawn_part(chart)


def test_where_nothing_is_a_number_the_table_says_so():
    chart = a_chart(("loss", [(0, math.nan), (1, math.nan)]))

    assert [row[1] for row in chart.drawn.rows] == ["nan", "nan"]
    assert chart.drawn.series[0]["now"] == "nan"


def test_labels_that_would_touch_in_a_narrow_plot_are_marked_so():
    seconds = [(NOON + timedelta(seconds=at), 1.0) for at in (0, 52)]
    crowded, roomy = a_chart(("loss", seconds)), a_chart(("loss", [(1, 1.0), (5, 2.0)]))

    assert [label for _, label in crowded.drawn.x_ticks][:2] == ["12:00:00", "12:00:10"]
    assert crowded.drawn.is_crowded
    assert not roomy.drawn.is_crowded
    assert 'class="x crowded"' in drawn_part(crowded)
    assert 'class="x"' in drawn_part(roomy)
