"""Where and as whom an instance of a version runs: its folder, its account, its variables."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from trainshed import secret_files
from trainshed.clock import Clock
from trainshed.errors import FailedPrecondition
from trainshed.functions import runtimes
from trainshed.functions.addresses import check_name
from trainshed.functions.contract import Instance, StartFailed
from trainshed.functions.instance import Instance as Process
from trainshed.functions.instance import Place
from trainshed.functions.logs import Log
from trainshed.functions.model import Configuration, Version
from trainshed.functions.source import Sources

_PASSED_ON = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR")


class Placement:
    """Makes the real instances of one server."""

    def __init__(
        self,
        root: Path,
        sources: Sources,
        clock: Clock,
        *,
        reach: Callable[[str], Mapping[str, str]],
        secrets: Path | None,
        cookie: str,
        start_seconds: float,
    ) -> None:
        self._root = root
        self._sources = sources
        self._clock = clock
        self._reach = reach
        self._secrets = secrets
        self._cookie = cookie
        self._start_seconds = start_seconds

    def folder(self, name: str) -> Path:
        """Answer where what belongs to a function lies."""
        parts = check_name(name)
        return self._root / f"{parts['project']}.{parts['location']}.{parts['function']}"

    def log(self, name: str) -> Log:
        """Answer the log of a function."""
        return Log(self.folder(name))

    def make(self, version: Version, instance_id: str) -> Instance:
        """Make an instance that is not yet started. Raises StartFailed for a secret that is gone."""
        parts = check_name(version.function)
        principal = f"fn-{parts['function']}-{instance_id}@{parts['project']}.iam.gserviceaccount.com"
        home = self.folder(version.function) / "home"
        try:
            environment = self.variables(version, principal)
        except FailedPrecondition as error:
            raise StartFailed(error.message) from error
        place = Place(
            source=self._sources.folder(version.source),
            home=home,
            environment=environment,
            log=self.log(version.function),
            cookie=f"{self._cookie}-{instance_id}",
            start_seconds=self._start_seconds,
        )
        return Process(version, instance_id, principal, place, self._clock)

    def check(self, configuration: Configuration) -> None:
        """Look that every secret is here. Raises FailedPrecondition naming the file to write."""
        self._secret_values(configuration)

    def variables(self, version: Version, principal: str) -> dict[str, str]:
        """Answer the variables of an instance. Raises FailedPrecondition for a secret that is not here."""
        configuration = version.configuration
        home = self.folder(version.function) / "home"
        runtime = runtimes.variables(
            configuration.runtime,
            name=version.function,
            entry_point=configuration.entry_point,
            signature=version.signature,
            version=version.number,
        )
        passed = {k: v for k in _PASSED_ON if (v := os.environ.get(k))}
        fixed = {"HOME": str(home), "PYTHONUNBUFFERED": "1"}
        own = {**configuration.variables, **self._secret_values(configuration)}
        return {**passed, **fixed, **self._reach(principal), **runtime, **own}

    def _secret_values(self, configuration: Configuration) -> dict[str, str]:
        if configuration.secrets and self._secrets is None:
            raise FailedPrecondition("secretEnvironmentVariables: this server has no folder of secrets")
        values = {}
        for variable, (secret, version) in configuration.secrets.items():
            assert self._secrets is not None
            entry = version if (self._secrets / secret).is_dir() else ""
            values[variable] = secret_files.read(
                self._secrets, secret, entry, field="secretEnvironmentVariables", reader=variable
            )
        return values
