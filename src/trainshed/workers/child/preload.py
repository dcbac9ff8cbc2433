"""Frameworks imported before an attempt is forked, kept out of its sight until its own code imports them.

A framework reads variables while it is imported, so what was imported under some variables is right only for an attempt
with the same ones. Attempts that begin with others are not forked from here (`Shelf.fits`); one whose code sets others
before its import starts over in a fresh interpreter, and the framework is not imported ahead again.
"""

import importlib
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any, Optional

_THREADS = ("OMP_", "GOMP_", "KMP_", "OPENBLAS_", "GOTO_", "BLIS_", "MKL_", "NUMEXPR_", "NPY_")
_DEVICES = ("CUDA_", "NVIDIA_", "NCCL_", "ROCR_", "HIP_", "XLA_")
# What may be forked after it was imported, and never used: in the order of import, each with the beginnings of the
# names of variables that it reads. `google.cloud` is not here: it reads the metadata server's address when imported.
PREFIXES: Mapping[str, tuple[str, ...]] = {
    "numpy": _THREADS,
    "pandas": (*_THREADS, "PANDAS_"),
    "sklearn": (*_THREADS, "SKLEARN_", "SCIPY_", "JOBLIB_"),
    "xgboost": (*_THREADS, *_DEVICES, "XGBOOST_"),
    "lightgbm": (*_THREADS, "LIGHTGBM_"),
    "jax": (*_THREADS, *_DEVICES, "JAX_"),
    "torch": (*_THREADS, *_DEVICES, "TORCH", "PYTORCH_", "ATEN_"),
    "tensorflow": (*_THREADS, *_DEVICES, "TF_", "PROTOCOL_BUFFERS_"),
    "keras": ("KERAS_",),
}
_IN_PARTS = (
    "sklearn",
)  # their own import brings next to nothing: what takes its time is `sklearn.ensemble`, and so on
_LATE = {
    "CUDA_VISIBLE_DEVICES",
    "NVIDIA_VISIBLE_DEVICES",
}  # read when a device is first used, and none is before a fork
_COMPILED = (".so", ".pyd")
Lesson = dict[str, dict[str, dict[str, str]]]  # of frameworks: variables they were imported under, and began with


def is_framework(name: str) -> bool:
    """Whether a module is one of those that may be imported ahead, or a part of one that comes in parts."""
    root, _, part = name.partition(".")
    return name in PREFIXES or (root in _IN_PARTS and part.isidentifier() and not part.startswith("_"))


def watched(environ: Mapping[str, str], framework: str) -> "dict[str, str]":
    """Answer the variables that a framework reads when it is imported."""
    prefixes = PREFIXES[framework.partition(".")[0]]
    return {name: value for name, value in environ.items() if name.startswith(prefixes) and name not in _LATE}


class Observer:
    """Sees, in an attempt, which frameworks are asked for, and under which variables. Finds nothing itself."""

    def __init__(self, given: Mapping[str, str], tell: "Callable[[Lesson], None]") -> None:
        self._given = given
        self._tell = tell
        self._seen: set[str] = set()

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:  # noqa: ARG002
        """Tell of a framework the first time that it is asked for; at once, so that it can be imported meanwhile."""
        if name not in self._seen and is_framework(name):
            self._seen.add(name)
            if "." in name or PathFinder.find_spec(name) is not None:
                self._tell({name: {"variables": watched(os.environ, name), "given": watched(self._given, name)}})


class _Layer:
    """What the import of one framework brought, with those of its parts that attempts used."""

    def __init__(self, name: str, parts: Sequence[str], how: "Mapping[str, dict[str, str]]") -> None:
        self.name = name
        self.names = {name, *parts}
        self.variables, self.given = how["variables"], how["given"]
        self.modules: dict[str, Any] = {}
        self.made: dict[str, str] = {}  # variables that the framework set

    def bring(self) -> None:
        """Import it, under its variables, and take the variables back."""
        before, loaded = dict(os.environ), set(sys.modules)
        for name in watched(before, self.name):
            del os.environ[name]
        os.environ.update(self.variables)
        wanted = dict(os.environ)
        importlib.import_module(self.name)
        for part in sorted(self.names - {self.name}):
            with suppress(Exception):  # asked for, and not there: whoever asks again is told so
                importlib.import_module(part)
        self.made = {name: value for name, value in os.environ.items() if wanted.get(name) != value}
        for name in set(os.environ) - set(before):
            del os.environ[name]
        os.environ.update(before)
        self.modules = {name: sys.modules[name] for name in list(sys.modules) if name not in loaded}


