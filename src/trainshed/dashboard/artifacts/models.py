"""Models: every serving directory, its versions with their metrics over time, what is live, and rollback."""

from collections.abc import Callable, Sequence

from trainshed import names, registry
from trainshed.blobs import CHANNEL
from trainshed.dashboard import links
from trainshed.dashboard.artifacts import origin
from trainshed.dashboard.artifacts.origin import Origins
from trainshed.dashboard.asked import Asked
from trainshed.dashboard.cells import Badge, Cell, Code, Link, Several, time
from trainshed.dashboard.charts import Chart, Series
from trainshed.dashboard.page import Action, Empty, Facts, Field, Figures, Form, Notice, Page, Part, Table
from trainshed.dashboard.render import exactly
from trainshed.dashboard.serve import Address
from trainshed.explain import Origin
from trainshed.registry import Model, Version

SECTION = "/models"
TriggersOf = Callable[[Sequence[str]], Sequence[str]]  # names of runs -> schedules and triggers that started them
_PAGE = 25
_SHOWN_METRICS = 3  # in a row
_SOURCES = 50
_BUILD = 8  # characters that builds are called by
_NOTHING = Empty(
    text="No model was pushed yet. A task that copies a model to a serving directory and says so in its artifact's "
    "metadata (pushed_destination, as TFX's Pusher does) makes a version.",
    command="trainshed demo --keep",
)


class Models:
    """Pages over the registry."""

    def __init__(self, service: registry.Service, origins: Origins, triggers_of: TriggersOf) -> None:
        self._service = service
        self._triggers_of = triggers_of
        self._origins = origins

    def addresses(self) -> list[Address]:
        """Answer the pages of this section."""
        return [
            Address(path=SECTION, make=self.listing, words=("after",)),
            Address(path=SECTION + "/{name:path}", make=self.one, words=("version", "before")),
        ]

    def listing(self, asked: Asked) -> Page:
        """All models, with what is live of each."""
        found, more = self._service.models(after=asked.word("after"), limit=_PAGE)
        return Page(
            title="Models",
            section=SECTION,
            parts=(
                Table(
                    id="models",
                    columns=(
                        "Model",
                        "Live",
                        "Newest",
                        "Metrics of the newest",
                        "Pushed",
                        "By",
                        "Serving directory",
                        "Account",
                    ),
                    rows=[_row_of_model(model) for model in found],
                    nothing=_NOTHING,
                    more=asked.href(after=more) if more else "",
                    more_text="More models",
                ),
            ),
            follows=_FOLLOWS,
        )

    def one(self, asked: Asked) -> Page:
        """One model, or one of its versions (`?version=`). Raises NotFound, InvalidArgument."""
        directory = registry.address(asked.name)
        if number := asked.word("version"):
            return self._version(directory, number)
        before = asked.number("before", 0, most=10**18) or None
        model = self._service.get(directory, before=before, limit=_PAGE)
        origins = {version.version: self._origins.of(version.run) for version in model.versions}
        return Page(
            title=model.name,
            section=SECTION,
            state=Badge(state="LIVE", note=f"version {model.live}") if model.live else None,
            about=(links.uri(directory),),
            trail=(Link(text="Models", href=SECTION),),
            parts=(
                *_warning(model),
                *_figures(model),
                *_charts(model.versions),
                Table(
                    id="versions",
                    heading="Versions",
                    columns=("Version", "State", "Metrics", "Gate", "Pushed", "By", "Commit", "Data", "Account"),
                    rows=[_row(version, origins[version.version]) for version in model.versions],
                    nothing=_NOTHING,
                    more=asked.href(before=str(model.next_before)) if model.next_before else "",
                ),
                *_rollback(model, self._pushing(directory)),
            ),
            follows=_FOLLOWS,
        )

    def _version(self, directory: str, number: str) -> Page:
        version = self._service.version(directory, number)
        known = self._origins.of(version.run)
        state = Badge(state="LIVE") if version.is_live else Badge(state="KEPT" if version.is_there else "GONE")
        return Page(
            title=f"{names.short(directory)} {version.version}",
            section=SECTION,
            state=state,
            about=(links.uri(version.destination),),
            trail=(Link(text="Models", href=SECTION), Link(text=names.short(directory), href=links.model(directory))),
            parts=(
                Facts(id="about", pairs=_about(version, known)),
                Table(
                    id="metrics",
                    heading="Metrics",
                    columns=("Metric", "Value"),
                    rows=[(name, f"{value:.6g}") for name, value in version.metrics.items()],
                    nothing=Empty(text="No number is recorded of this version."),
                    can_sort=True,
                ),
                *_sources(known),
                *(_restore(version, self._pushing(directory)) if version.is_there and not version.is_live else []),
            ),
            follows=_FOLLOWS,
        )

    def _pushing(self, directory: str) -> Sequence[str]:
        """Answer the schedules and triggers of the runs that pushed the newest versions."""
        recent = self._service.get(directory, limit=_PAGE).versions
        return self._triggers_of([version.run for version in recent if version.run])


