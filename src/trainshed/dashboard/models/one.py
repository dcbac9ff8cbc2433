"""One model: what is live, its versions and their metrics over time."""

from collections.abc import Mapping, Sequence

from trainshed.dashboard import links, origin
from trainshed.dashboard.asked import Asked
from trainshed.dashboard.cells import Badge, Cell, Link, time
from trainshed.dashboard.charts import Chart, Series
from trainshed.dashboard.models import rollback, words
from trainshed.dashboard.models.rollback import Pushing
from trainshed.dashboard.page import Empty, Figures, Notice, Page, Part, Table
from trainshed.dashboard.wording import exactly
from trainshed.explain import Origin
from trainshed.registry import Model, Version

PAGE = 25  # versions


def page(model: Model, origins: Mapping[str, Origin | None], pushing: Pushing, asked: Asked) -> Page:
    """Show a model; `origins` tell what is known of the run that pushed each version."""
    return Page(
        title=model.name,
        section=words.SECTION,
        state=Badge(state="LIVE", note=f"version {model.live}") if model.live else None,
        about=(links.uri(model.directory),),
        trail=(Link(text="Models", href=words.SECTION),),
        parts=(
            *_warning(model),
            *_figures(model),
            *_charts(model.versions),
            Table(
                id="versions",
                heading="Versions",
                columns=("Version", "State", "Metrics", "Gate", "Pushed", "Pushed by", "Commit", "Data", "Account"),
                rows=[_row(version, origins[version.version]) for version in model.versions],
                nothing=words.NOTHING,
                more=asked.href(before=str(model.next_before)) if model.next_before else "",
            ),
            *rollback.of_model(model, pushing),
        ),
        follows=words.FOLLOWS,
    )


def _row(version: Version, known: Origin | None) -> tuple[Cell, ...]:
    return (
        words.link(version.directory, version.version),
        Badge(state="LIVE") if version.is_live else Badge(state="KEPT" if version.is_there else "GONE"),
        words.brief(version),
        words.gate(version),
        time(version.create_time),
        words.by(version),
        origin.commit(known),
        origin.data(known),
        links.why(version.run) if version.run else None,
    )


def _figures(model: Model) -> list[Part]:
    live = next((version for version in model.versions if version.is_live), None)
    if live is None:
        return []
    shown: list[tuple[str, Cell, str]] = [
        ("Live version", words.link(model.directory, live.version), _word(live)),
        ("Since", time(live.create_time), "rolled back" if live.restores else "pushed"),
    ]
    shown += [
        (name.partition(".")[2], f"{value:.4g}", f"of the {name.partition('.')[0]}")
        for name, value in list(live.metrics.items())[: words.SHOWN_METRICS]
    ]
    return [Figures(id="live", heading="Live now", figures=shown)]


def _word(version: Version) -> str:
    return f"a rollback to {version.restores}" if version.restores else "pushed by a run"


def _charts(versions: Sequence[Version]) -> list[Part]:
    """Draw each metric over time, those of the gate and those of the training apart."""
    oldest_first = sorted(versions, key=lambda version: version.create_time)
    known = dict.fromkeys(name for version in oldest_first for name in version.metrics)
    groups: dict[str, list[str]] = {}
    for name in known:
        groups.setdefault(name.partition(".")[0], []).append(name)
    return [
        Chart(
            id=f"metrics-{place}",
            heading=f"Metrics of the {group} over time",
            series=[
                Series(
                    label=name.partition(".")[2], points=[(v.create_time, v.metrics.get(name)) for v in oldest_first]
                )
                for name in found
            ],
            nothing=Empty(text="No number is recorded of these versions."),
            from_zero=False,
            caption="latest, times in UTC",
            has_marks=True,
            leads=[(v.create_time, _called(v)) for v in oldest_first],
        )
        for place, (group, found) in enumerate(groups.items())
    ]


def _called(version: Version) -> Link:
    link = words.link(version.directory, version.version)
    return Link(text=f"{version.version}, {exactly(version.create_time)}", href=link.href)


def _warning(model: Model) -> list[Part]:
    if not model.is_known:
        text = "This serving directory is in no bucket of this server, so what is live there cannot be told from here."
        return [Notice(id="elsewhere", text=text)]
    newest = max((v for v in model.versions), key=lambda v: v.create_time, default=None)
    if newest is not None and model.live and not newest.is_live:
        text = f"The newest version, {newest.version}, is not the one that is live."
        return [Notice(id="behind", text=text, state="busy")]
    return []
