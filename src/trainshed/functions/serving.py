"""Who asks: which event the requests made with an instance's credentials belong to. Safe to use from every thread."""

import threading
from collections import Counter
from dataclasses import dataclass, field

from trainshed.ledger import Cause


@dataclass
class Serving:
    """One call of one instance: its cause, and what it asked for so far."""

    cause: Cause
    ordinals: Counter[str] = field(default_factory=Counter)


class Causes:
    """From the principal of an instance to the event that it serves, or served last."""

    def __init__(self) -> None:
        self._by_principal: dict[str, Serving] = {}
        self._lock = threading.Lock()

    def serve(self, principal: str, cause: Cause) -> Serving:
        """Say that an instance begins with an event."""
        serving = Serving(cause)
        with self._lock:
            self._by_principal[principal] = serving
        return serving

    def forget(self, principal: str) -> None:
        """Say that an instance is gone, and its credentials with it."""
        with self._lock:
            self._by_principal.pop(principal, None)

    def cause_of(self, principal: str) -> Cause | None:
        """Answer why this principal asks for anything; work that goes on after its call still belongs to that."""
        with self._lock:
            serving = self._by_principal.get(principal)
        return serving.cause if serving else None

    def next_ordinal(self, principal: str, digest: str) -> int:
        """Count equal requests within one delivery, from 0: the same ones get the same numbers in a redelivery."""
        with self._lock:
            serving = self._by_principal.get(principal)
            if serving is None:
                return 0
            serving.ordinals[digest] += 1
            return serving.ordinals[digest] - 1
