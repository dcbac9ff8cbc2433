"""What one sees of an empty store: what to type next. It gives way as soon as something has happened."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from trainshed.dashboard.page import Page, Part
from trainshed.sql import changes

_NOUNS = ("build", "run", "receipt", "function", "schedule", "run schedule")


@dataclass(frozen=True, kw_only=True)
class Start:
    """A way to begin: what for, and what to type."""

    text: str
    commands: Sequence[str]


@dataclass(frozen=True, kw_only=True)
class Starts(Part):
    """Ways to begin."""

    starts: Sequence[Start]
    kind: ClassVar[str] = "starts"


STARTS = (
    Start(text="Compile a pipeline and run it", commands=(
        "trainshed pipelines compile pipeline.py -o pipeline.json",
        "trainshed pipelines run pipeline.json --wait",
    )),
    Start(text="Run a Cloud Build config on this folder", commands=(
        "trainshed builds submit . --config cloudbuild.yaml",
    )),
    Start(text="Train every hour: a message starts a run, a schedule sends the message", commands=(
        "trainshed storage buckets create gs://pipelines",
        "trainshed storage cp pipeline.json gs://pipelines/pipeline.json",
        "trainshed pipelines triggers create on-message --topic train --spec gs://pipelines/pipeline.json",
        "trainshed scheduler jobs create pubsub hourly --schedule '0 * * * *' --topic train --message-body '{}'",
    )),
    Start(text="Let a script with Google's clients reach this server", commands=(
        "trainshed exec -- python submit.py",
    )),
    Start(text="See the whole loop on an example, in a home of its own", commands=("trainshed demo --keep",)),
)  # fmt: skip


def page() -> Page:
    """Make the page of an empty store."""
    return Page(
        title="Nothing has happened here yet",
        section="/",
        about=("Type one of these in a terminal. This page changes by itself when something happens.",),
        parts=(Starts(id="starts", starts=STARTS),),
        follows=[changes(noun) for noun in _NOUNS],
    )
