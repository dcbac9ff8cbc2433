"""gsutil's and gcloud's command lines → ours. Pure."""

from collections.abc import Sequence

GROUPS = ("builds", "pubsub", "functions", "scheduler", "storage")
_GSUTIL_GLOBAL = frozenset({"-m", "-q", "-D", "-DD", "-i"})
_GSUTIL_GLOBAL_VALUE = frozenset({"-o", "-h", "-u"})
_COPY_IGNORED = frozenset({"-n", "-p", "-P", "-e", "-c", "-v", "-I", "-Z", "-d", "-C", "-u", "-U"})
_COPY_IGNORED_VALUE = frozenset({"-a", "-z", "-j", "-s", "-x", "-L"})
_GCLOUD_IGNORED = frozenset({"--quiet", "-q", "--no-user-output-enabled", "--log-http"})


class NotOurs(Exception):
    """We have no command for this."""


def gsutil(words: Sequence[str]) -> list[str]:
    """Translate a gsutil command line. Raises NotOurs."""
    rest = list(words)
    while rest and rest[0].startswith("-"):
        flag = rest.pop(0)
        if flag in _GSUTIL_GLOBAL_VALUE and rest:
            rest.pop(0)
        elif flag not in _GSUTIL_GLOBAL:
            raise NotOurs(flag)
    verb, rest = (rest[0], rest[1:]) if rest else ("", [])
    match verb:
        case "cp" | "mv" | "rsync":
            return _copy(verb, rest)
        case "ls":
            return ["storage", "ls", *_short(rest)]
        case "cat" | "du" | "stat":
            return ["storage", verb, *rest]
        case "rm":
            return ["storage", "rm", *[w for w in _short(rest) if w not in {"-f", "-a"}]]
        case "mb" | "rb":
            return _bucket(verb, rest)
    raise NotOurs(verb or "no command")


def gcloud(words: Sequence[str]) -> list[str]:
    """Translate a gcloud command line; `[]` means that there is nothing to do. Raises NotOurs."""
    rest = [w for w in words if w not in _GCLOUD_IGNORED]
    if rest and rest[0] in {"beta", "alpha"}:
        rest = rest[1:]
    if rest[:1] == ["auth"] or rest[:2] == ["config", "set"] or rest[:2] == ["services", "enable"]:
        return []
    if rest and rest[0] in GROUPS:
        return rest
    raise NotOurs(" ".join(rest[:2]) or "no command")


def _short(words: Sequence[str]) -> list[str]:
    """Write joined short flags apart: -lh → -l -h."""
    out: list[str] = []
    for word in words:
        joined = word.startswith("-") and not word.startswith("--") and len(word) > 2 and word[1:].isalpha()  # noqa: PLR2004
        out += [f"-{letter}" for letter in word[1:]] if joined else [word]
    return out


def _copy(verb: str, words: list[str]) -> list[str]:
    recursive, paths = verb == "rsync", []
    waiting = iter(_short(words))
    for word in waiting:
        if word in {"-r", "-R"}:
            recursive = True
        elif word in _COPY_IGNORED_VALUE:
            next(waiting, None)
        elif word not in _COPY_IGNORED:
            paths.append(word)
    if verb == "rsync":
        return ["storage", "rsync", *(["-r"] if "-r" in _short(words) or "-R" in words else []), *paths]
    return ["storage", verb, *(["-r"] if recursive else []), *paths]


def _bucket(verb: str, words: list[str]) -> list[str]:
    values: dict[str, str] = {}
    buckets = []
    waiting = iter(words)
    for word in waiting:
        if word in {"-l", "-p", "-c", "-b", "--retention", "--pap", "--autoclass"}:
            values[word] = next(waiting, "")
        elif not word.startswith("-"):
            buckets.append(word)
    location = ["--location", values["-l"]] if verb == "mb" and values.get("-l") else []
    return ["storage", "buckets", "create" if verb == "mb" else "delete", *buckets, *location]
