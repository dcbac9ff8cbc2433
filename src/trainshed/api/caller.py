"""Who is asking. Set once per request by `serve`, read by servicers and routes."""

from contextvars import ContextVar
from dataclasses import dataclass

USER = "user"  # whoever sits at this machine
NOBODY = "nobody"  # somebody who asks for a token
API, PAGES, COMMANDS = "the API", "the dashboard", "the command line"  # over which requests come


@dataclass(frozen=True, kw_only=True)
class Caller:
    """The principal behind a request: `user`, or the e-mail of a service account made by `reach`; and over what it came."""

    principal: str
    over: str = API

    @property
    def said(self) -> str:
        """Say who or what asks, as far as that is known, for what is kept of it."""
        return self.over if self.principal in {USER, NOBODY} else f"{self.principal} over {self.over}"


_current: ContextVar[Caller | None] = ContextVar("caller", default=None)


def current() -> Caller:
    """Answer who asks; outside of a request that is the user."""
    return _current.get() or Caller(principal=USER)


def enter(caller: Caller) -> None:
    """Let the rest of this task be asked by `caller`: for servers, which have a task per request."""
    _current.set(caller)
