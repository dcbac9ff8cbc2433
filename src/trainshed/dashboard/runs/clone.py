"""The form that starts a run again with other parameters: one field for each that the pipeline takes."""

from trainshed import names, runs
from trainshed.dashboard import links
from trainshed.dashboard.cells import Link
from trainshed.dashboard.page import Action, Field, Form, Page, Part
from trainshed.dashboard.runs.given import conduct, field
from trainshed.dashboard.runs.listing import SECTION

_UNCHANGED = "as in that run"


def page(service: runs.Service, name: str) -> Page:
    """Make the page. Raises NotFound."""
    run = service.get(name)
    definitions = service.parameters(run)
    return Page(
        title="Run again with changes",
        section=SECTION,
        about=("Everything that is not changed here is as it was: pipeline, place of the outputs, labels.",),
        trail=(
            Link(text="Runs", href=SECTION),
            Link(text=names.short(name), href=links.href(SECTION, name)),
        ),
        parts=_parts(run, [field(key, found, run.parameters) for key, found in definitions.items()]),
    )


def _parts(run: runs.Run, fields: list[Field]) -> tuple[Part, ...]:
    parent, _, job = run.name.rpartition("/pipelineJobs/")
    action = Action(label="Start the run", path=f"/trainshed/v1/{parent}/runs/{job}:clone", then=f"{SECTION}/{{name}}")
    return (Form(id="clone", fields=(*fields, *conduct(_UNCHANGED)), action=action),)
