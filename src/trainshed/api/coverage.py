"""Which RPC of Google's interfaces is served: a document, from the servicer classes and the surface."""

import importlib
import inspect
import pkgutil
from collections.abc import Iterable

from trainshed.api import services
from trainshed.api.descriptors import METHODS, SERVICES, Method


def servicers() -> list[type]:
    """Answer every servicer class of `api/services`."""
    modules = [
        importlib.import_module(f"{services.__name__}.{info.name}") for info in pkgutil.iter_modules(services.__path__)
    ]
    return [
        kind
        for module in modules
        for _, kind in inspect.getmembers(module, inspect.isclass)
        if kind.__module__ == module.__name__ and hasattr(kind, "SERVICE")
    ]


def served(classes: Iterable[type]) -> set[str]:
    """Answer the gRPC paths that the classes implement."""
    return {
        f"/{kind.SERVICE}/{name}"  # type: ignore[attr-defined]  # what makes it a servicer
        for kind in classes
        for name, _ in inspect.getmembers(kind, inspect.isfunction)
        if name[0].isupper()
    }


def page() -> str:
    """Write the document."""
    implemented = served(servicers())
    total = f"{len(implemented & set(METHODS))} of {len(METHODS)}"
    head = (
        "# Coverage of Google's interfaces\n\n"
        f"{total} methods are served, each by gRPC and by REST; the others answer UNIMPLEMENTED (HTTP 501). "
        "The interfaces are those of the pinned client packages; `make surface` renews them.\n"
    )
    parts = [head]
    for service in SERVICES:
        methods = [method for method in METHODS.values() if method.service == service]
        count = sum(method.path in implemented for method in methods)
        rows = "\n".join(_row(method, method.path in implemented) for method in methods)
        parts.append(
            f"\n## {service}\n\n{count} of {len(methods)}.\n\n| method | served | REST |\n|---|---|---|\n{rows}\n"
        )
    return "".join(parts)


def _row(method: Method, is_served: bool) -> str:
    rest = f"`{method.rules[0].verb} {method.rules[0].template}`" if method.rules else "gRPC only"
    more = f" and {len(method.rules) - 1} more" if len(method.rules) > 1 else ""
    return f"| {method.name} | {'yes' if is_served else 'no'} | {rest}{more} |"
