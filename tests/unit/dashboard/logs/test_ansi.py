"""What a terminal obeys is a class or nothing, and never reaches a page as it is."""

import re
from pathlib import Path

import pytest

import trainshed.dashboard
from trainshed.dashboard.logs.ansi import decoded, plain, shown

STYLES = Path(trainshed.dashboard.__file__).parent / "static"


@pytest.mark.parametrize(
    ("line", "spans"),
    [
        ("plain <b>text</b>", "plain <b>text</b>"),
        ("\x1b[31mred\x1b[0m and not", [("red", "red"), (" and not", "")]),
        ("\x1b[1;32mgood\x1b[22m less\x1b[39m none", [("good", "bold green"), (" less", "green"), (" none", "")]),
        ("\x1b[m\x1b[90mgrey", [("grey", "soft")]),
        ("\x1b[91;103mbright", [("bright", "red on-yellow")]),
        ("\x1b[38;5;196mcube\x1b[38;5;244mgrey", [("cube", "red"), ("grey", "soft")]),
        ("\x1b[38;2;20;40;250;1mtrue", [("true", "bold blue")]),
        ("\x1b[38:2::250:240:10mcolons", [("colons", "yellow")]),
        ("\x1b[48;5;21mground\x1b[49m", [("ground", "on-blue")]),
        ("\x1b[31;7mturned\x1b[27m", [("turned", "inverse")]),
        ("\x1b[4;9;3mall\x1b[24;29;23m", [("all", "italic struck underline")]),
        ("\x1b[38;5mshort\x1b[38;2;1mshorter", "shortshorter"),
        ("\x1b[30mblack\x1b[37mwhite", "blackwhite"),
        ("\x1b[2K\x1b[1Gmoved\x1b[?25l", "moved"),
        ("\x1b]0;a title\x07after", "after"),
        ("\x1b]8;;http://x/\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1bP1;2|data\x1b\\x\x1b(By\x1b", "xy"),
        ("\x1b[999999999999999mlarge", "large"),
        ("bell\x07 null\x00 tab\t", "bell null tab\t"),
        ("N\x08NA\x08A", "NA"),
        ("turn\u202eed", "turned"),
    ],
)
def test_line_is_shown_as(line, spans):
    assert shown(line) == spans
    assert plain(line) == (spans if isinstance(spans, str) else "".join(text for text, _ in spans))


def test_what_was_written_over_is_gone():
    assert decoded(b" 10%|#   |\r 50%|##  |\r100%|####|\r\r") == "100%|####|"
    assert decoded(b"windows\r") == "windows"
    assert decoded("ü\xff".encode("latin-1")) == "��"


def test_a_very_long_line_is_cut_and_says_so():
    assert decoded(b"x" * 20_000).endswith("x… (3616 more bytes in this line; download the log to see them)")


def luminance(colour):
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_every_ink_can_be_read_on_every_ground():
    for scheme in (0, 1):
        values = {}
        for name in ("trainshed.css", "log.css"):
            light, _, dark = (STYLES / name).read_text().partition("prefers-color-scheme: dark")
            values |= dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", (light, dark)[scheme]))
        inks = ["ink", "soft", *(key for key in values if key.startswith("log-"))]
        grounds = ["card", "hover", "busy-ground", *(key for key in values if key.startswith("on-"))]
        assert (len(inks), len(grounds)) == (8, 9)
        pairs = [*((ink, ground) for ink in inks for ground in grounds), ("match-ink", "match"), ("card", "ink")]
        for ink, ground in pairs:
            low, high = sorted((luminance(values[ink]), luminance(values[ground])))
            assert (high + 0.05) / (low + 0.05) >= 4.5, (scheme, ink, ground)
