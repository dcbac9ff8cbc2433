"""What people write on a run to find it again: labels. Checked here, whoever sends them."""

from collections.abc import Collection, Mapping
from typing import Any

from trainshed.errors import InvalidArgument

_FIELD = "labels"
_MOST = 64
_LONGEST_KEY, _LONGEST = 128, 1024  # characters
_NOT_IN_KEYS = '="\\\n'
_EXAMPLE = "team=birds"


def read(given: Any) -> dict[str, str]:
    """Read labels: an object, or a list of texts KEY=VALUE; of equal keys the last one counts. Raises InvalidArgument."""
    if isinstance(given, Mapping):
        return checked(given)
    if not isinstance(given, list) or not all(isinstance(text, str) for text in given):
        raise InvalidArgument.field(_FIELD, f"is neither an object nor a list of texts such as {_EXAMPLE}")
    found: dict[str, str] = {}
    for text in given:
        key, sign, value = text.partition("=")
        if not sign:
            raise InvalidArgument.field(_FIELD, f"{text[:_LONGEST_KEY]!r} is no label; write KEY=VALUE, as {_EXAMPLE}")
        found[key.strip()] = value.strip()
    return checked(found)


def changed(labels: Mapping[str, str], update: Mapping[str, str], remove: Collection[str]) -> dict[str, str]:
    """Set some labels and take others away, which need not be there. Raises InvalidArgument."""
    if both := sorted(set(update) & set(remove)):
        raise InvalidArgument.field(_FIELD, f"{both[0]!r} is set and removed at once; leave one of the two away")
    return {key: value for key, value in (dict(labels) | dict(update)).items() if key not in remove}


def checked(labels: Mapping[str, Any]) -> dict[str, str]:
    """Refuse what could not be looked for, or is too much to be shown. Raises InvalidArgument."""
    if len(labels) > _MOST:
        raise InvalidArgument.field(_FIELD, f"{len(labels)} are too many; a run has up to {_MOST}")
    for key, value in labels.items():
        if not key or len(key) > _LONGEST_KEY or any(sign in key for sign in _NOT_IN_KEYS):
            raise InvalidArgument.field(
                _FIELD,
                f"{key[:_LONGEST_KEY]!r} is no key: 1 to {_LONGEST_KEY} characters without =, quotes and backslashes",
            )
        if not isinstance(value, str) or len(value) > _LONGEST or "\n" in value:
            raise InvalidArgument.field(
                _FIELD, f"the value of {key!r} is no text of one line and up to {_LONGEST} characters"
            )
    return dict(labels)
