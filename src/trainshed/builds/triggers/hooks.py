"""Takes the webhooks of git hosts: a genuine push event makes the repository's triggers look at once."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from trainshed import secret_files
from trainshed.builds.triggers import rules, webhooks
from trainshed.builds.triggers.loop import Watcher
from trainshed.builds.triggers.pushes import Pushes
from trainshed.clock import Clock
from trainshed.duty import off_loop
from trainshed.errors import FailedPrecondition, NotFound, Unauthenticated

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Taken:
    """What a webhook led to."""

    event: str  # "push", or "other", which starts nothing
    triggers: tuple[str, ...] = ()  # resource names of those that look now


class Hooks:
    """Webhooks of all git hosts. Their secrets are `webhook-github`, `webhook-gitlab`, `webhook-bitbucket`."""

    def __init__(self, pushes: Pushes, watcher: Watcher, clock: Clock, secrets: Path) -> None:
        self._pushes = pushes
        self._watcher = watcher
        self._clock = clock
        self._secrets = secrets

    async def receive(self, host: str, headers: Mapping[str, str], content: bytes) -> Taken:
        """Take one post. Raises NotFound, Unauthenticated, InvalidArgument."""
        if host not in webhooks.HOSTS:
            raise NotFound(f"There are webhooks of {', '.join(webhooks.HOSTS)}, not of {host!r}.")
        known = await off_loop(self._known, host)
        if not webhooks.is_genuine(host, headers, content, known, now=self._clock.now()):
            log.warning("A webhook of %s was not genuine.", host, extra={"action": "webhook_refused"})
            raise Unauthenticated("The signature is not made with a secret of this webhook.", reason="WEBHOOK_FORGED")
        push = webhooks.read(host, headers, content)
        if push is None:
            return Taken(event="other")
        concerned = [
            trigger
            for trigger in await off_loop(self._pushes.watched)
            if webhooks.normalised(rules.read(trigger.document).repository) in push.repositories
        ]
        self._watcher.hurry(trigger.trigger_id for trigger in concerned)
        return Taken(event="push", triggers=tuple(trigger.resource for trigger in concerned))

    def _known(self, host: str) -> tuple[str, ...]:
        """Answer the secrets that may sign: one file, or each file of a folder, for many repositories or a rotation."""
        name = f"webhook-{host}"
        folder = self._secrets / name
        entries = sorted(p.name for p in folder.iterdir()) if folder.is_dir() else [""]
        try:
            return tuple(
                secret_files.read(self._secrets, name, entry, field="webhook", reader=host) for entry in entries
            )
        except FailedPrecondition as error:  # said here: whoever posts need not know what this server's files are
            log.warning("Webhooks of %s are not set up: %s", host, error.message, extra={"action": "webhook_refused"})
            raise NotFound(f"Webhooks of {host} are not set up on this server.", reason="WEBHOOK_NOT_SET_UP") from error
