"""One version of a model: its metrics, what it was made from, and how it is made live again."""

from trainshed import names
from trainshed.dashboard import links, origin
from trainshed.dashboard.cells import Badge, Cell, Code, Link, time
from trainshed.dashboard.models import rollback, words
from trainshed.dashboard.models.rollback import Pushing
from trainshed.dashboard.page import Empty, Facts, Page, Part, Table
from trainshed.explain import Origin
from trainshed.registry import Version

_SOURCES = 50
_BUILD = 8  # characters that builds are called by


def page(version: Version, known: Origin | None, pushing: Pushing) -> Page:
    """Show a version; `known` is what is known of the run that pushed it."""
    state = Badge(state="LIVE") if version.is_live else Badge(state="KEPT" if version.is_there else "GONE")
    return Page(
        title=f"{names.short(version.directory)} {version.version}",
        section=words.SECTION,
        state=state,
        about=(links.uri(version.destination),),
        trail=(
            Link(text="Models", href=words.SECTION),
            Link(text=names.short(version.directory), href=links.model(version.directory)),
        ),
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
            *(rollback.of_version(version, pushing()) if version.is_there and not version.is_live else []),
        ),
        follows=words.FOLLOWS,
    )


def _about(version: Version, known: Origin | None) -> list[tuple[str, Cell]]:
    model = f"artifacts/{version.model_id}" if version.model_id else ""
    pushed = f"artifacts/{version.artifact_id}"
    facts: list[tuple[str, Cell]] = [
        ("Pushed", time(version.create_time)),
        ("Pushed by", words.by(version)),
        ("Why", links.why(version.run, "Why this run was and what it did") if version.run else version.reason),
        ("Gate", words.gate(version)),
        ("Commit", origin.commit(known)),
        ("Commit known from", origin.how(known)),
        ("Commit message", origin.message(known)),
        ("Model", links.named(version.model_uri.rsplit("/", 1)[-1] or model, model) if model else None),
        ("Lineage", Link(text="From the commit and the data to what came of it", href=links.lineage(model or pushed))),
        ("Files", Code(text=version.destination, may_copy=True)),
    ]
    if version.restores:
        facts.insert(1, ("Restores", words.link(version.directory, version.restores)))
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
