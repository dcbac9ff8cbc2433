"""One page of a listing: names that match a pattern, folded at a delimiter. Pure."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

import re2

from trainshed.blobs import Object
from trainshed.errors import InvalidArgument

_HIGHEST = "\U0010ffff"
_LONGEST_GLOB = 1024
_OPTIONS = re2.Options()  # matches in linear time, whatever the pattern
_OPTIONS.dot_nl = True
_OPTIONS.log_errors = False
_GLOB = re.compile(r"(\*\*/?)|(\*)|(\?)|(\[[^\]]+\])|(\{)|(\})|(,)|([^*?\[{},]+|.)", re.DOTALL)


@dataclass(kw_only=True)
class Page:
    """Objects and folded prefixes, and where the next page starts (None: there is none)."""

    items: list[Object] = field(default_factory=list)
    prefixes: list[str] = field(default_factory=list)
    after: tuple[str, int] | None = None


def page(
    objects: Iterable[Object], *, prefix: str, delimiter: str, limit: int, with_trailing_delimiter: bool = False
) -> Page:
    """Fold objects, which come in the order of their names, into a page of at most `limit` entries."""
    made = Page()
    after: tuple[str, int] | None = None
    for obj in objects:
        folded = _folded(obj.name, prefix, delimiter)
        is_known = bool(folded) and folded in made.prefixes[-1:]
        is_item = not folded or (with_trailing_delimiter and obj.name == folded)
        if not is_item and is_known:
            continue
        if len(made.items) + len(made.prefixes) >= limit:
            made.after = after
            return made
        if is_item:
            made.items.append(obj)
            after = (obj.name, obj.generation)
        if folded and not is_known:
            made.prefixes.append(folded)
            if not is_item:
                after = (folded + _HIGHEST, 0)
    return made


def glob(text: str) -> "re2._Regexp":
    """Read a pattern of `matchGlob`: `*` and `?` stay within a folder, `**` does not. Raises InvalidArgument."""
    made, depth = "", 0
    for deep, star, one, group, opened, closed, comma, rest in _GLOB.findall(text[: _LONGEST_GLOB + 1]):
        depth += bool(opened) - bool(closed)
        if deep:
            made += "(?:.*/)?" if deep.endswith("/") and made in {"", "(?:"} else ".*" + deep[2:]
        elif group:
            made += (
                "[" + ("^" if group[1] in "!^" else "") + re.escape(group[1:-1].lstrip("!^")).replace(r"\-", "-") + "]"
            )
        else:
            made += (star and "[^/]*") or (one and "[^/]") or (opened and "(?:") or (closed and ")") or ""
            made += ("|" if depth else ",") if comma else re.escape(rest)
        if depth < 0:
            break
    try:
        if depth or len(text) > _LONGEST_GLOB:
            raise re2.error("braces")  # noqa: TRY301  (one refusal for all)
        return re2.compile(made, _OPTIONS)
    except re2.error as error:
        raise InvalidArgument.field("matchGlob", f"{text[:100]!r} is not a pattern like 'data/**.csv'.") from error


def _folded(name: str, prefix: str, delimiter: str) -> str:
    if not delimiter:
        return ""
    at = name.find(delimiter, len(prefix))
    return "" if at < 0 else name[: at + len(delimiter)]
