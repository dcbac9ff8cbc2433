"""What can be wrong with a project."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind of defect."""

    code: str
    title: str
    consequence: str


KINDS = {
    kind.code: kind
    for kind in (
        Kind(
            code="D1",
            title="a setting is read from another setting's variable",
            consequence="what belongs in one place is written to another",
        ),
        Kind(
            code="D2",
            title="an error names a variable that is not the one read",
            consequence="who follows the message sets the wrong variable and fails again",
        ),
        Kind(
            code="D3",
            title="a function is deployed without retry",
            consequence="Google's default is no retry: one crash, and the event is gone",
        ),
        Kind(
            code="D4",
            title="a function starts a run without looking at the event's id",
            consequence="a redelivered message starts, and bills, a second training",
        ),
        Kind(
            code="D5",
            title="a schedule sends the same parameters to a run with caching on",
            consequence="every firing after the first reuses every task: it trains nothing and is still billed",
        ),
        Kind(
            code="D6",
            title="numbers are published as strings",
            consequence="newer pipeline schemas refuse them: the run fails with a type error",
        ),
        Kind(
            code="D7",
            title="a model is pushed without an evaluation",
            consequence="a bad model goes live",
        ),
        Kind(
            code="D8",
            title="the trainer's workers use a public image instead of the one that is built",
            consequence="what the custom image adds is missing while training",
        ),
        Kind(
            code="D9",
            title="something is used that is retired",
            consequence="it cannot be installed, deployed or pulled today as written",
        ),
        Kind(
            code="D10",
            title="a switch of a command line is a string",
            consequence='"False" is true: the switch cannot be turned off by who tests it as a boolean',
        ),
    )
}


@dataclass(frozen=True, kw_only=True)
class Defect:
    """One defect: where, what, and how to mend it."""

    kind: Kind
    path: str  # relative to the project
    line: int
    what: str
    fix: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.kind.code} {self.what}"


def defect(code: str, path: str, line: int, what: str, fix: str) -> Defect:
    """Make a defect of a kind."""
    return Defect(kind=KINDS[code], path=path, line=line, what=what, fix=fix)
