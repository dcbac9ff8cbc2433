"""One run's task at the terminal of this process: which attempts are meant, and that the cache is not asked for them."""

from collections.abc import Callable
from dataclasses import dataclass

from trainshed.runners.contract import Launch
from trainshed.runs import Chosen


@dataclass(kw_only=True)
class Debugging:
    """What `pipelines run --debug-task` wants of the server in its own process."""

    attached: Callable[[bool], None]  # the terminal is given away, or is there again
    job: str = ""  # identifier of the run
    chosen: Chosen | None = None  # None: nothing yet

    def is_chosen(self, launch: Launch) -> bool:
        """Whether an attempt goes to the terminal."""
        is_run = any(part.rpartition("-")[0] == self.job for part in launch.folder.parts)
        return self.chosen is not None and is_run and launch.task in self.chosen

    def must_run(self, run: str, path: str) -> bool:
        """Whether a task is to run although its outputs exist."""
        return self.chosen is not None and path in self.chosen and run.rsplit("/", 1)[-1] == self.job
