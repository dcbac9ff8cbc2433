"""What changed between two texts: a pipeline of two runs, what a task wrote in each. Pure."""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

_CONTEXT = 3  # lines around what changed
_MOST = 2000  # lines of each text that are compared, without what both begin and end with
_LONGEST = 2000  # characters of a line that is shown
_NUMBERS = re.compile(r"0x[0-9a-f]+|\d[\d.,:]*(?:e[+-]?\d+)?", re.IGNORECASE)
_TABLES = (dict, Mapping)


@dataclass(frozen=True, kw_only=True)
class Hunk:
    """Lines that changed, and those around them."""

    before: int  # number of its first line in each text, from 1
    after: int
    lines: Sequence[tuple[str, str]]  # "-", "+" or " ", and the line


@dataclass(frozen=True, kw_only=True)
class Changes:
    """How one text became another."""

    hunks: Sequence[Hunk]
    gone: int  # lines
    new: int
    is_cut: bool  # so much differs that the end was not compared


def between(before: Sequence[str], after: Sequence[str], *, key: Callable[[str], str] = str) -> Changes:
    """Compare lines; those with the same key are the same."""
    first, second = [key(line) for line in before], [key(line) for line in after]
    start = next(
        (i for i, (a, b) in enumerate(zip(first, second, strict=False)) if a != b), min(len(first), len(second))
    )
    most = min(len(first), len(second)) - start
    end = next((i for i in range(most) if first[-1 - i] != second[-1 - i]), most)
    old, young = first[start : len(first) - end], second[start : len(second) - end]
    is_cut = max(len(old), len(young)) > _MOST
    matcher = SequenceMatcher(None, old[:_MOST], young[:_MOST])
    moves = [(tag, a + start, b + start, c + start, d + start) for tag, a, b, c, d in matcher.get_opcodes()]
    moves = [move for move in moves if move[0] != "equal"]
    hunks = list(_hunks(moves, before, after))
    signs = [sign for hunk in hunks for sign, _ in hunk.lines]
    return Changes(hunks=hunks, gone=signs.count("-"), new=signs.count("+"), is_cut=is_cut)


def without_numbers(line: str) -> str:
    """Answer what makes a line of a log the same as another: times, losses and addresses differ always."""
    return _NUMBERS.sub("0", line.rstrip())


def spelled(value: Any) -> list[str]:
    """Write a document as lines that can be compared: keys in order, a text of several lines as they are."""
    return list(_spelled(value, 0))


def _spelled(value: Any, depth: int, lead: str = "") -> Iterator[str]:
    space = "  " * depth
    if isinstance(value, _TABLES) and value:
        if lead:
            yield f"{space}{lead}"
        for key in sorted(value):
            yield from _spelled(value[key], depth + bool(lead), f"{key}:")
    elif isinstance(value, list) and value:
        if lead:
            yield f"{space}{lead}"
        for each in value:
            yield from _spelled(each, depth + bool(lead), "-")
    elif isinstance(value, str) and "\n" in value:
        yield f"{space}{lead} |".rstrip()
        yield from (f"{space}  {line}".rstrip() for line in value.split("\n"))
    else:
        written = value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False)
        yield f"{space}{lead} {written}" if lead else f"{space}{written}"


def _hunks(
    moves: Sequence[tuple[str, int, int, int, int]], before: Sequence[str], after: Sequence[str]
) -> Iterator[Hunk]:
    waiting = list(moves)
    while waiting:
        near = [waiting.pop(0)]
        while waiting and waiting[0][1] - near[-1][2] <= 2 * _CONTEXT:
            near.append(waiting.pop(0))
        head, tail = max(0, near[0][1] - _CONTEXT), min(len(before), near[-1][2] + _CONTEXT)
        lines, at = list[tuple[str, str]](), head
        for _, a, b, c, d in near:
            lines += [(" ", line) for line in before[at:a]]
            lines += [("-", line) for line in before[a:b]] + [("+", line) for line in after[c:d]]
            at = b
        lines += [(" ", line) for line in before[at:tail]]
        shown = [(sign, line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…") for sign, line in lines]
        yield Hunk(before=head + 1, after=near[0][3] - (near[0][1] - head) + 1, lines=shown)
