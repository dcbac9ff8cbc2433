"""One runner in front of two: containers go to the container engine, everything else to warm workers."""

from collections.abc import Sequence

from trainshed.runners.contract import Container, Launch, ReportTo, Runner

Key = tuple[str, int]


class DispatchRunner:
    """Keeps `contract.Runner`."""

    def __init__(self, processes: Runner, containers: Runner) -> None:
        self._processes = processes
        self._containers = containers

    @property
    def _both(self) -> Sequence[Runner]:
        return (self._processes, self._containers)

    async def open(self, report: ReportTo) -> None:
        """Get ready; reports of attempts that outlived the last server follow."""
        for runner in self._both:
            await runner.open(report)

    async def start(self, launch: Launch) -> None:
        """Start an attempt where its work belongs."""
        runner = self._containers if isinstance(launch.work, Container) else self._processes
        await runner.start(launch)

    async def stop(self, task_id: str, attempt: int, *, grace_seconds: float) -> None:
        """Ask an attempt to end, then end its whole process tree; who does not know it ignores that."""
        for runner in self._both:
            await runner.stop(task_id, attempt, grace_seconds=grace_seconds)

    async def attempts(self) -> set[Key]:
        """Answer the attempts under way, or ended and not yet taken over."""
        return {key for runner in self._both for key in await runner.attempts()}

    async def close(self, *, end_attempts: bool) -> None:
        """Let go of both."""
        for runner in self._both:
            await runner.close(end_attempts=end_attempts)
