"""What a lifecycle is: states, and the named transitions that are the only ways between them.

Each feature has one `lifecycle.py` with its table; `sql.lifecycle.fire` is the only code that writes a state.
"""

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True)
class Transition:
    """One named row of a lifecycle: several sources, one target, and why."""

    name: str
    sources: tuple[str, ...]
    target: str
    why: str
    reopens: bool = False  # it may leave a final state: what had ended goes on


def on(name: str, sources: str, target: str, why: str, *, reopens: bool = False) -> Transition:
    """Write one row of a table; `sources` are separated by spaces."""
    return Transition(name, tuple(sources.split()), target, why, reopens)


class Lifecycle:
    """A checked table: every state is known and reachable; out of a final state leads only what reopens."""

    def __init__(
        self, noun: str, states: type[StrEnum], transitions: tuple[Transition, ...], *, initial: str, final: str
    ) -> None:
        self.noun = noun
        self.states = tuple(str(s) for s in states)
        self.initial = tuple(initial.split())
        self.final = frozenset(final.split())
        self.transitions = transitions
        self._by_name = {t.name: t for t in transitions}
        self._check()

    def __getitem__(self, name: str) -> Transition:
        """Find a transition by name; an unknown one is a defect (KeyError)."""
        return self._by_name[name]

    def is_final(self, state: str) -> bool:
        """Whether nothing happens any more by itself in this state."""
        return state in self.final

    def allows(self, name: str, state: str) -> bool:
        """Whether the transition starts from this state."""
        return state in self._by_name[name].sources

    @property
    def open_states(self) -> tuple[str, ...]:
        """The states that are not final, in table order."""
        return tuple(s for s in self.states if s not in self.final)

    def _check(self) -> None:
        assert len(self._by_name) == len(self.transitions), f"{self.noun}: a transition is named twice"
        known = set(self.states)
        for t in self.transitions:
            assert t.target in known, f"{self.noun}.{t.name}: unknown target {t.target}"
            assert known.issuperset(t.sources), f"{self.noun}.{t.name}: unknown source"
            left = self.final.intersection(t.sources)
            assert t.reopens == bool(left), f"{self.noun}.{t.name}: leaves a final state without reopening"
            assert not (t.reopens and t.target in self.final), f"{self.noun}.{t.name}: reopens into a final state"
        reached = set(self.initial)
        while more := {t.target for t in self.transitions if reached.intersection(t.sources)} - reached:
            reached |= more
        assert reached == known, f"{self.noun}: unreachable {sorted(known - reached)}"
