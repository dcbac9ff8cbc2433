"""The container of an attempt: its command line, made and started."""

import json
import re
from dataclasses import asdict

from trainshed.runners.containers import confinement
from trainshed.runners.containers.attempts import Attempt
from trainshed.runners.containers.engines import Engine, EngineFailed, Image
from trainshed.runners.contract import Container, ExitedNonZero, Launch, Outcome, Stopped

HOME, ATTEMPT, TASK, RECORD = "trainshed.home", "trainshed.attempt", "trainshed.task", "trainshed.record"  # labels
_NOT_FOUND, _NOT_RUNNABLE = 127, 126
_REFUSALS = {  # what engines say of a program that cannot be run, by the code that a shell gives then
    _NOT_FOUND: re.compile(
        r"executable file .*not found|exec: \"[^\"]*\": stat |command that was not found", re.IGNORECASE
    ),
    _NOT_RUNNABLE: re.compile(r"exec: \"[^\"]*\": permission denied|OCI permission denied", re.IGNORECASE),
}
_SAID = {_NOT_FOUND: "No such file or directory", _NOT_RUNNABLE: "Permission denied"}


def image_of(launch: Launch, engine: Engine) -> Image:
    """Find the image that a launch names. Raises EngineFailed."""
    work = launch.work
    if not isinstance(work, Container):
        raise EngineFailed("only containers are run by a container engine")
    image = engine.image(launch.environment)
    if image is None:
        raise EngineFailed(
            f"image {work.image} ({launch.environment}) is not on this machine any more: "
            f"`{engine.name} pull {work.image}`, then run it again"
        )
    return image


def make(
    attempt: Attempt, launch: Launch, engine: Engine, image: Image, *, home: str, grounds: confinement.Grounds
) -> None:
    """Make the container of an attempt, in place of one that an earlier attempt left. Raises EngineFailed, OSError."""
    work = _work(launch)
    for folder in (launch.folder, launch.mount, launch.output_file.parent, attempt.private, *work.folders):
        folder.mkdir(parents=True, exist_ok=True)
    attempt.private.chmod(0o700)
    if launch.attempt > 1:  # an earlier one that nobody heard of any more must not work beside it
        for earlier in engine.containers(f"{HOME}={home}", f"{TASK}={launch.task_id}"):
            engine.remove(earlier.name)
    confined = confinement.confine(launch, work, engine, grounds, private=attempt.private, image_user=image.user)
    words = [*_words(attempt, engine, work, home), *confined.words, *_command(engine, work, launch)]
    engine.create(words, confined.named)


def start(attempt: Attempt, launch: Launch, engine: Engine) -> Outcome | None:
    """Start a container that was made; answer what became of it instead. Raises EngineFailed.

    A program that its image does not have is the command's failure, as a shell tells it.
    """
    if attempt.is_stopped.is_set():
        return Stopped()
    attempt.usage.begin()
    try:
        engine.start(attempt.name, attempt.private)
    except EngineFailed as error:
        state = engine.state(attempt.name)
        known = state.code if state is not None and state.code in _SAID else 0
        code = known or next((code for code, words in _REFUSALS.items() if words.search(error.message)), 0)
        if not code:
            raise
        work = _work(launch)
        said = f"{work.command[0] if work.command else work.image}: {_SAID[code]}"
        with open(attempt.facts.log_file, "a", encoding="utf-8") as log:  # noqa: PTH123
            log.write(f"{said}\n")
        return ExitedNonZero(code=code, message=said)
    return None


def _work(launch: Launch) -> Container:
    assert isinstance(launch.work, Container), "`image_of` looks"
    return launch.work


def _words(attempt: Attempt, engine: Engine, work: Container, home: str) -> list[str]:
    facts = attempt.facts
    labels = {
        HOME: home,
        ATTEMPT: f"{facts.task_id}@{facts.attempt}",
        TASK: facts.task_id,
        "trainshed.image": work.image,
        RECORD: json.dumps(asdict(facts)),
    }
    named = (word for name, value in labels.items() for word in ("--label", f"{name}={value}"))
    return ["--pull", "never", "--name", attempt.name, *named, *confinement.accelerators(engine, facts.devices)]


def _command(engine: Engine, work: Container, launch: Launch) -> list[str]:
    """Put what the user wants of every container last, so that it holds."""
    entrypoint = ["--entrypoint", work.command[0]] if work.command else []
    return [*engine.options, *entrypoint, launch.environment, *work.command[1:], *work.arguments]
