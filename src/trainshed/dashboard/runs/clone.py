"""The form that starts a run again with other parameters: one field for each that the pipeline takes."""

from trainshed import names, runs
from trainshed.dashboard import links
from trainshed.dashboard.asked import Asked
from trainshed.dashboard.cells import Link
from trainshed.dashboard.page import Action, Field, Page, Part
from trainshed.dashboard.runs import foreseen
from trainshed.dashboard.runs.given import conduct, field
from trainshed.dashboard.runs.listing import SECTION
from trainshed.dashboard.runs.typed import Typed

WORDS = foreseen.WORDS
_UNCHANGED = "as in that run"


def page(service: runs.Service, asked: Asked) -> Page:
    """Make the page. Raises NotFound."""
    name = asked.name
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
        parts=_parts(service, asked, run, [field(key, found, run.parameters) for key, found in definitions.items()]),
    )


def _parts(service: runs.Service, asked: Asked, run: runs.Run, fields: list[Field]) -> tuple[Part, ...]:
    parent, _, job = run.name.rpartition("/pipelineJobs/")
    action = Action(label="Start the run", path=f"/trainshed/v1/{parent}/runs/{job}:clone", then=f"{SECTION}/{{name}}")

    def request(typed: Typed) -> runs.NewRun:
        said = typed.values
        return service.again(run.name, typed.parameters, job_id=said.get("jobId", ""), caching=said.get("caching"))

    return foreseen.parts(service, asked, (*fields, *conduct(_UNCHANGED)), action, request, form="clone")