_FOLLOWS = (CHANNEL, registry.CHANNEL)


def _row_of_model(model: Model) -> tuple[Cell, ...]:
    newest = model.versions[0] if model.versions else None
    live = Several(cells=(Badge(state="LIVE"), _link(model.directory, model.live))) if model.live else _unknown(model)
    return (
        Link(text=model.name, href=links.model(model.directory)),
        live,
        _link(model.directory, newest.version) if newest else None,
        _brief(newest) if newest else None,
        time(newest.create_time) if newest else None,
        _by(newest) if newest else None,
        links.uri(model.directory),
        links.why(newest.run) if newest and newest.run else None,
    )


def _row(version: Version, known: Origin | None) -> tuple[Cell, ...]:
    return (
        _link(version.directory, version.version),
        Badge(state="LIVE") if version.is_live else Badge(state="kept" if version.is_there else "gone"),
        _brief(version),
        _gate(version),
        time(version.create_time),
        _by(version),
        origin.commit(known),
        origin.data(known),
        links.why(version.run) if version.run else None,
    )


def _figures(model: Model) -> list[Part]:
    live = next((version for version in model.versions if version.is_live), None)
    if live is None:
        return []
    shown: list[tuple[str, Cell, str]] = [
        ("Live version", _link(model.directory, live.version), _word(live)),
        ("Since", time(live.create_time), "rolled back" if live.restores else "pushed"),
    ]
    shown += [
        (name.partition(".")[2], f"{value:.4g}", f"of the {name.partition('.')[0]}")
        for name, value in list(live.metrics.items())[:_SHOWN_METRICS]
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
            has_marks=True,
            leads=[(v.create_time, _called(v)) for v in oldest_first],
        )
        for place, (group, found) in enumerate(groups.items())
    ]


def _called(version: Version) -> Link:
    link = _link(version.directory, version.version)
    return Link(text=f"{version.version}, {exactly(version.create_time)}", href=link.href)


def _rollback(model: Model, pushing: Sequence[str]) -> list[Part]:
    others = [version.version for version in model.versions if version.is_there and not version.is_live]
    if not others or not model.live:
        return []
    chosen = Field(
        name="version", label="Version", value=others[0], choices=others, is_required=True,
        help="Its files are copied to a new version with the highest number, which is seen whole or not at all.",
    )  # fmt: skip
    question = f"Make another version of {model.name} live?"
    return [_lasts(pushing), _form(model.directory, "Make an earlier version live again", [chosen], {}, question)]


def _lasts(pushing: Sequence[str]) -> Part:
    """Say how long a rollback lasts, and what may end it."""
    said = "A rollback is live until the next version is pushed"
    if not pushing:
        return Notice(id="lasts", text=f"{said}. No schedule and no trigger pushed the last ones.")
    does = f"{said}. These started the runs that pushed the newest ones; to keep it, pause or disable them:"
    return Notice(id="lasts", text=does, next=Several(cells=[links.named(names.called(name), name) for name in pushing]))


