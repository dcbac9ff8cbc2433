"""What a terminal would show of a line: its colours as names of classes, everything else that it obeys removed. Pure.

Colours become one of six hues that have enough contrast in both schemes; a line begins plain, whatever the one before
it ended with, because lines of several programs mix.
"""

import re
from dataclasses import dataclass, field

_LONGEST = 16_384  # characters of a line that are shown
_HUES = ("", "red", "green", "yellow", "blue", "magenta", "cyan", "")  # black and white are ink
_CUBE = (0, 95, 135, 175, 215, 255)
_GREY_SPREAD = 40  # between the largest and the smallest part of a colour: below it is none

_SGR = re.compile(r"\x1b\[([0-9;:]*)m")
_ESCAPE = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # control sequences
    r"|\x1b[\]PX^_].*?(?:\x07|\x1b\\|$)"  # titles, links and other strings
    r"|\x1b[ -/]*[0-~]?"
)
_OVERSTRUCK = re.compile(r"[^\x08]\x08")
# What moves a cursor, rings, or turns the direction of writing around
_INVISIBLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")

Spans = list[tuple[str, str]]  # text and its classes


@dataclass
class _Style:
    ground: str = ""
    ink: str = ""
    marks: set[str] = field(default_factory=set)

    @property
    def classes(self) -> str:
        if "inverse" in self.marks:
            return " ".join(sorted(self.marks))
        return " ".join(
            [*sorted(self.marks), *([self.ink] if self.ink else []), *([self.ground] if self.ground else [])]
        )


_MARKS = {1: "bold", 2: "faint", 3: "italic", 4: "underline", 7: "inverse", 9: "struck"}
_UNMARKS = {
    21: ("bold",),
    22: ("bold", "faint"),
    23: ("italic",),
    24: ("underline",),
    27: ("inverse",),
    29: ("struck",),
}


def decoded(raw: bytes) -> str:
    """Read a line as a terminal leaves it: what is behind the last carriage return, shortened if it is very long."""
    line = raw.rstrip(b"\r").rpartition(b"\r")[2]
    text = line[: 4 * _LONGEST].decode("utf-8", "replace")
    if len(line) <= _LONGEST:
        return text
    return f"{text[:_LONGEST]}… ({len(line) - _LONGEST} more bytes in this line; download the log to see them)"


def plain(text: str) -> str:
    """Answer the text alone."""
    return _clean(_ESCAPE.sub("", text))


def shown(text: str) -> str | Spans:
    """Answer the text alone where it has no colours, otherwise its pieces with their classes."""
    if "\x1b" not in text:
        return _clean(text)
    spans: Spans = []
    style, place = _Style(), 0
    for found in _SGR.finditer(text):
        _add(spans, text[place : found.start()], style.classes)
        _obey(style, found[1])
        place = found.end()
    _add(spans, text[place:], style.classes)
    if all(not classes for _, classes in spans):
        return "".join(piece for piece, _ in spans)
    return spans


def _clean(text: str) -> str:
    if "\x08" in text:
        text = _OVERSTRUCK.sub("", text)
    return _INVISIBLE.sub("", text)


def _add(spans: Spans, text: str, classes: str) -> None:
    text = plain(text)
    if not text:
        return
    if spans and spans[-1][1] == classes:
        spans[-1] = (spans[-1][0] + text, classes)
    else:
        spans.append((text, classes))


def _obey(style: _Style, words: str) -> None:
    codes = [_numbers(word) for word in words.split(";")]
    while codes:
        code, *detail = codes.pop(0)
        if code in {38, 48}:
            colour = _colour(detail[-3:] if detail[:1] == [2] else detail[1:]) if detail else _taken(codes)
            _paint(style, colour, is_ground=code == 48)  # noqa: PLR2004  (of ECMA-48)
        elif code == 4 and detail == [0]:  # noqa: PLR2004  (no underline, in the form with colons)
            style.marks.discard("underline")
        else:
            _simple(style, code)


def _simple(style: _Style, code: int) -> None:
    if code == 0:
        style.ink = style.ground = ""
        style.marks.clear()
    elif code in _MARKS:
        style.marks.add(_MARKS[code])
    elif code in _UNMARKS:
        style.marks.difference_update(_UNMARKS[code])
    elif code // 10 in {3, 9} and code % 10 < len(_HUES):
        style.ink = _HUES[code % 10] or ("soft" if code == 90 else "")  # noqa: PLR2004  (bright black is grey)
    elif code // 10 in {4, 10} and code % 10 < len(_HUES):
        _paint(style, _HUES[code % 10], is_ground=True)
    elif code == 39:  # noqa: PLR2004
        style.ink = ""
    elif code == 49:  # noqa: PLR2004
        style.ground = ""


def _paint(style: _Style, hue: str, *, is_ground: bool) -> None:
    if is_ground:
        style.ground = f"on-{hue}" if hue and hue != "soft" else ""
    else:
        style.ink = hue


def _taken(codes: list[list[int]]) -> str:
    """Take the colour from the words that follow: 5;N, or 2;R;G;B."""
    form = codes.pop(0)[0] if codes else 0
    count = {5: 1, 2: 3}.get(form, 0)
    taken = [codes.pop(0)[0] for _ in range(min(count, len(codes)))]
    return _colour(taken) if len(taken) == count else ""


def _colour(parts: list[int]) -> str:
    match parts:
        case [number] if number < len(_HUES) * 2:
            return _HUES[number % 8] or ("soft" if number == 8 else "")  # noqa: PLR2004  (bright black is grey)
        case [number] if 16 <= number < 232:  # noqa: PLR2004  (the cube of six by six by six)
            number -= 16
            return _hue(_CUBE[number // 36], _CUBE[number // 6 % 6], _CUBE[number % 6])
        case [number] if 236 <= number < 250:  # noqa: PLR2004  (the greys in the middle)
            return "soft"
        case [red, green, blue]:
            return _hue(red, green, blue)
    return ""


def _hue(red: int, green: int, blue: int) -> str:
    """Answer which of the six comes nearest: the parts that stand out, two of them where they are alike."""
    parts = (red, green, blue)
    least, most = min(parts), max(parts)
    if most - least < _GREY_SPREAD:
        return "soft" if 60 < most < 190 else ""  # noqa: PLR2004  (neither near black nor near white)
    stands_out = [2 * (part - least) > most - least for part in parts]
    return {
        (True, False, False): "red",
        (False, True, False): "green",
        (False, False, True): "blue",
        (True, True, False): "yellow",
        (True, False, True): "magenta",
        (False, True, True): "cyan",
    }[stands_out[0], stands_out[1], stands_out[2]]


def _numbers(word: str) -> list[int]:
    return [int(part[:4]) if part else 0 for part in word.split(":")]
