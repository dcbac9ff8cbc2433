"""The list of buckets."""

from trainshed import buckets
from trainshed.blobs import CHANGED
from trainshed.dashboard import links
from trainshed.dashboard.asked import Asked
from trainshed.dashboard.buckets import words
from trainshed.dashboard.cells import Link, time
from trainshed.dashboard.page import Action, Empty, Field, Filter, Filters, Form, Page, Table

WORDS = ("prefix", "after")
_PAGE = 100
_MOST = 1000  # objects of each bucket that are counted


def page(service: buckets.Service, project: str, asked: Asked) -> Page:
    """Show all buckets, by name. Raises InvalidArgument."""
    prefix = asked.word("prefix")
    found = service.list_buckets(prefix=prefix, after=asked.word("after"), limit=_PAGE + 1)
    shown = found[:_PAGE]
    counts = service.counts([bucket.name for bucket in shown], most=_MOST)
    rows = [
        (
            Link(text=bucket.name, href=links.href(words.SECTION, bucket.name)),
            words.so_many(count, _MOST),
            words.old(bucket),
            str(bucket.properties.get("location", "")),
            time(bucket.create_time),
        )
        for bucket, count in zip(shown, counts, strict=True)
    ]
    nothing = Empty(
        text="No bucket yet. A bucket is a folder of objects.", command="trainshed storage buckets create gs://NAME"
    )
    return Page(
        title="Buckets",
        section=words.SECTION,
        parts=(
            Filters(
                id="filters",
                filters=(Filter(name="prefix", label="Name begins with", value=prefix),),
                action=words.SECTION,
            ),
            Table(
                id="buckets",
                columns=("Bucket", "Objects", "Replaced and deleted objects", "Location", "Created"),
                rows=rows,
                nothing=nothing,
                more=asked.href(after=shown[-1].name) if len(found) > _PAGE else "",
                more_text="More buckets",
            ),
            _creation(project),
        ),
        follows=(CHANGED,),
    )


def _creation(project: str) -> Form:
    return Form(
        id="create",
        heading="Create a bucket",
        fields=(Field(name="name", label="Name", is_required=True, help="Lower-case letters, digits and hyphens."),),
        action=Action(label="Create", path=f"/storage/v1/b?project={project}", then=f"{words.SECTION}/{{name}}"),
        is_folded=True,
    )
