"""Builds: the list, and one build with its steps and log."""

from trainshed import builds
from trainshed.clock import Clock
from trainshed.dashboard import links
from trainshed.dashboard.page import Badge, Facts, Link, Page, Table, Text
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
        steps = [
            (
                str(s.number), s.id, s.name, Badge(state=s.state),
                duration(seconds_between(s.start_time, s.end_time, now)), s.exit_code,
            )
            for s in build.steps
        ]  # fmt: skip
        return Page(
            title=f"Build {build.build_id.partition('-')[0]}",
            section=SECTION,
            live=not build.is_final,
            parts=(
                Facts(
                    pairs=(
                        ("Status", Badge(state=build.state, note=build.status_detail)),
                        ("Build", build.build_id),
                        ("Trigger", links.link(build.trigger)),
                        ("Started", time(build.start_time)),
                        ("Duration", duration(seconds_between(build.start_time, build.end_time, now))),
                        ("Log", build.log_uri),
                    )
                ),
                Table(
                    heading=f"{len(steps)} steps",
                    columns=("#", "Step", "Builder", "Status", "Duration", "Exit code"),
                    rows=steps,
                    nothing="This build has no steps.",
                ),
                Facts(heading="Substitutions", pairs=sorted(build.substitutions.items())),
                Text(heading="Log", text=tail(self._service.workspace(build.build_id).log)),
            ),
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
