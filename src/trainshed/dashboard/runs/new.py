"""The form that starts a run of a compiled pipeline, which may never have run before."""

from collections.abc import Sequence

from trainshed import runs
from trainshed.dashboard import links
from trainshed.dashboard.asked import Asked
from trainshed.dashboard.cells import Cell, Link
from trainshed.dashboard.page import Action, Field, Filter, Filters, Notice, Page, Part
from trainshed.dashboard.runs import foreseen
from trainshed.dashboard.runs.given import conduct, field
from trainshed.dashboard.runs.listing import NEW, SECTION
from trainshed.dashboard.runs.typed import Typed
from trainshed.errors import InvalidArgument

WORDS = ("template", *foreseen.WORDS)
_PIPELINE_SAYS = "as the pipeline says"


def page(service: runs.Service, asked: Asked, parent: str) -> Page:
    """Ask which compiled pipeline (`?template=gs://…`), then with what. Raises NotFound, InvalidArgument."""
    uri = asked.word("template").strip()
    if uri and not uri.startswith("gs://"):
        raise InvalidArgument.field("template", f"{uri!r} is no address of a bucket, as gs://BUCKET/PIPELINE.json")
    template = service.read_template(uri) if uri else None
    which = Filter(name="template", label="Compiled pipeline, as gs://BUCKET/PIPELINE.json", value=uri)
    return Page(
        title="Start a run" if template is None else f"Start a run of {template.plan.name}",
        section=SECTION,
        about=_about(uri),
        trail=(Link(text="Runs", href=SECTION),),
        parts=(
            Filters(id="which", action=NEW, filters=(which,), button="Read it"),
            *(_form(service, asked, template, uri, parent) if template is not None else _ways()),
        ),
    )


def _about(uri: str) -> Sequence[Cell]:
    return (links.uri(uri), "It is run as it is now.") if uri else ()


def _form(service: runs.Service, asked: Asked, template: runs.Template, uri: str, parent: str) -> Sequence[Part]:
    fields = [field(key, found, template.parameters) for key, found in template.plan.parameters.items()]
    root = Field(
        name="root",
        label="Place of the outputs",
        help="gs://BUCKET/FOLDER; left empty, the one that the pipeline says, or a bucket of this server.",
    )
    path = f"/trainshed/v1/{parent}/runs"
    action = Action(label="Start the run", path=path, body={"uri": uri}, then=f"{SECTION}/{{name}}")

    def request(typed: Typed) -> runs.NewRun:
        said = typed.values
        return runs.from_template(
            template,
            parent,
            parameters=typed.parameters,
            job_id=said.get("jobId", ""),
            root=said.get("root", ""),
            caching=said.get("caching"),
            uri=uri,
        )

    every = (*fields, root, *conduct(_PIPELINE_SAYS))
    return foreseen.parts(service, asked, every, action, request, form="new")


def _ways() -> Sequence[Part]:
    text = (
        "A compiled pipeline is what `kfp.compiler` or TFX writes. Upload it to a bucket, on the bucket's page or by "
        "`gsutil cp`; or start it from a file with `trainshed pipelines run PIPELINE.json`."
    )
    return (Notice(id="ways", text=text, next=Link(text="Buckets", href="/buckets")),)
