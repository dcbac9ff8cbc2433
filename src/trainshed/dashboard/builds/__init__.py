"""Builds: the list, and one build with its steps and log."""

from trainshed import builds
from trainshed.clock import Clock
from trainshed.dashboard import links, logs
from trainshed.dashboard.asked import Asked
from trainshed.dashboard.cells import Badge, Cell, Code, Link, span, time
from trainshed.dashboard.page import Empty, Facts, Page, Table
from trainshed.dashboard.serve import Address
from trainshed.sql.lifecycle import changes

SECTION = "/builds"


class Builds:
    """Pages over the builds feature."""

    def __init__(self, service: builds.Service, triggers: builds.Triggers, clock: Clock) -> None:
        self._service = service
        self._triggers = triggers
        self._clock = clock

    def addresses(self) -> list[Address]:
        """Answer the pages of this section."""
        return [
            Address(path=SECTION, make=self.listing),
            Address(path=SECTION + "/{name:path}", make=self.detail),
        ]

    def log_addresses(self) -> list[logs.Address]:
        """Answer where the logs of builds are asked for."""
        return [logs.Address(path=SECTION + "/{name}/log", find=self._log)]

    def listing(self, asked: Asked) -> Page:  # noqa: ARG002  (no filter yet)
        """All builds and build triggers."""
        found, _ = self._service.list(limit=100)
        triggers = self._triggers.list()
        return Page(
            title="Builds",
            section=SECTION,
            parts=(
                Table(
                    id="part-1",
                    columns=("Build", "Status", "Trigger", "Created", "Duration", "Images"),
                    rows=[self._row(b) for b in found],
                    nothing=Empty(text="No build yet: trainshed builds submit --config cloudbuild.yaml starts one."),
                ),
                Table(
                    id="triggers",
                    heading="Triggers",
                    columns=("Trigger", "Disabled", "Problem"),
                    rows=[(t.name, "yes" if t.is_disabled else "no", t.error) for t in triggers],
                    nothing=Empty(text="No trigger: trainshed builds triggers create watches a repository."),
                ),
            ),
        )

    def detail(self, asked: Asked) -> Page:
        """One build. Raises NotFound."""
        build_id = asked.name
        build = self._service.get(build_id)
        labels = _labels(build)
        rows = [
            (
                s.number,
                labels[s.number],
                s.name,
                Code(text=_command(build, s.number)),
                Badge(state=s.state),
                span(s.start_time, s.end_time),
                s.exit_code,
            )
            for s in build.steps
        ]
        columns = ("#", "Step", "Name", "Command", "Status", "Duration", "Exit code")
        return Page(
            title=f"Build {build.build_id.partition('-')[0]}",
            section=SECTION,
            state=Badge(state=build.state, note=build.status_detail),
            parts=(
                Table(id="steps", columns=columns, rows=rows, nothing=Empty(text="No step.")),
                *_details(build),
                logs.Log(
                    id="log", heading="Build log", address=links.href(SECTION, build_id) + "/log", label="Build log"
                ),
            ),
        )

    def _log(self, asked: Asked) -> logs.Source:
        build = self._service.get(asked.name)
        return logs.Source(
            paths=(self._service.workspace(build.build_id).log,),
            is_over=lambda: self._service.get(build.build_id).is_final,
            follows=(changes("build", build.build_id),),
            name=f"build-{build.build_id}.txt",
        )

    def _row(self, build: builds.Build) -> tuple[Cell, ...]:
        return (
            Link(text=build.build_id.partition("-")[0], href=links.href(SECTION, build.build_id)),
            Badge(state=build.state),
            build.trigger.rsplit("/", 1)[-1],
            time(build.create_time),
            span(build.start_time, build.end_time),
            ", ".join(build.resolved.get("images", ())),
        )


def _labels(build: builds.Build) -> dict[int, str]:
    return {s.number: f'Step #{s.number} - "{s.id}"' if s.id else f"Step #{s.number}" for s in build.steps}


def _command(build: builds.Build, number: int) -> str:
    step = build.resolved.get("steps", ())[number]
    if step.get("script"):
        return str(step["script"]).strip().partition("\n")[0]
    return " ".join([step.get("entrypoint", ""), *map(str, step.get("args", ()))]).strip()


def _details(build: builds.Build) -> tuple[Facts, ...]:
    images = [(i.get("name", ""), i.get("digest", "")) for i in build.results.get("images", ())]
    phases = [
        (name, f"{span.get('startTime', '')} to {span.get('endTime', '')}") for name, span in build.timing.items()
    ]
    about = (
        ("Build", build.build_id),
        ("Trigger", links.link(build.trigger)),
        ("Created", time(build.create_time)),
        ("Ended", time(build.end_time)),
        ("Machine type", str(build.resolved.get("options", {}).get("machineType", ""))),
        ("Log object", build.log_uri),
        ("Warnings", "; ".join(build.warnings)),
    )
    return (
        Facts(id="part-3", pairs=about),
        Facts(id="phases", heading="Phases", pairs=phases),
        Facts(id="images", heading="Images", pairs=images),
        Facts(id="substitutions", heading="Substitutions", pairs=sorted(build.substitutions.items())),
    )
