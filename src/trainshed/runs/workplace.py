"""Where each task of a plan works.

- A Python environment: the one that its image is bound to, or one by its requirements where any Python will do.
- A container of its image: where the image is not bound, and there is a container engine.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from trainshed import ir
from trainshed.environments import Binding, Environment, images
from trainshed.errors import FailedPrecondition, Finding, InvalidArgument
from trainshed.runs import image_modules
from trainshed.runs.unbound import findings as missing_images

_KFP = "kfp"
_PLACEHOLDER = "{{$"
_PYTHON = "python"  # images of this name hold an interpreter and nothing else
_PLAIN_KFP = "kfp --no-deps"  # a Python component that installs no kfp of its own still runs through kfp's executor


class Environments(Protocol):
    """What is needed of `environments.Environments`."""

    def key(self, lines: Sequence[str], *, python: str = "", base: str = "") -> str:
        """Answer the digest of what is asked for."""
        ...

    def ensure(
        self, lines: Sequence[str], *, python: str = "", base: str = "", log: Callable[[str], None] | None = None
    ) -> Environment:
        """Answer the environment, built when missing."""
        ...

    def get(self, digest: str) -> Environment | None:
        """Find a complete environment."""
        ...

    def resolve(self, image: str) -> Binding | None:
        """Answer the binding that stands for an image."""
        ...


class Images(Protocol):
    """What is needed of a container engine."""

    def is_there(self) -> bool:
        """Whether containers can be run here."""
        ...

    def identify(self, image: str) -> str:
        """Answer the digest of an image of this machine; "" where it is not here yet."""
        ...

    def refusal(self, image: str) -> str:
        """Say why an image that is not here cannot be had, with the way out; "" when it can, or is on its way."""
        ...

    def obtain(self, image: str, log: Callable[[str], None]) -> str:
        """Answer the digest of an image, which is on this machine then. Raises FailedPrecondition with the way out."""
        ...


class NoImages:
    """Stands for a machine without a container engine."""

    def is_there(self) -> bool:
        """Answer that there is none."""
        return False

    def identify(self, image: str) -> str:  # noqa: ARG002
        """Know no image."""
        return ""

    def refusal(self, image: str) -> str:
        """Have no image."""
        return f"image {image!r} needs a container engine, and none works here"

    def obtain(self, image: str, log: Callable[[str], None]) -> str:  # noqa: ARG002
        """Get no image. Raises FailedPrecondition."""
        raise FailedPrecondition(f"image {image!r} needs a container engine, and none works here")


@dataclass(frozen=True, kw_only=True)
class Workplace:
    """How and where a task runs."""

    work: ir.Python | ir.Shell
    environment: str  # digest; of a container the image's, "" as long as nobody has asked for the image
    image: str = ""  # of which it is a container; "": it works in the environment
    requirements: tuple[str, ...] = ()
    base: str = ""  # digest of the environment below the requirements; an environment of its own when there are none
    variables: Mapping[str, str] = field(default_factory=dict)

    @property
    def identity(self) -> str:
        """What it is to a cache key: the environment, and the files and variables that a bound image adds."""
        return ir.digest([self.environment, dict(self.variables)]) if self.variables else self.environment


class Workplaces:
    """Finds workplaces. Keys of environments are computed once."""

    def __init__(self, environments: Environments, images: Images | None = None) -> None:
        self.environments = environments
        self.images = images or NoImages()
        self._keys: dict[tuple[tuple[str, ...], str], str] = {}
        self._digests: dict[str, str] = {}  # of images, as they were when a run was asked for last

    def of_plan(self, plan: ir.Plan, *, is_new: bool = False) -> dict[str, Workplace]:
        """Answer every component's workplace; for a new run, images are looked at as they are now.

        Raises InvalidArgument with every image that stands for nothing here.
        """
        bindings: dict[str, Binding | None] = {}
        places: dict[str, Workplace] = {}
        unbound: dict[str, ir.Task] = {}
        lost: list[Finding] = []
        refusals: dict[str, str] = {}
        for path, task in plan.leaves():
            if not task.needs_worker or task.component in places:
                continue
            if task.image not in bindings:
                bindings[task.image] = self.environments.resolve(task.image) if task.image else None
            binding = bindings[task.image]
            if binding is None and self._is_container(task):
                places[task.component] = self._in_container(task, is_new=is_new)
                if task.image not in refusals:
                    refusals[task.image] = self._refusal(places[task.component]) if is_new else ""
                if why := refusals[task.image]:
                    lost.append(Finding(severity="error", path=f"tasks.{path}", message=f"task {path!r}: {why}"))
                continue
            work = image_modules.located(ir.recognise(task.executor["container"]), binding)
            if binding is None and not self._is_any_python(task, work):
                unbound[path] = task
                continue
            if image_modules.is_lost(work):
                lost.append(image_modules.missing(path, task, work))
                continue
            places[task.component] = self._place(work, binding)
        if unbound or lost:
            raise InvalidArgument.findings([*missing_images(unbound, plan), *lost], reason="IMAGE_UNBOUND")
        return places

    def look_at(self, plan: ir.Plan) -> None:
        """Ask the container engine, which may take long, for what `of_plan` will want to know of it."""
        for _, task in plan.leaves():
            is_open = task.needs_worker and bool(task.image) and self.environments.resolve(task.image) is None
            if is_open and self._is_container(task):
                self._in_container(task, is_new=False)

    def _place(self, work: ir.Python | ir.Shell, binding: Binding | None) -> Workplace:
        lines = () if isinstance(work, ir.Python) else work.requirements
        if isinstance(work, ir.Python):
            has_kfp = any(_name(line) == _KFP for line in work.requirements) or self._has_kfp(binding)
            lines = work.requirements if has_kfp else (_PLAIN_KFP, *work.requirements)
        base = binding.environment if binding else ""
        return Workplace(
            work=work,
            environment=self._key(lines, base),
            requirements=lines,
            base=base,
            variables=_variables(binding) if binding else {},
        )

    def _is_container(self, task: ir.Task) -> bool:
        """Whether a task whose image is not bound runs in a container: not when any Python will do."""
        work = ir.recognise(task.executor["container"])
        is_any = images.parse(task.image).name in {"", _PYTHON} or _PLACEHOLDER in task.image
        return bool(task.image) and not (is_any and self._is_any_python(task, work)) and self.images.is_there()

    def _is_any_python(self, task: ir.Task, work: ir.Python | ir.Shell) -> bool:
        """Whether a task brings everything along but the interpreter."""
        if isinstance(work, ir.Shell):
            return bool(work.requirements) and images.parse(task.image).name == _PYTHON
        return bool(work.source)

    def _in_container(self, task: ir.Task, *, is_new: bool) -> Workplace:
        image, container = task.image, task.executor["container"]
        if is_new or image not in self._digests:
            self._digests[image] = "" if _PLACEHOLDER in image else self.images.identify(image)
        return Workplace(work=ir.recognise(container), environment=self._digests[image], image=image)

    def _refusal(self, place: Workplace) -> str:
        """Say why the image of a container cannot be had; one that an input names is not known yet."""
        is_known = bool(place.environment) or _PLACEHOLDER in place.image
        return "" if is_known else self.images.refusal(place.image)

    def _has_kfp(self, binding: Binding | None) -> bool:
        environment = self.environments.get(binding.environment) if binding else None
        return environment is not None and _KFP in environment.installed

    def _key(self, lines: tuple[str, ...], base: str) -> str:
        if not lines:
            return base
        if (lines, base) not in self._keys:
            self._keys[lines, base] = self.environments.key(lines, base=base)
        return self._keys[lines, base]


def _variables(binding: Binding) -> dict[str, str]:
    found = dict(binding.variables)
    if binding.snapshot:
        inside = binding.snapshot + ("/" + binding.workdir.strip("/") if binding.workdir.strip("/") else "")
        before = found.get("PYTHONPATH", "")
        found["PYTHONPATH"] = f"{inside}:{binding.snapshot}" + (f":{before}" if before else "")
    return found


def _name(requirement: str) -> str:
    for index, char in enumerate(requirement):
        if not (char.isalnum() or char in "-_."):
            return requirement[:index].lower()
    return requirement.lower()


def build(environments: Environments, place: Workplace, log: Callable[[str], None]) -> Any:
    """Make the environment be there. Blocks; raises what building raises."""
    if place.requirements:
        return environments.ensure(place.requirements, base=place.base, log=log)
    return None
