"""Print the five largest files and functions, and fail over the limits: files 600 lines, functions 60."""

import ast
import statistics
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent / "src" / "trainshed"
GENERATED = ("migrations/versions",)
FILE_LIMIT, FUNCTION_LIMIT, LONG_FUNCTION, LONG_SHARE = 600, 60, 50, 0.02


def sources() -> list[Path]:
    """List the hand-written modules of the package."""
    return [p for p in sorted(ROOT.rglob("*.py")) if not any(g in p.as_posix() for g in GENERATED)]


def functions(path: Path) -> list[tuple[int, str]]:
    """List (lines, place) of each function of a module, docstrings not counted."""
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            doc = node.body[0] if ast.get_docstring(node) else None
            lines = node.end_lineno - node.lineno + 1 - (doc.end_lineno - doc.lineno + 1 if doc else 0)
            found.append((lines, f"{path.relative_to(ROOT)}:{node.name}"))
    return found


def main() -> int:
    files = sorted(((len(p.read_text().splitlines()), str(p.relative_to(ROOT))) for p in sources()), reverse=True)
    all_functions = sorted((f for p in sources() for f in functions(p)), reverse=True)
    long_share = sum(n > LONG_FUNCTION for n, _ in all_functions) / len(all_functions)
    for title, rows in (("files", files), ("functions", all_functions)):
        sizes = sorted(n for n, _ in rows)
        p90 = sizes[int(len(sizes) * 0.9)]
        print(f"{title}: {len(rows)}, median {statistics.median(sizes):.0f}, p90 {p90}, max {sizes[-1]}")
        for lines, place in rows[:5]:
            print(f"  {lines:4} {place}")
    return int(files[0][0] > FILE_LIMIT or all_functions[0][0] > FUNCTION_LIMIT or long_share > LONG_SHARE)


if __name__ == "__main__":
    sys.exit(main())
