"""Artifacts of lineage: the list, and one with whoever made it and whoever used it."""

import json
from collections.abc import Sequence
from functools import partial
from typing import Any

from trainshed import lineage
from trainshed.dashboard import links
from trainshed.dashboard.artifacts import standing
from trainshed.dashboard.asked import Asked
from trainshed.dashboard.cells import Badge, Cell, Code, Link, called, schema, time
from trainshed.dashboard.page import Empty, Facts, Filter, Filters, Page, Part, Table
from trainshed.dashboard.serve import Address
from trainshed.errors import InvalidArgument
from trainshed.lineage import Artifact, Execution

SECTION = "/artifacts"
_PAGE = 50
_TYPES = 200
_USES = 50
_LONGEST = 2_000  # of a value of metadata


class Artifacts:
    """Pages over lineage's artifacts."""

    def __init__(self, service: lineage.Service) -> None:
        self._service = service

    def addresses(self) -> list[Address]:
        """Answer the pages of this section."""
        return [
            Address(path=SECTION, make=self.listing, words=("type", "name", "uri", "before")),
            Address(path=SECTION + "/{name}", make=self.one, words=()),
        ]

    def listing(self, asked: Asked) -> Page:
        """Artifacts, newest first, by type, name or address. Raises InvalidArgument."""
        titles = self._service.titles(_TYPES)
        title, name, uri = _meant(asked.word("type"), titles), asked.word("name"), asked.word("uri")
        before = asked.number("before", 0, most=10**18) or None
        found = self._service.browse(title=title, name=name, uri=uri, before=before, limit=_PAGE + 1)
        shown = found[:_PAGE]
        types = [("", "every type"), *((word, word) for word in map(partial(_word, titles=titles), titles))]
        nothing = Empty(
            text=f"No artifact is recorded {'with that' if title or name or uri else 'yet'}. What tasks read and make is recorded while a run goes on.",
            command="" if title or name or uri else "trainshed pipelines run SPEC",
        )
        return Page(
            title="Artifacts",
            section=SECTION,
            parts=(
                Filters(
                    id="filters",
                    filters=(
                        Filter(name="type", label="Type", value=_word(title, titles), choices=types),
                        Filter(name="name", label="Name", value=name),
                        Filter(name="uri", label="URI", value=uri),
                    ),
                    action=SECTION,
                ),
                Table(
                    id="artifacts",
                    columns=("Artifact", "Type", "URI", "State", "Created"),
                    rows=[_row(artifact) for artifact in shown],
                    nothing=nothing,
                    more=asked.href(before=str(shown[-1].artifact_id)) if len(found) > _PAGE else "",
                ),
            ),
            follows=(lineage.CHANGED,),
        )

    def one(self, asked: Asked) -> Page:
        """One artifact. Raises NotFound."""
        found = self._service.uses(asked.name, _USES + 1)
        artifact = found.artifact
        public = lineage.public_id(artifact)
        return Page(
            title=artifact.name or public,
            section=SECTION,
            state=standing.of_artifact(artifact.last_known_state),
            about=(schema(artifact.schema_title) or "no type", links.uri(artifact.uri, has_files=artifact.has_files)),
            trail=(Link(text="Artifacts", href=SECTION),),
            parts=(
                Facts(id="about", pairs=_about(artifact, public)),
                Facts(id="metadata", heading="Metadata", pairs=_metadata(artifact), nothing="Nothing is said of it."),
                _doings("made", "Made by", found.makers, "Nobody here: it was there before, or was recorded by hand."),
                _doings("used", "Used by", found.users, "Nothing has read it yet."),
                *_twins(found.same),
            ),
            follows=(lineage.CHANGED,),
        )


def _word(title: str, titles: Sequence[str]) -> str:
    """Answer the word of the query that means a type: what it is called, where no other is called so."""
    return called(title) if [called(each) for each in titles].count(called(title)) == 1 else title


def _meant(word: str, titles: Sequence[str]) -> str:
    """Answer the type that a word of the query means, by either of its names. Raises InvalidArgument."""
    found = [title for title in titles if called(title) == word]
    if word in titles or not found:
        return word
    if len(found) > 1:
        raise InvalidArgument.field("type", f"{word!r} may be {' or '.join(found)}; give it in full")
    return found[0]


def doing(execution: Execution) -> Cell:
    """Link an execution to its task in its run."""
    name = lineage.shown_name(execution)
    if not execution.run:
        return Link(text=name, href=links.lineage(f"executions/{lineage.public_id(execution)}"))
    run = links.href("/runs", execution.run)
    return Link(text=name, href=f"{run}?task={execution.task}" if execution.task else run)


def run_of(execution: Execution) -> Cell:
    """Link the run that an execution is part of."""
    return links.link(execution.run) if execution.run else "by hand"


def _row(artifact: Artifact) -> tuple[Cell, ...]:
    public = lineage.public_id(artifact)
    return (
        Link(text=artifact.name or public, href=links.href(SECTION, public)),
        schema(artifact.schema_title),
        links.uri(artifact.uri, has_files=artifact.has_files),
        standing.of_artifact(artifact.last_known_state),
        time(artifact.create_time),
    )


def _about(artifact: Artifact, public: str) -> list[tuple[str, Cell]]:
    return [
        ("Identifier", Code(text=public, may_copy=True)),
        ("URI", Code(text=artifact.uri, may_copy=True) if artifact.uri else None),
        ("Digest of its content", _content(artifact)),
        ("Created", time(artifact.create_time)),
        ("Updated", time(artifact.update_time)),
        ("Lineage", Link(text="Where from, and what came of it", href=links.lineage(f"artifacts/{public}"))),
        ("Why", links.why(f"artifacts/{public}", "Why it is as it is")),
    ]


def _content(artifact: Artifact) -> Cell:
    if not artifact.has_files:
        return "no file: everything it says is here"
    return Code(text=artifact.digest[:16]) if artifact.digest else "not held here"


def _metadata(artifact: Artifact) -> list[tuple[str, Cell]]:
    said = {**artifact.metadata, **artifact.notes}
    return [(str(key), _value(value)) for key, value in said.items()]


def _value(value: Any) -> Cell:
    if isinstance(value, str) and value.startswith("gs://"):
        return links.uri(value)
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _doings(id: str, heading: str, found: Sequence[tuple[Execution, str]], nothing: str) -> Part:  # noqa: A002  (a part's)
    rows = [
        (
            doing(execution),
            path,
            run_of(execution),
            Badge(state=execution.last_known_state),
            time(execution.create_time),
        )
        for execution, path in found[:_USES]
    ]
    return Table(
        id=id,
        heading=heading if len(found) <= _USES else f"{heading}: the newest {_USES}",
        columns=("Task", "As", "Run", "State", "Created"),
        rows=rows,
        nothing=Empty(text=nothing),
    )


def _twins(found: Sequence[Artifact]) -> list[Part]:
    if not found:
        return []
    heading = "Same content" if len(found) <= _USES else f"Same content: the newest {_USES}"
    columns = ("Artifact", "Type", "URI", "State", "Created")
    rows = [_row(artifact) for artifact in found[:_USES]]
    return [Table(id="twins", heading=heading, columns=columns, rows=rows, nothing=Empty(text=""))]
