"""The string operations of bash that Cloud Build's dynamic substitutions offer. Pure.

`${V:-d} ${V:+d} ${V:offset:length} ${V#p} ${V##p} ${V%p} ${V%%p} ${V/p/r} ${V//p/r} ${V/#p/r} ${V/%p/r}
${V^} ${V^^} ${V,} ${V,,}`. Patterns are shell patterns, matched in linear time.
"""

import re
from collections.abc import Callable

import re2

Expand = Callable[[str], str]  # expands `$…` inside an operand

_OPERATORS = ("//", "/", "##", "#", "%%", "%", "^^", "^", ",,", ",", ":-", ":+", ":", "-", "+")
_LONGEST = re2.Options()
_LONGEST.longest_match = True
_LONGEST.dot_nl = True


class ExpansionError(ValueError):
    """The operation is not one of bash's, or its operand is wrong."""


def apply(value: str | None, operation: str, expand: Expand) -> str:
    """Apply what follows the name inside `${NAME…}`; `value` is None where the name has no value."""
    operator = next((o for o in _OPERATORS if operation.startswith(o)), None)
    if operator is None:
        raise ExpansionError(f"{operation!r} is not an operation that Cloud Build knows")
    operand = operation[len(operator) :]
    if operator in {":-", "-"}:
        missing = value is None if operator == "-" else not value
        return expand(operand) if missing else value or ""
    if operator in {":+", "+"}:
        present = value is not None if operator == "+" else bool(value)
        return expand(operand) if present else ""
    text = value or ""
    if operator == ":":
        return _slice(text, expand(operand))
    if operator in {"/", "//"}:
        return _replace(text, operand, everywhere=operator == "//", expand=expand)
    if operator in {"^", "^^", ",", ",,"}:
        return _case(text, operator, expand(operand) or "?")
    return _trim(text, operator, expand(operand))


def _slice(text: str, operand: str) -> str:
    offset_text, colon, length_text = operand.partition(":")
    try:
        offset = int(offset_text.strip().strip("()") or "0")
        length = int(length_text.strip().strip("()")) if colon and length_text.strip() else None
    except ValueError:
        raise ExpansionError(f"{operand!r} is not offset:length, two whole numbers") from None
    start = offset if offset >= 0 else len(text) + offset
    if start < 0 or start > len(text):
        return ""
    if length is None:
        return text[start:] if not colon else ""
    end = start + length if length >= 0 else len(text) + length
    if end < start:
        raise ExpansionError(f"the length {length} ends before the offset {offset}")
    return text[start:end]


def _trim(text: str, operator: str, pattern: str) -> str:
    matcher = _compile(pattern)
    lengths = range(len(text) + 1)
    wanted = lengths if len(operator) == 1 else reversed(lengths)
    for length in wanted:
        if operator[0] == "#" and matcher.fullmatch(text[:length]):
            return text[length:]
        if operator[0] == "%" and matcher.fullmatch(text[len(text) - length :]):
            return text[: len(text) - length]
    return text


def _replace(text: str, operand: str, *, everywhere: bool, expand: Expand) -> str:
    anchor = operand[0] if not everywhere and operand[:1] in {"#", "%"} else ""
    pattern, replacement = _split_pattern(operand[len(anchor) :])
    pattern, replacement = expand(pattern), expand(replacement)
    if not pattern and not anchor:
        return text
    source = _translate(pattern)
    matcher = re2.compile({"#": rf"\A(?:{source})", "%": rf"(?:{source})\z"}.get(anchor, source), _LONGEST)
    result = []
    position = 0
    while (match := matcher.search(text, position)) is not None:
        start, end = match.span()
        if start == end and not anchor:
            break
        result.append(text[position:start] + replacement)
        position = end
        if not everywhere:
            break
    return "".join(result) + text[position:]


def _split_pattern(operand: str) -> tuple[str, str]:
    """Split at the first `/` that is neither escaped nor inside a nested `${…}`."""
    depth = i = 0
    while i < len(operand):
        if operand[i] == "\\":
            i += 1
        elif operand.startswith("${", i):
            depth += 1
        elif operand[i] == "}" and depth:
            depth -= 1
        elif operand[i] == "/" and not depth:
            return operand[:i], operand[i + 1 :]
        i += 1
    return operand, ""


def _case(text: str, operator: str, pattern: str) -> str:
    matcher = _compile(pattern)
    change = str.upper if operator[0] == "^" else str.lower
    if len(operator) == 1:
        return change(text[0]) + text[1:] if text and matcher.fullmatch(text[0]) else text
    return "".join(change(c) if matcher.fullmatch(c) else c for c in text)


def _compile(pattern: str) -> "re2._Regexp":
    try:
        return re2.compile(_translate(pattern), _LONGEST)
    except re2.error:
        raise ExpansionError(f"the pattern {pattern!r} is not a shell pattern") from None


def _translate(pattern: str) -> str:
    """Write a shell pattern as a regular expression."""
    out = []
    i = 0
    while i < len(pattern):
        c = pattern[i]
        if c == "*":
            out.append(".*")
        elif c == "?":
            out.append(".")
        elif c == "\\" and i + 1 < len(pattern):
            i += 1
            out.append(re.escape(pattern[i]))
        elif c == "[" and (end := pattern.find("]", i + 2)) > 0:
            body = pattern[i + 1 : end]
            negated = body[0] in "!^"
            inner = re.sub(r"([\\\[\]^])", r"\\\1", body[1:] if negated else body)
            out.append(f"[{'^' if negated else ''}{inner}]")
            i = end
        else:
            out.append(re.escape(c))
        i += 1
    return "".join(out)
