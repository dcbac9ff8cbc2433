"""Builds: the list, and one build with its steps and log."""

from trainshed import builds
from trainshed.clock import Clock
from trainshed.dashboard import links
from trainshed.dashboard.page import Badge, BuildPage, Facts, Link, Page, StepRow, Table
from trainshed.dashboard.render import duration, seconds_between, tail, time

SECTION = "/builds"


class Builds:
    """Pages over the builds feature."""

    def __init__(self, service: builds.Service, triggers: builds.Triggers, clock: Clock) -> None:
        self._service = service
        self._triggers = triggers
        self._clock = clock

    def listing(self) -> Page:
        """All builds and build triggers."""
        found, _ = self._service.list(limit=100)
        triggers = self._triggers.list()
        return Page(
            title="Builds",
            section=SECTION,
            live=any(not b.is_final for b in found),
            parts=(
                Table(
                    columns=("Build", "Status", "Trigger", "Created", "Duration", "Images"),
                    rows=[self._row(b) for b in found],
                    nothing="No build yet: trainshed builds submit --config cloudbuild.yaml starts one.",
                ),
                Table(
                    heading="Triggers",
                    columns=("Trigger", "Disabled", "Problem"),
                    rows=[(t.name, "yes" if t.is_disabled else "no", t.error) for t in triggers],
                    nothing="No trigger: trainshed builds triggers create watches a repository.",
                ),
            ),
        )

    def detail(self, build_id: str) -> Page:
        """One build. Raises NotFound."""
        build = self._service.get(build_id)
        now = self._clock.now()
        labels = _labels(build)
        steps = [
            StepRow(
                number=s.number,
                label=labels[s.number],
                name=s.name,
                command=_command(build, s.number),
                state=s.state,
                duration=duration(seconds_between(s.start_time, s.end_time, now)),
                exit_code=s.exit_code,
            )
            for s in build.steps
        ]
        return BuildPage(
            title=f"Build {build.build_id.partition('-')[0]}",
            section=SECTION,
            live=not build.is_final,
            build_id=build.build_id,
            state=Badge(state=build.state, note=build.status_detail),
            start_time=time(build.start_time),
            duration=duration(seconds_between(build.start_time, build.end_time, now)),
            steps=steps,
            details=_details(build),
            log=tail(self._service.workspace(build.build_id).log),
        )

    def _row(self, build: builds.Build) -> tuple[Link | Badge | str, ...]:
        return (
            Link(text=build.build_id.partition("-")[0], href=links.href(SECTION, build.build_id)),
            Badge(state=build.state),
            build.trigger.rsplit("/", 1)[-1],
            time(build.create_time),
            duration(seconds_between(build.start_time, build.end_time, self._clock.now())),
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
        Facts(pairs=about),
        Facts(heading="Phases", pairs=phases),
        Facts(heading="Images", pairs=images),
        Facts(heading="Substitutions", pairs=sorted(build.substitutions.items())),
    )