class Shelf:
    """Everything imported ahead, as a finder: the import of one of its modules takes it off the shelf, not executed."""

    def __init__(self) -> None:
        self._layers: list[_Layer] = []
        self._tops: set[str] = set()  # no folder of the attempt's own may have one of these
        self.start_over: Callable[[Sequence[str]], None] = lambda _: None  # set in the attempt; does not return

    @property
    def names(self) -> "set[str]":
        """Answer the frameworks that are here."""
        return {name for layer in self._layers for name in layer.names}

    def fill(self, lessons: "Mapping[str, Mapping[str, dict[str, str]]]") -> None:
        """Import frameworks, in the fork server. Raises what importing raises."""
        for name in PREFIXES:
            if name in lessons:
                layer = _Layer(name, [part for part in lessons if part.startswith(f"{name}.")], lessons[name])
                layer.bring()
                self._layers.append(layer)
        self._hide()
        sys.meta_path.insert(0, self)

    def fits(self, environ: Mapping[str, str], folders: Iterable[str]) -> bool:
        """Whether an attempt that begins with these variables and import folders may have what is here."""
        if any(watched(environ, layer.name) != layer.given for layer in self._layers):
            return False
        return not any(self._tops & _offered(folder) for folder in folders) if self._tops else True

    def find_spec(self, name: str, path: object = None, target: object = None) -> Optional[ModuleSpec]:  # noqa: ARG002,UP045
        """Find a module that is here; nothing is taken off the shelf before it is loaded."""
        for layer in self._layers:
            if name in layer.modules:
                known = getattr(layer.modules[name], "__spec__", None)
                spec = ModuleSpec(name, self, origin=getattr(known, "origin", None))  # type: ignore[arg-type]
                spec.submodule_search_locations = getattr(known, "submodule_search_locations", None)
                return spec
        return None

    def create_module(self, spec: ModuleSpec) -> None:
        """Leave it to the import system to make a module; it is replaced at once."""

    def exec_module(self, module: ModuleType) -> None:
        """Put the framework's modules where imported ones are, with those that came before it."""
        name = module.__name__
        last = next(i for i, layer in enumerate(self._layers) if name in layer.modules)
        taken, self._layers = self._layers[: last + 1], self._layers[last + 1 :]
        if wrong := [layer.name for layer in taken if watched(os.environ, layer.name) != layer.variables]:
            self.start_over(wrong)
        for layer in taken:
            sys.modules.update(layer.modules)
        for layer in taken:
            os.environ.update(layer.made)
            if "numpy.random" in layer.modules:
                layer.modules["numpy.random"].seed()  # every attempt has random numbers of its own

    def _hide(self) -> None:
        """Take compiled packages and the frameworks out of sight; pure Python below them may be seen by anybody."""
        loaded = {name: module for layer in self._layers for name, module in layer.modules.items()}
        ours = {name.partition(".")[0] for name in loaded} - set(getattr(sys, "stdlib_module_names", ()))
        hidden = {
            name.partition(".")[0]
            for name, module in loaded.items()
            if (getattr(module, "__file__", None) or "").endswith(_COMPILED)
        } | self.names
        self._tops = ours
        for layer in self._layers:
            layer.modules = {n: m for n, m in layer.modules.items() if n.partition(".")[0] in hidden & ours}
            for name in layer.modules:
                sys.modules.pop(name, None)


def _offered(folder: str) -> "set[str]":
    try:
        return {entry.partition(".")[0] for entry in os.listdir(folder)}
    except OSError:
        return set()
