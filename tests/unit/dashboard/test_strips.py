import pytest

from trainshed.dashboard.page import Empty, Page
from trainshed.dashboard.render import Pages
from trainshed.dashboard.strips import Mark, Strip

NOTHING = Empty(text="Nothing yet.")


def drawn(strip):
    return Pages().draw(Page(title="t", section="", parts=[strip])).parts[strip.id]


@pytest.mark.parametrize("count", [1, 50])
def test_a_strip_has_a_bar_for_each_that_leads_somewhere(count):
    marks = [Mark(label=f"run {n}", state="SUCCEEDED", value=n + 1, href=f"/runs/{n}") for n in range(count)]
    strip = Strip(id="c", marks=[*marks, Mark(label="skipped", state="SKIPPED", value=None)], nothing=NOTHING)

    html = drawn(strip)

    assert html.count("<a href=") == count
    assert strip.bars[-1][3] == 4
    assert strip.bars[-2][3] == 100
    assert strip.bars[-1][1] + strip.bars[-1][2] <= 100
    assert f"{count} SUCCEEDED, 1 SKIPPED" in html


def test_an_empty_strip_teaches():
    assert "Nothing yet." in drawn(Strip(id="c", marks=[], nothing=NOTHING))


def test_a_strip_says_the_longest_as_tables_say_it():
    strip = Strip(id="s", marks=[Mark(label="a", state="SUCCEEDED", value=11.894)], nothing=NOTHING)

    assert strip.summary == "1 SUCCEEDED; at most 11.9 s"
