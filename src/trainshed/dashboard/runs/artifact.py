"""An artifact of a run's graph: what it is, where it lies, what is known of it, and where it leads."""

from collections.abc import Sequence
from typing import Any

from trainshed import lineage, runs
from trainshed.dashboard import links
from trainshed.dashboard.asked import Asked
from trainshed.dashboard.cells import Cell, Code, Link, schema, time
from trainshed.dashboard.page import Empty, Facts, Part, Table
from trainshed.dashboard.runs.folding import Item
from trainshed.dashboard.runs.picture import address

_MOST = 25
_LONG = 300


def artifact_parts(service: runs.Service, found: runs.Marks, item: Item, path: str, asked: Asked) -> Sequence[Part]:
    """Make the parts beside the graph: one artifact, or which ones there are where its task ran several times."""
    maker, _, key = path.rpartition("/")
    made = service.artifacts_of_tasks(
        [m.id for m in found.tasks if m.name == maker or runs.static(m.name) == maker][:_MOST], key
    )
    if not made:
        words = "it was not made" if runs.RUN.is_final(found.run.state) else "it is not there yet"
        pairs: list[tuple[str, Cell]] = [("Type", schema(item.type)), ("State", words)]
        return (Facts(id="node", heading=item.label, pairs=pairs, beyond=closing(asked), beside=True),)
    if len(made) > 1:
        rows: list[tuple[Cell, ...]] = [
            (Link(text=a.uri.rpartition("/")[2] or a.name, href=page(a)), time(a.create_time)) for a in made
        ]
        pairs = [("Type", schema(item.type))]
        about = Facts(id="node", heading=item.label, pairs=pairs, beyond=closing(asked), beside=True)
        table = Table(
            id="node-artifacts",
            heading="Artifacts",
            columns=("Artifact", "Created"),
            rows=rows,
            nothing=Empty(text=""),
            beside=True,
        )
        return (about, table)
    return _one(item, made[0], asked)


def page(artifact: lineage.Artifact) -> str:
    """Answer where an artifact has its page: what it was made of and what was made of it."""
    return links.lineage(f"artifacts/{lineage.public_id(artifact)}")


def _one(item: Item, artifact: lineage.Artifact, asked: Asked) -> Sequence[Part]:
    pairs: list[tuple[str, Cell]] = [
        ("Type", schema(artifact.schema_title or item.type)),
        ("URI", links.uri(artifact.uri, has_files=artifact.has_files)),
        ("Created", time(artifact.create_time)),
        ("Content", _content(artifact)),
        ("Where from", Link(text="Lineage", href=page(artifact))),
    ]
    found: list[Part] = [Facts(id="node", heading=item.label, pairs=pairs, beyond=closing(asked), beside=True)]
    if artifact.metadata:
        metadata = [(key, _written(value)) for key, value in artifact.metadata.items()]
        found.append(Facts(id="node-metadata", heading="Metadata", pairs=metadata, beside=True))
    return found


def closing(asked: Asked) -> Link:
    """Lead back to the graph alone."""
    return Link(text="Close", href=address(asked, None))


def _content(artifact: lineage.Artifact) -> Cell:
    if not artifact.has_files:
        return "no file: everything it says is here"
    return Code(text=artifact.digest) if artifact.digest else "is not held here"


def _written(value: Any) -> Cell:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else Code(text=str(value)[:_LONG])
