import json

from trainshed.dashboard import render
from trainshed.dashboard.cells import Badge, Link, Mark, Marks, Ranked
from trainshed.dashboard.document import document
from trainshed.dashboard.page import Action, Empty, Facts, Field, Form, Notice, Page, Table, Text


def test_half_a_character_is_shown_as_one_that_is_not_known():
    page = Page(title="half \ud83d", section="", parts=[Text(id="text", text="of \udc00 it")])

    drawn = render.Pages().draw(page)
    whole = render.Pages().whole(drawn)

    assert drawn.version
    assert b"of ? it" in whole.encode()
    assert json.loads(json.dumps(document(page), ensure_ascii=False).encode())["title"] == "half ?"


def test_values_of_a_table_carry_the_names_of_their_columns():
    table = Table(
        id="tasks", columns=("Task", "State"), rows=[(Link(text="score", href="/x", depth=9), "DONE")], nothing=Empty(text="")
    )  # fmt: skip

    drawn = render.Pages().draw(Page(title="", section="", parts=[table])).parts["tasks"]

    assert '<table class="stacks">' in drawn
    assert (
        '<td data-of="Task" class="short"><a href="/x" class="depth-6">score</a></td>' in drawn
    )  # as deep as there are styles
    assert '<td data-of="State" class="brief">DONE</td>' in drawn


def test_words_with_a_rank_are_sorted_by_it():
    table = Table(
        id="t", columns=("Away",), rows=[(Ranked(text="2 before", rank=-2),)], nothing=Empty(text=""), can_sort=True
    )

    drawn = render.Pages().draw(Page(title="", section="", parts=[table])).parts["t"]

    assert 'data-key="-2">2 before</td>' in drawn


def test_a_heading_may_have_a_link_at_the_end_of_its_line():
    facts = Facts(id="node", heading="Trainer", pairs=[("State", "x")], beyond=Link(text="Close", href="/runs/x"))

    drawn = render.Pages().draw(Page(title="", section="", parts=[facts])).parts["node"]

    assert '<h2>Trainer</h2> <a href="/runs/x">Close</a></div>' in drawn


def test_a_notice_ends_before_its_link():
    parts = [Notice(id="n", text="It failed", next=Link(text="See it", href="/x"))]

    drawn = render.Pages().draw(Page(title="", section="", parts=parts)).parts["n"]

    assert 'It failed. <a href="/x">See it</a>' in drawn


def test_what_marks_are_called_is_escaped_and_said_once_for_eyes_and_once_for_ears():
    marks = [Mark(state="FAILED", name='"><b>1</b>', href="/runs/1?a=b&c=d"), Mark(state="SKIPPED", name="it's off")]
    table = Table(id="t", columns=("Last",), rows=[[Marks(marks=marks)]], nothing=Empty(text=""))

    drawn = render.Pages().draw(Page(title="T", section="/", parts=[table])).parts["t"]

    words = "&#34;&gt;&lt;b&gt;1&lt;/b&gt;"
    link = f'<a class="mark failed" href="/runs/1?a=b&amp;c=d" title="{words}" aria-label="{words}"></a>'
    assert f'<span role="listitem">{link}</span>' in drawn
    assert '<span class="mark skipped" role="img" title="it&#39;s off" aria-label="it&#39;s off"></span>' in drawn


def test_a_name_is_shown_in_the_order_that_it_is_written_in():
    name = "photo_\u202egnp.exe"
    edit = Form(id="edit", fields=[Field(name="name", label="Name", value=name)], action=Action(label="Save", path="/"))
    drawn = render.Pages().draw(Page(title=name, section="/", parts=[Text(id="text", text=name), edit]))

    assert "photo_\ufffdgnp.exe" in drawn.head
    assert "photo_\ufffdgnp.exe" in drawn.parts["text"]
    assert f'value="{name}"' in drawn.parts["edit"], "what is sent is what is there"


def test_the_tab_of_a_browser_says_the_state_first():
    page = Page(title="slow <1>", section="/runs", parts=[], state=Badge(state="RUNNING", note="1 of 2 tasks done"))
    pages = render.Pages()

    assert "<title>RUNNING: slow &lt;1&gt; · Trainshed</title>" in pages.whole(pages.draw(page))
    assert Page(title="Runs", section="/runs", parts=[]).of_tab == "Runs"
