"""One page of a listing, with names folded at a delimiter. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from trainshed.blobs import Object

_HIGHEST = "\U0010ffff"


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


def _folded(name: str, prefix: str, delimiter: str) -> str:
    if not delimiter:
        return ""
    at = name.find(delimiter, len(prefix))
    return "" if at < 0 else name[: at + len(delimiter)]
