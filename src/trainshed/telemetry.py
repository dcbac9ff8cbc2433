"""Every log action, named and described; the documentation page is generated from here.

A log line is a sentence plus `extra={"action": …}`; tests hold the source against this list, both ways.
"""

import json
import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TextIO


@dataclass(frozen=True)
class Action:
    """One kind of log line: its level and one line of meaning."""

    name: str
    level: str
    meaning: str


ACTIONS = (
    Action("state_changed", "INFO", "a resource went through one transition of its lifecycle"),
    Action("states_changed", "DEBUG", "many rows of one kind went through the same transition in one statement"),
    Action("state_stale", "INFO", "a late report was dropped: the resource had moved on, and nothing is lost by it"),
    Action("commit_failed", "ERROR", "the store could not commit; every caller in the batch was told UNAVAILABLE"),
    Action("effect_failed", "ERROR", "what follows a commit outside the store failed; it is made good from the rows"),
    Action("object_misplaced", "WARNING", "an object could not be put at its own path; it is kept where it was staged"),
    Action(
        "file_skipped", "WARNING", "a file in a bucket's folder is not an object: a link, a special file, a bad name"
    ),
    Action("object_adopted", "INFO", "a file put into a bucket's folder by hand became a generation"),
    Action("delivery_failed", "WARNING", "a message could not be handed to its endpoint or target; it comes again"),
    Action("firing_failed", "WARNING", "a schedule's firing could not reach its target; its retry policy decides"),
    Action("schedule_disabled", "WARNING", "a schedule can never fire again and was disabled"),
    Action("engine_reset", "ERROR", "a defect: the engine threw its memory away and goes on from the store"),
    Action("trigger_failed", "WARNING", "a run trigger could not start a run; the message comes again"),
    Action("outbox_failed", "WARNING", "a follow-up of a transaction failed and will be tried again"),
    Action("duty_failed", "ERROR", "a background duty raised; it goes on at its next turn"),
    Action("topic_gone", "WARNING", "a notification was dropped: its topic had been deleted, so nobody is subscribed"),
    Action(
        "subscription_expired", "INFO", "a subscription was removed that nobody used for as long as its policy says"
    ),
    Action("server_ready", "INFO", "the server answers on its port"),
    Action("server_stopping", "INFO", "the server drains and ends"),
    Action("environment_built", "INFO", "an environment was built and is complete on disk"),
    Action("instance_started", "DEBUG", "an instance of a function imported the user's code and is ready"),
    Action("instance_failed", "WARNING", "an instance that a function's minimum asks for does not start"),
    Action("function_gone", "WARNING", "an event came for a function that was deleted; it was acknowledged"),
    Action("connection_dropped", "DEBUG", "a connection broke before it was led to the HTTP or gRPC server"),
    Action("worker_started", "INFO", "the fork server of an environment is warm"),
    Action("worker_lost", "WARNING", "a fork server is gone and nobody knows how its attempt ended"),
    Action("calls_left", "WARNING", "the server ended before calls of its own did; what they did is begun again"),
    Action("attempts_left", "WARNING", "the server ended before its attempts did"),
    Action("build_broken", "ERROR", "a defect of ours ended a build, which is INTERNAL_ERROR now"),
    Action("build_log_lost", "WARNING", "a build's log could not be put into its logs bucket; the local file stays"),
    Action("build_lost", "WARNING", "a build was under way and nobody runs it any more; its processes were ended"),
    Action("repository_unreachable", "WARNING", "a watched repository cannot be read; said once until that changes"),
    Action("webhook_refused", "WARNING", "a webhook of a git host was not genuine, or none is expected"),
    Action("event_not_posted", "WARNING", "the event webhook did not take an event; it is posted again later"),
    Action("internal_error", "ERROR", "a defect: the caller saw a fixed sentence and this identifier"),
)


class JsonLines(logging.Formatter):
    """One JSON object a line: time, level, sentence, action and the identifiers of what it is about."""

    _STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}

    def format(self, record: logging.LogRecord) -> str:
        """Render one record."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "message": record.getMessage(),
            "logger": record.name,
        }
        line |= {k: v for k, v in vars(record).items() if k not in self._STANDARD}
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


def configure(stream: TextIO, *, level: int = logging.INFO) -> None:
    """Send our log lines to `stream`, as JSON."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    root = logging.getLogger("trainshed")
    root.handlers[:] = [handler]
    root.setLevel(level)
    root.propagate = False
