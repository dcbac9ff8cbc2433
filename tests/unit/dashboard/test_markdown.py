"""Markdown that somebody's task wrote can be read, and nothing else."""

import pytest

from trainshed.dashboard.markdown import render


def test_what_markdown_is_for_is_drawn():
    html = render(
        "# One\n\n###### Six\n\n| a | b |\n|---|--:|\n| 1 | 2 |\n\n**bold** ~~gone~~ [x](https://example.com/)\n"
    )

    assert "<h3>One</h3>" in html
    assert "<h6>Six</h6>" in html
    assert '<td class="right">2</td>' in html
    assert "<strong>bold</strong> <s>gone</s>" in html
    assert '<a href="https://example.com/" rel="noopener noreferrer nofollow">x</a>' in html


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "a <img src=x onerror=alert(1)> b",
        "[x](javascript:alert(1))",
        "[x](JaVaScRiPt:alert(1))",
        "![x](javascript:alert(1))",
        "<javascript:alert(1)>",
        "[x](data:text/html;base64,PHNjcmlwdD4=)",
        '[x](https://example.com/"onmouseover="alert(1))',
        "```<script>\n</script>\n```",
        "| a |\n|:-:|\n| <b onclick=x> |",
        "[x]: javascript:alert(1)\n[x]",
    ],
)
def test_nothing_in_it_can_do_anything(text):
    html = render(text).lower()

    for word in ("<script", "<img", 'href="javascript', 'href="data:', "style=", ' onmouseover="', "<b "):
        assert word not in html


def test_pictures_are_shown_where_nothing_has_to_be_loaded():
    assert '<img src="data:image/png;base64,AAAA" alt="dot" />' in render("![dot](data:image/png;base64,AAAA)")
    assert '<a href="https://example.com/p.png" rel="noopener noreferrer nofollow">a &lt;b&gt;</a>' in render(
        "![a <b>](https://example.com/p.png)"
    )
