"""Where each task of a plan works: a Python environment by its requirements, or the one that its image is bound to."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from trainshed import ir
from trainshed.environments import Binding, Environment
from trainshed.errors import Finding, InvalidArgument
from trainshed.runs import image_modules
from trainshed.runs.unbound import findings as missing_images

_KFP = "kfp"
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


@dataclass(frozen=True, kw_only=True)
class Workplace:
    """How and where a task runs."""

    work: ir.Python | ir.Shell
    environment: str  # digest
    requirements: tuple[str, ...] = ()
    base: str = ""  # digest of the environment below the requirements; an environment of its own when there are none
    variables: Mapping[str, str] = field(default_factory=dict)


class Workplaces:
    """Finds workplaces. Keys of environments are computed once."""

    def __init__(self, environments: Environments) -> None:
        self.environments = environments
        self._keys: dict[tuple[tuple[str, ...], str], str] = {}

    def of_plan(self, plan: ir.Plan) -> dict[str, Workplace]:
        """Answer every component's workplace. Raises InvalidArgument with every image that stands for nothing here."""
        bindings: dict[str, Binding | None] = {}
        places: dict[str, Workplace] = {}
        unbound: dict[str, ir.Task] = {}
        lost: list[Finding] = []
        for path, task in plan.leaves():
            if not task.needs_worker or task.component in places:
                continue
            if task.image not in bindings:
                bindings[task.image] = self.environments.resolve(task.image) if task.image else None
            binding = bindings[task.image]
            work = image_modules.located(ir.recognise(task.executor["container"]), binding)
            if binding is None and not (isinstance(work, ir.Python) and work.source):
                unbound[path] = task
                continue
            if image_modules.is_lost(work):
                lost.append(image_modules.missing(path, task, work))
                continue
            places[task.component] = self._place(work, binding)
        if unbound or lost:
            raise InvalidArgument.findings([*missing_images(unbound, plan), *lost], reason="IMAGE_UNBOUND")
        return places

    def _place(self, work: ir.Python | ir.Shell, binding: Binding | None) -> Workplace:
        lines: tuple[str, ...] = ()
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
