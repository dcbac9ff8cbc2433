"""How fresh each model is: its newest version, how old, how good, and whether it got worse."""

from collections.abc import Mapping, Sequence
from math import isnan

from trainshed import registry
from trainshed.dashboard import links
from trainshed.dashboard.cells import Badge, Cell, Link, Time
from trainshed.dashboard.page import Empty, Table
from trainshed.registry import Model

_FIRST = ("accuracy", "auc", "f1", "rmse", "mae", "loss")  # of the metrics there are, the one that is shown
_BASELINE = "baseline_"  # begins what an evaluation calls the measure of the model that is live, on the same rows
_LESS_IS_BETTER = ("loss", "error", "rmse", "mae", "mse")


def read(models: registry.Service, *, limit: int) -> list[Model]:
    """Read models, each with its two newest versions."""
    found, _ = models.models(limit=limit, versions=2)
    return found


def table(found: Sequence[Model]) -> Table:
    """Write them as a table."""
    return Table(
        id="models",
        heading="Models",
        columns=("Model", "Newest version", "Pushed", "Evaluation", "Account"),
        rows=[_row(model) for model in found if model.versions],
        nothing=Empty(text="No model was pushed yet: a task that writes a PushedModel artifact makes one appear here."),
    )


def _row(model: Model) -> Sequence[Cell]:
    newest, before = model.versions[0], model.versions[1] if len(model.versions) > 1 else None
    said, has_fallen = measured(newest.judged or newest.metrics, (before.judged or before.metrics) if before else {})
    account = links.why(newest.run, "Why it got worse" if has_fallen else "Why") if newest.run else None
    return (
        Link(text=model.name, href=links.model(model.directory)),
        newest.version + (" (live)" if newest.is_live else ""),
        Time(when=newest.create_time),
        Badge(state="FELL", note=said) if has_fallen else said,
        account,
    )


def measured(now: Mapping[str, float], before: Mapping[str, float]) -> tuple[str, bool]:
    """Say the measure that matters most, what it was before and on which rows, and whether it got worse."""
    name = next((n for word in _FIRST for n in now if n.rpartition(".")[2] == word), next(iter(now), ""))
    if not name:
        return "", False
    place, dot, last = name.rpartition(".")
    value, was, same_rows = now[name], before.get(name), now.get(f"{place}{dot}{_BASELINE}{last}")
    said, known = f"{name} {value:.4g}", [other for other in (was, same_rows) if other is not None]
    if was is not None:
        said += f", was {was:.4g}, each on its own rows"
    if same_rows is not None:
        said += f"; the model before on the same rows: {same_rows:.4g}"
    return said, any(_is_worse(value, other, last) for other in known)


def _is_worse(value: float, was: float, name: str) -> bool:
    return (value > was if name in _LESS_IS_BETTER else value < was) or (isnan(value) and not isnan(was))
