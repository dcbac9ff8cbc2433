"""The commit and the data behind a run, for every page that names one."""

from collections.abc import Callable

from trainshed import runs
from trainshed.dashboard import links
from trainshed.dashboard.cells import Cell, Code, Link, Several
from trainshed.errors import TrainshedError
from trainshed.explain import Origin

_SHORT = 7  # letters of a commit
_KEPT = 10_000  # sources, of all runs together
_CODE = (".py", ".ipynb", ".json", ".yaml")
Tell = Callable[[str], Origin]  # run → what is known of it


class Origins:
    """What is known of runs; of one that is over for good it is read once."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._told: dict[str, Origin] = {}
        self._size = 0

    def of(self, run: str) -> Origin | None:
        """Answer what is known of a run; None of one that is gone, or of none."""
        if not run:
            return None
        if (known := self._told.get(run)) is not None:
            return known
        try:
            found = self._tell(run)
        except TrainshedError:  # it was deleted
            return None
        if runs.RUN.is_final(found.state) and not runs.RUN.allows("retry", found.state):
            if self._size > _KEPT:
                self._told, self._size = {}, 0
            self._told[run] = found
            self._size += 1 + len(found.sources)
        return found


def commit(known: Origin | None) -> Cell:
    """Say the commit that a run's code is of, or that nobody knows it; the build that comes nearest is a click away."""
    if known is None:
        return None
    if known.commit is None:
        text = f"not known: {known.code.brief}"
        build = known.code.build.rpartition("/")[2]
        return Link(text=text, href=links.href("/builds", build)) if build else text
    sha = Code(text=known.commit.sha[:_SHORT], may_copy=True)
    return Several(cells=(sha, "of its image")) if known.code.build else sha


def how(known: Origin | None) -> str:
    """Say how the commit is known, or why it is not, where that is not plain."""
    said = known.code.says if known is not None else ""
    return said[:1].upper() + said[1:] + "." if said else ""


def message(known: Origin | None) -> str:
    """Say what the commit is about, and by whom it is."""
    found = known.commit if known is not None else None
    if found is None or not found.message:
        return ""
    subject = found.message.strip().partition("\n")[0]
    return f"{subject} ({found.author})" if found.author else subject


def data(known: Origin | None) -> Cell:
    """Link the newest data that a run read, and say how much more there was."""
    found = [source for source in known.sources if not source.uri.endswith(_CODE)] if known is not None else []
    if not found:
        return None
    newest = max(found, key=lambda source: source.generation)
    generation = int(newest.generation) if newest.generation.isdigit() else None
    word = Link(text=newest.uri.rsplit("/", 1)[-1], href=links.stored(newest.uri, generation))
    return Several(cells=(word, f"and {len(found) - 1} more")) if len(found) > 1 else word
