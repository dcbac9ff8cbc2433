"""Which commit the code of a run is of, as near as anybody can tell; where nobody can, why not."""

from collections.abc import Callable, Iterable, Sequence

from trainshed import builds, lineage
from trainshed.builds import Build
from trainshed.environments import Binding
from trainshed.errors import TrainshedError
from trainshed.explain.model import Code, Commit, Source
from trainshed.ledger import Receipt

_NOTHING = Code(commit=None, brief="no image", says="no task of it ran in an image")
_BY_BUILD = "build "  # begins what a binding says of who made it
Resolve = Callable[[str], Binding | None]  # image → what stands for it


class Codes:
    """Finds the code of runs: by the event, else by the files that were read, else by the image that tasks ran in."""

    def __init__(
        self,
        of_builds: builds.Service,
        resolve: Resolve,
        *,
        of_chain: Callable[[Sequence[Receipt]], Commit | None],
        of_build: Callable[[Build], Commit | None],
    ) -> None:
        self._builds = of_builds
        self._resolve = resolve
        self._of_chain = of_chain
        self._of_build = of_build

    def read(
        self,
        chain: Sequence[Receipt],
        sources: Sequence[Source],
        executions: Callable[[], Iterable[lineage.Execution]],
    ) -> Code:
        """Answer the code of a run; executions are asked for only where nothing closer is known."""
        found = self._of_chain(chain) or _of_files(sources)
        if found is not None:
            return Code(commit=found)
        images: dict[str, lineage.Execution] = {}
        for execution in executions():
            if image := str((execution.code or {}).get("image", "")):
                images.setdefault(image, execution)
        known = [self._of_image(image, execution) for image, execution in images.items()]
        return next((code for code in known if code.commit is not None), known[0] if known else _NOTHING)

    def _of_image(self, image: str, execution: lineage.Execution) -> Code:
        binding = self._resolve(image)
        nobody = _nobody(image, binding, execution)
        if binding is None or nobody is not None:
            return nobody or _NOTHING
        number = binding.source.removeprefix(_BY_BUILD)
        who = f"build {number[:8]}, which made its image {image}"
        try:
            made = self._builds.get(number)
        except TrainshedError:
            return Code(commit=None, brief="build gone", says=f"{who}, is gone")
        if (commit := self._of_build(made)) is not None:
            return Code(commit=commit, build=made.name, says=f"by {who}")
        if (step := _cloning(made)) is not None:
            says = f"step {step} of build {number[:8]} cloned the code of its image {image}; of which commit is not recorded"
            return Code(commit=None, build=made.name, brief="cloned by a step", says=says)
        return Code(commit=None, build=made.name, brief="of no commit", says=f"{who}, was of no commit")


def _nobody(image: str, binding: Binding | None, execution: lineage.Execution) -> Code | None:
    """Say why no build can be named that made an image as it was; None where one can."""
    if binding is None:
        return Code(commit=None, brief="no build", says=f"its tasks ran in image {image}, which no build made here")
    if not binding.source.startswith(_BY_BUILD):
        return Code(commit=None, brief="bound by hand", says=f"its image {image} was bound to an environment by hand")
    if binding.update_time > execution.create_time:
        return Code(commit=None, brief="image made anew", says=f"its image {image} was made anew since")
    return None


def _of_files(sources: Sequence[Source]) -> Commit | None:
    """Answer the commit that the newest file of code was built from."""
    code = [s for s in sources if s.commit is not None and s.uri.endswith(".py")]
    newest = max(code, key=lambda s: s.generation, default=None)
    return newest.commit if newest else None


def _cloning(build: Build) -> str | None:
    """Name the first step that clones a repository."""
    for number, step in enumerate(build.resolved.get("steps", ())):
        said = " ".join([str(step.get("name", "")), *map(str, step.get("args", ())), str(step.get("script", ""))])
        if "git" in said and "clone" in said.split():
            return f'"{step["id"]}"' if step.get("id") else str(number)
    return None
