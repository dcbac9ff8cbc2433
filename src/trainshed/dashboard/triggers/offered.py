"""Fields that offer what there is to choose from; where there is too much of it one types the name."""

from collections.abc import Sequence

from trainshed import buckets, topics
from trainshed.dashboard.page import Field

_CHOSEN = 100


def topic(name: str, label: str, project: str, service: topics.Service, *, value: str = "") -> Field:
    """Make the field of a topic of `projects/P`, by its resource name."""
    found, more = service.list_topics(project, page_size=_CHOSEN)
    names = [topic.name for topic in found]
    if names and not more:
        return _choice(name, label, names, value)
    prefix = "" if value else f"{project}/topics/"
    return Field(name=name, label=label, value=value, prefix=prefix, is_required=True)


def bucket(name: str, label: str, service: buckets.Service, *, value: str = "") -> Field:
    """Make the field of a bucket, by its name."""
    names = [bucket.name for bucket in service.list_buckets(limit=_CHOSEN + 1)]
    if names and len(names) <= _CHOSEN:
        return _choice(name, label, names if value else ["", *names], value)
    return Field(name=name, label=label, value=value, is_required=True)


def _choice(name: str, label: str, names: Sequence[str], value: str) -> Field:
    """Offer names, the one that holds now among them even where it is gone."""
    offered = names if not value or value in names else [value, *names]
    return Field(name=name, label=label, value=value, choices=offered, empty_choice="choose one", is_required=True)
