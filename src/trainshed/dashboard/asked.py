"""What a request asks a page for: the name in its path, and the words behind the question mark."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from difflib import get_close_matches
from urllib.parse import parse_qsl, urlencode

from trainshed.errors import FieldViolation, InvalidArgument

Query = Sequence[tuple[str, str]]

_MOST_WORDS = 200
_DIGITS = 18  # of a number, leading zeros among them
_MOST_DIGITS = 18  # of a number: what the store can hold
_LONGEST = 60  # of a word that is repeated to who asked
_MOST_SAID = 5  # unknown words


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One request of a page."""

    path: str
    names: Mapping[str, str] = field(default_factory=dict)  # what the path's pattern found
    query: Query = ()
    known: Sequence[str] | None = None  # words that the page reads, `a.[NAME]` any name; None: whatever is asked for

    @property
    def name(self) -> str:
        """The one name in the path."""
        return self.names["name"]

    def word(self, key: str, default: str = "") -> str:
        """Answer one word of the query; the last one counts."""
        self._require_known(key)
        return next((value for known, value in reversed(self.query) if known == key and value), default)

    def given(self, key: str) -> str | None:
        """Answer one word of the query as it is, empty too; None where it is not said."""
        self._require_known(key)
        return next((value for known, value in reversed(self.query) if known == key), None)

    def words(self, key: str) -> list[str]:
        """Answer every word of the query under one key."""
        self._require_known(key)
        return [value for known, value in self.query if known == key and value]

    def choice(self, key: str, known: Sequence[str], default: str = "") -> str:
        """Answer a word that has to be one of a few. Raises InvalidArgument."""
        word = self.word(key, default)
        if word and word not in known:
            raise InvalidArgument.field(key, f"{word!r} is none of {', '.join(known)}")
        return word

    def number(self, key: str, default: int, *, least: int = 0, most: int = 10_000) -> int:
        """Answer a whole number within bounds. Raises InvalidArgument."""
        word = self.word(key)
        if not word:
            return default
        digits = word.lstrip("0")[: _MOST_DIGITS + 1] or "0"
        if not word.isascii() or not word.isdigit() or not least <= int(digits) <= most:
            raise InvalidArgument.field(key, f"{word!r} is no whole number from {least} to {most}")
        return int(digits)

    def moment(self, key: str) -> datetime | None:
        """Answer a time: RFC 3339; without a zone, as date fields of browsers send it, it is UTC. Raises InvalidArgument."""
        word = self.word(key)
        if not word:
            return None
        try:
            found = datetime.fromisoformat(word)
            return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
        except (ValueError, OverflowError) as error:
            raise InvalidArgument.field(key, f"{word!r} is no time such as 2026-01-31T12:00:00Z") from error

    def href(self, **changed: str | None) -> str:
        """Answer the address of this page with some words of the query changed; None takes one out."""
        kept = [(key, value) for key, value in self.query if key not in changed and value]
        pairs = [*kept, *((key, value) for key, value in changed.items() if value)]
        return f"{self.path}?{urlencode(pairs)}" if pairs else self.path

    def _require_known(self, key: str) -> None:
        assert self.known is None or _is_known(key, self.known), (
            f"{self.path} reads {key!r}, which it says it does not know"
        )


def read(path: str, names: Mapping[str, str], query: str, known: Sequence[str]) -> Asked:
    """Read a request's path and query, whose words have to be known. Raises InvalidArgument."""
    try:
        words = parse_qsl(query, keep_blank_values=True, max_num_fields=_MOST_WORDS)
    except ValueError as error:
        raise InvalidArgument.field("query", f"has more than {_MOST_WORDS} words; ask for less at once") from error
    if unknown := [word for word in dict(words) if not _is_known(word, known)]:
        raise _unknown(unknown[:_MOST_SAID], known)
    return Asked(path=path, names=names, query=tuple(words), known=known)


def _is_known(word: str, known: Sequence[str]) -> bool:
    return word in known or (word.endswith("]") and f"{word.partition('[')[0]}[NAME]" in known)


def _unknown(words: Sequence[str], known: Sequence[str]) -> InvalidArgument:
    """Say what nobody reads: a filter with a slip in its name would show what it was meant to leave out."""
    means = {word: get_close_matches(word, known, 1) for word in words}
    violations = tuple(
        FieldViolation(
            field=word[:_LONGEST],
            description="this address has no such word" + (f"; did you mean {meant[0]!r}?" if meant else ""),
        )
        for word, meant in means.items()
    )
    said = "\n".join(f"{violation.field}: {violation.description}" for violation in violations)
    return InvalidArgument(f"{said}\nIt knows {', '.join(known)}.", reason="WORD_UNKNOWN", violations=violations)
