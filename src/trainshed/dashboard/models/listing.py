"""The list of models, with what is live of each."""

from trainshed import registry
from trainshed.dashboard import links
from trainshed.dashboard.asked import Asked
from trainshed.dashboard.cells import Badge, Cell, Link, Several, time
from trainshed.dashboard.models import words
from trainshed.dashboard.page import Page, Table
from trainshed.registry import Model

WORDS = ("after",)
_PAGE = 25


def page(service: registry.Service, asked: Asked) -> Page:
    """Show all models."""
    found, more = service.models(after=asked.word("after"), limit=_PAGE)
    return Page(
        title="Models",
        section=words.SECTION,
        parts=(
            Table(
                id="models",
                columns=(
                    "Model",
                    "Live",
                    "Newest",
                    "Metrics of the newest",
                    "Pushed",
                    "Pushed by",
                    "Serving directory",
                    "Account",
                ),
                rows=[_row_of_model(model) for model in found],
                nothing=words.NOTHING,
                more=asked.href(after=more) if more else "",
                more_text="More models",
            ),
        ),
        follows=words.FOLLOWS,
    )


def _row_of_model(model: Model) -> tuple[Cell, ...]:
    newest = model.versions[0] if model.versions else None
    live = (
        Several(cells=(Badge(state="LIVE"), words.link(model.directory, model.live))) if model.live else _unknown(model)
    )
    return (
        Link(text=model.name, href=links.model(model.directory)),
        live,
        words.link(model.directory, newest.version) if newest else None,
        words.brief(newest) if newest else None,
        time(newest.create_time) if newest else None,
        words.by(newest) if newest else None,
        links.uri(model.directory),
        links.why(newest.run) if newest and newest.run else None,
    )


def _unknown(model: Model) -> Cell:
    return "none" if model.is_known else "not on this server"
