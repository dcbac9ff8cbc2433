"""`$PROJECT_ID`, `${_NAME}`, `$$` and the dynamic bash expansions in a build document. Pure.

Rules in one place: which names exist, which may be given by hand, which fields are scanned, what MUST_MATCH and
ALLOW_LOOSE demand. An upper-case `$FOO` that no build has is an error under both, with the fix `$$FOO`.
"""

import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from trainshed.builds import expansions
from trainshed.errors import Finding

ALWAYS = ("PROJECT_ID", "BUILD_ID", "PROJECT_NUMBER", "LOCATION")
OF_TRIGGERS = [
    "TRIGGER_NAME",
    "COMMIT_SHA",
    "REVISION_ID",
    "SHORT_SHA",
    "REPO_NAME",
    "REPO_FULL_NAME",
    "BRANCH_NAME",
    "TAG_NAME",
    "REF_NAME",
    "TRIGGER_BUILD_CONFIG_PATH",
    "SERVICE_ACCOUNT_EMAIL",
    "SERVICE_ACCOUNT",
]
BUILT_IN = frozenset({*ALWAYS, *OF_TRIGGERS})
SCANNED = (  # every field in which substitutions are replaced
    *("steps[].name", "steps[].args[]", "steps[].env[]", "steps[].dir", "steps[].entrypoint"),
    *("images[]", "tags[]", "logsBucket", "serviceAccount", "options.env[]", "options.pool.name"),
    *("artifacts.images[]", "artifacts.objects.location", "artifacts.objects.paths[]"),
    *("availableSecrets.secretManager[].versionName", "availableSecrets.inline[].kmsKeyName", "secrets[].kmsKeyName"),
    *("source.repoSource.dir", "source.storageSource.object"),
)
_KEY = re.compile(r"_[A-Z0-9_]+")
_NAME = re.compile(r"[A-Z_][A-Z0-9_]*")
_MAX_KEYS, _MAX_KEY, _MAX_VALUE = 200, 100, 4000
_MAX_RESULT = 100_000


@dataclass(kw_only=True)
class _Scan:
    """One pass over a document: what it may use, what it has used, what is wrong."""

    values: Mapping[str, str]
    dynamic: bool
    loose: bool
    findings: list[Finding] = field(default_factory=list)
    used: set[str] = field(default_factory=set)
    unmatched: dict[str, str] = field(default_factory=dict)  # key -> first place
    path: str = ""
    expanding: tuple[str, ...] = ()
    known: dict[str, str] = field(default_factory=dict)  # values already expanded

    def error(self, message: str) -> None:
        self.findings.append(Finding(severity="error", path=self.path, message=message, anchor="substitutions"))


@dataclass(frozen=True, kw_only=True)
class Applied:
    """A document with its substitutions applied."""

    document: dict[str, Any]
    values: Mapping[str, str]  # every value in force, dynamic ones expanded
    findings: tuple[Finding, ...]
    lacking: Mapping[str, str]  # keys that nothing gives a value, which is empty then → the first place that asks


def check_keys(values: Mapping[str, Any], path: str = "substitutions") -> list[Finding]:
    """Find keys that a user may not give, and values that are too long."""
    found = []
    if len(values) > _MAX_KEYS:
        found.append(_error(path, f"{len(values)} substitutions are given; {_MAX_KEYS} are allowed"))
    for key, value in values.items():
        if not _KEY.fullmatch(key) and key not in OF_TRIGGERS:
            found.append(_error(f"{path}.{key}", _bad_key(key)))
        if len(key) > _MAX_KEY:
            found.append(_error(f"{path}.{key[:20]}…", f"the key is longer than {_MAX_KEY} characters"))
        if len(str(value)) > _MAX_VALUE:
            found.append(_error(f"{path}.{key}", f"the value is longer than {_MAX_VALUE} characters"))
    return found


def apply(
    document: Mapping[str, Any], built_in: Mapping[str, str], *, given: Mapping[str, str], is_triggered: bool = False
) -> Applied:
    """Replace substitutions in every scanned field. `given` beats the document's own `substitutions`.

    A triggered build is always loose and dynamic; the file cannot change that.
    """
    options = document.get("options") or {}
    own = {**(document.get("substitutions") or {}), **given}
    scan = _Scan(
        values={**dict.fromkeys(BUILT_IN, ""), **own, **built_in},
        dynamic=is_triggered or bool(options.get("dynamicSubstitutions")),
        loose=is_triggered or options.get("substitutionOption") == "ALLOW_LOOSE",
    )
    scan.findings += check_keys(own)
    result: dict[str, Any] = dict(document)
    for place in SCANNED:
        result = _walk(result, place.split("."), scan, "")
    if _is_automapped(document):
        scan.used.update(own)
    if not scan.loose:
        _must_match(scan, own)
    values = _expanded_values(scan, own, built_in)
    return Applied(document=result, values=values, findings=tuple(scan.findings), lacking=scan.unmatched)


def expand(text: str, values: Mapping[str, str], *, dynamic: bool = True) -> tuple[str, list[Finding]]:
    """Expand one string; for trigger filters and for tests."""
    scan = _Scan(values=values, dynamic=dynamic, loose=True)
    return _expand(text, scan), scan.findings


def _expanded_values(scan: _Scan, own: Mapping[str, str], built_in: Mapping[str, str]) -> dict[str, str]:
    values = dict(built_in)
    for key in own:
        scan.path = f"substitutions.{key}"
        values[key] = _value(key, scan) or ""
    return values


