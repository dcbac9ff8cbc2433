"""What makes events, as it is now: schedules, triggers, functions."""

import json
from collections.abc import Callable, Sequence

from trainshed import names
from trainshed.errors import NotFound
from trainshed.explain import words
from trainshed.explain.fate import Source
from trainshed.explain.features import Features
from trainshed.explain.model import Step, Value
from trainshed.schedules import PubsubTarget
from trainshed.sql import changes

_TOLD = ("schedule", "run schedule", "function")  # kinds whose changes are told on a channel


class Sources:
    """Reads what makes events."""

    def __init__(self, features: Features) -> None:
        self._features = features

    def read(self, name: str) -> Source:
        """Read a schedule, a trigger or a function. Raises NotFound."""
        kinds: dict[str, Callable[[str], Source]] = {
            "schedule": self._schedule,
            "run schedule": self._run_schedule,
            "build trigger": self._build_trigger,
            "run trigger": self._run_trigger,
            "function": self._function,
        }
        return kinds[names.kind(name)](name)

    def hearers(self, link: str) -> Sequence[str] | None:
        """Answer who is subscribed to a topic; None for what is no topic, or is gone."""
        if names.kind(link) != "topic":
            return None
        try:
            return self._features.topics.topic_subscriptions(link)
        except NotFound:
            return None

    def channels(self, name: str) -> Sequence[str]:
        """Answer on which channels a change of it is told."""
        kind = names.kind(name)
        return (changes(kind, name),) if kind in _TOLD else ()

    def step(self, source: Source) -> Step:
        """Tell what a source is like now."""
        what = names.called(source.name)
        says = f"{what} is {source.state.lower().replace('_', ' ')}"
        if source.error:
            says += f", and was last told: {source.error}"
        facts: list[tuple[str, Value]] = list(source.options.items())
        if source.next_due is not None:
            facts.append(("Next due", source.next_due))
        if source.topic:
            facts.append(("Topic", words.named(source.topic)))
            if source.hearers is not None:
                facts.append(("Subscriptions", words.some([names.short(h) for h in source.hearers]) or "none"))
        return Step(
            id="source",
            heading=f"The {names.kind(source.name)}",
            says=words.sentence(says),
            state=source.state,
            about=words.named(source.name),
            facts=facts,
        )

    def _schedule(self, name: str) -> Source:
        found = self._features.schedules.get(name)
        options = found.options
        topic = options.target.topic if isinstance(options.target, PubsubTarget) else ""
        return Source(
            name=name,
            state=found.state,
            next_due=found.next_due_time,
            topic=topic,
            hearers=self.hearers(topic),
            options={
                "Cron": f"{options.schedule} in {options.time_zone}",
                "While the last one is not done": options.overlap.words,
                "Missed while the server was down": options.catch_up.words,
            },
        )

    def _run_schedule(self, name: str) -> Source:
        found = self._features.run_schedules.get(name)
        return Source(name=name, state=found.state, next_due=found.next_run_time, options={"Cron": found.options.cron})

    def _build_trigger(self, name: str) -> Source:
        parts = names.parse("projects/{project}/locations/{region}/triggers/{trigger}", name)
        found = self._features.build_triggers.get(parts["trigger"], project=parts["project"], region=parts["region"])
        state = "DISABLED" if found.is_disabled else "ENABLED"
        return Source(name=name, state=state, error="" if found.is_disabled else found.error)

    def _run_trigger(self, name: str) -> Source:
        short = names.short(name)
        found = self._features.run_triggers.get(short)
        watched = {"Bucket": f"gs://{found.bucket}"} if found.bucket else {}
        values = json.dumps(dict(found.parameters), ensure_ascii=False)
        fixed = {"Fixed values": values} if found.parameters else {}
        state = "DISABLED" if found.is_disabled else "ENABLED"
        options = {**watched, "Starts": found.spec_uri, **fixed}
        return Source(name=name, state=state, topic=found.topic, options=options)

    def _function(self, name: str) -> Source:
        found = self._features.functions.get(name)
        topic = found.requested.topic
        state = "ENABLED" if found.state == "ACTIVE" else found.state
        return Source(name=name, state=state, topic=topic, error=found.error)
