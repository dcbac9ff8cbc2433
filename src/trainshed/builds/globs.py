"""Globs of paths as Cloud Build reads them. Pure."""

import re

import re2


def matches(glob: str, path: str) -> bool:
    """Match as Cloud Build does: `*` and `?` stay within a folder, `**` crosses folders."""
    return re2.fullmatch(_pattern(glob), path) is not None


def _pattern(glob: str) -> str:
    out, i = [], 0
    while i < len(glob):
        if glob.startswith("**/", i):
            out.append("(?:.*/)?")
            i += 3
        elif glob.startswith("**", i):
            out.append(".*")
            i += 2
        elif glob[i] in "*?":
            out.append("[^/]*" if glob[i] == "*" else "[^/]")
            i += 1
        else:
            out.append(re.escape(glob[i]))
            i += 1
    return "".join(out)