def _is_automapped(document: Mapping[str, Any]) -> bool:
    wanted = (document.get("options") or {}).get("automapSubstitutions")
    return bool(wanted) or any(s.get("automapSubstitutions") for s in document.get("steps") or [])


def _must_match(scan: _Scan, own: Mapping[str, str]) -> None:
    for key, path in scan.unmatched.items():
        near = difflib.get_close_matches(key, own, n=1, cutoff=0.75)
        hint = f"; did you mean ${near[0]}?" if near else f"; give it with --substitutions {key}=…"
        scan.findings.append(_error(path, f"key in the template {key!r} is not matched in the substitution data{hint}"))
    for key in own:
        if key not in scan.used:
            message = (
                f"key {key!r} in the substitution data is not matched in the template; "
                "remove it, or set options.substitutionOption to ALLOW_LOOSE"
            )
            scan.findings.append(_error(f"substitutions.{key}", message))


def _walk(value: Any, place: list[str], scan: _Scan, path: str) -> Any:
    if not place:
        if not isinstance(value, str):
            return value
        scan.path = path
        return _expand(value, scan)
    if not isinstance(value, dict):
        return value
    name = place[0].removesuffix("[]")
    if name not in value:
        return value
    below, inner = f"{path}.{name}" if path else name, value[name]
    if place[0].endswith("[]"):
        if not isinstance(inner, list):
            return value
        changed: Any = [_walk(item, place[1:], scan, f"{below}[{i}]") for i, item in enumerate(inner)]
    else:
        changed = _walk(inner, place[1:], scan, below)
    return {**value, name: changed}


def _expand(text: str, scan: _Scan) -> str:
    out: list[str] = []
    i = length = 0
    while (dollar := text.find("$", i)) >= 0:
        out.append(text[i:dollar])
        piece, i = _token(text, dollar, scan)
        out.append(piece)
        length += len(piece)
        if length > _MAX_RESULT:
            scan.error(f"the value grows beyond {_MAX_RESULT} characters")
            return ""
    return "".join(out) + text[i:]


def _token(  # noqa: PLR0911  (one return per form)
    text: str, at: int, scan: _Scan
) -> tuple[str, int]:
    """Replace the token that starts with the `$` at `at`; answer it and where to go on."""
    if text.startswith("$$", at):
        return "$", at + 2
    braced = text.startswith("${", at)
    match = _NAME.match(text, at + (2 if braced else 1))
    if match is None:
        return "$", at + 1
    key, end = match[0], match.end()
    if not braced:
        return _known(key, scan), end
    if text.startswith("}", end):
        return _known(key, scan), end + 1
    if not scan.dynamic:  # `${V:-d}` belongs to the step's shell then
        return "$", at + 1
    close = _closing_brace(text, end)
    if close < 0:
        scan.error(f"${{{key} has no closing brace")
        return "", len(text)
    return _operation(key, text[end:close], scan), close + 1


def _operation(key: str, operation: str, scan: _Scan) -> str:
    if key not in scan.values and not _KEY.fullmatch(key):
        return _known(key, scan)
    has_default = operation[:1] in {"-", "+"} or operation[:2] in {":-", ":+"}
    value = _value(key, scan) if key in scan.values or has_default else _known(key, scan)
    try:
        return expansions.apply(value, operation, _expander(scan))
    except expansions.ExpansionError as error:
        scan.error(f"${{{key}{operation}}}: {error}")
        return ""


def _expander(scan: _Scan) -> Callable[[str], str]:
    return lambda text: _expand(text, scan)


def _known(key: str, scan: _Scan) -> str:
    value = _value(key, scan)
    if value is not None:
        return value
    if _KEY.fullmatch(key):
        scan.unmatched.setdefault(key, scan.path)
    else:
        near = difflib.get_close_matches(key, BUILT_IN, n=1, cutoff=0.8)
        hint = f"did you mean ${near[0]}? " if near else ""
        scan.error(
            f"key in the template {key!r} is not a valid built-in substitution; {hint}"
            f"for a shell variable write $${key}, for a substitution of your own start its name with an underscore"
        )
    return ""


def _value(key: str, scan: _Scan) -> str | None:
    """Answer a value, its own references expanded when substitutions are dynamic."""
    scan.used.add(key)
    value = scan.values.get(key)
    if value is None or not scan.dynamic or "$" not in value:
        return value
    if key in scan.known:
        return scan.known[key]
    if key in scan.expanding:
        scan.error("the substitutions " + " → ".join((*scan.expanding, key)) + " refer to each other in a circle")
        return ""
    scan.expanding = (*scan.expanding, key)
    result = _expand(value, scan)
    scan.expanding = scan.expanding[:-1]
    scan.known[key] = result
    return result


def _closing_brace(text: str, start: int) -> int:
    depth, i = 1, start
    while i < len(text):
        if text[i] == "\\":
            i += 1
        elif text.startswith("${", i):
            depth += 1
            i += 1
        elif text[i] == "}":
            depth -= 1
            if not depth:
                return i
        i += 1
    return -1


def _bad_key(key: str) -> str:
    if key in ALWAYS:
        return f"{key} is set by the build itself and cannot be given"
    fixed = "_" + re.sub(r"[^A-Z0-9_]", "_", key.upper()).lstrip("_")
    return f"substitution keys match ^_[A-Z0-9_]+$; write {fixed}"


def _error(path: str, message: str) -> Finding:
    return Finding(severity="error", path=path, message=message, anchor="substitutions")