def _restore(version: Version, pushing: Sequence[str]) -> list[Part]:
    question = f"Make version {version.version} of {names.short(version.directory)} live again?"
    form = _form(version.directory, "Make this version live again", [], {"version": version.version}, question)
    return [_lasts(pushing), form]


def _form(directory: str, heading: str, fields: Sequence[Field], body: dict[str, str], question: str) -> Form:
    path = links.model(directory).removeprefix(SECTION)
    reason = Field(name="reason", label="Why", is_required=True, help="It is kept in the receipt and in lineage.")
    return Form(
        id="rollback",
        heading=heading,
        fields=(*fields, reason),
        action=Action(
            label="Roll back",
            path=f"/trainshed/v1/models{path}:rollback",
            body=body,
            confirm=question,
            then=f"{links.model(directory)}?version={{version}}",
        ),
    )


def _warning(model: Model) -> list[Part]:
    if not model.is_known:
        text = "This serving directory is in no bucket of this server, so what is live there cannot be told from here."
        return [Notice(id="elsewhere", text=text)]
    newest = max((v for v in model.versions), key=lambda v: v.create_time, default=None)
    if newest is not None and model.live and not newest.is_live:
        text = f"The newest version, {newest.version}, is not the one that is live."
        return [Notice(id="behind", text=text, state="busy")]
    return []


def _unknown(model: Model) -> Cell:
    return "none" if model.is_known else "not on this server"


def _about(version: Version, known: Origin | None) -> list[tuple[str, Cell]]:
    model = f"artifacts/{version.model_id}" if version.model_id else ""
    pushed = f"artifacts/{version.artifact_id}"
    facts: list[tuple[str, Cell]] = [
        ("Pushed", time(version.create_time)),
        ("By", _by(version)),
        ("Why", links.why(version.run, "Why this run was and what it did") if version.run else version.reason),
        ("Gate", _gate(version)),
        ("Commit", origin.commit(known)),
        ("How it is known", origin.how(known)),
        ("Its message", origin.message(known)),
        ("Model", links.named(version.model_uri.rsplit("/", 1)[-1] or model, model) if model else None),
        ("Lineage", Link(text="From the commit and the data to what came of it", href=links.lineage(model or pushed))),
        ("Files", Code(text=version.destination, may_copy=True)),
    ]
    if version.restores:
        facts.insert(1, ("Restores", _link(version.directory, version.restores)))
    return facts


def _sources(known: Origin | None) -> list[Part]:
    if known is None:
        return []
    rows = [
        (
            links.uri(source.uri), Link(text=source.generation, href=links.stored(source.uri, int(source.generation)))
            if source.generation.isdigit() else source.generation,
            time(source.written), links.named(names.short(source.build)[:_BUILD], source.build) if source.build else None,
        )
        for source in known.sources[:_SOURCES]
    ]  # fmt: skip
    count = len(known.sources)
    return [
        Table(
            id="sources",
            heading="Data and code that it was made from" + (f": {_SOURCES} of {count}" if count > _SOURCES else ""),
            columns=("Object", "Generation", "Written", "By build"),
            rows=rows,
            nothing=Empty(text="The run read no stored data by an address."),
        )
    ]


def _gate(version: Version) -> Cell:
    if version.is_blessed is None:
        return "no gate recorded"
    return Badge(state="BLESSED" if version.is_blessed else "REFUSED", note=version.verdict)


def _by(version: Version) -> Cell:
    if version.restores:
        because = f": {version.reason}" if version.reason else ""
        return f"rollback to {version.restores} by {version.author}{because}"
    return links.link(version.run) if version.run else "by hand"


def _brief(version: Version) -> str:
    """Say a few numbers: those of the gate where there are some."""
    first = next(iter(version.metrics), "").partition(".")[0]
    shown = [(name.partition(".")[2], value) for name, value in version.metrics.items() if name.startswith(f"{first}.")]
    return ", ".join(f"{name} {value:.4g}" for name, value in shown[:_SHOWN_METRICS])


def _link(directory: str, version: str) -> Link:
    return Link(text=version, href=f"{links.model(directory)}?version={version}")
