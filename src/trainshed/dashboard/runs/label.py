"""What people write on a run to find it again: one label a line."""

from trainshed import runs
from trainshed.dashboard.page import Action, Field, Form
from trainshed.dashboard.runs.listing import own_name


def form(run: runs.Run) -> Form:
    """Make the form that writes the labels of a run anew."""
    field = Field(
        name="labels",
        label="One a line, as team=birds or note=the smaller rate",
        value="\n".join(f"{key}={value}" for key, value in run.labels.items()),
        type="lines",
        sends_empty=True,
        help="They find the run again in the list of runs, and change nothing else.",
    )
    action = Action(label="Save labels", path=f"/trainshed/v1/{own_name(run)}", method="PATCH")
    return Form(id="labels", heading="Labels", fields=(field,), action=action)
