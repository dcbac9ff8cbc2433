"""Scripts about topics, subscriptions, snapshots and schemas as resources: made, read, changed, listed, removed."""

from typing import Any

from emulator.scripts import Seen, not_over_rest, script, texts

_AVRO = '{"type": "record", "name": "Made", "fields": [{"name": "epochs", "type": "int"}]}'
_PROTO = 'syntax = "proto3"; message Made { int32 epochs = 1; }'


def _short(names: Any) -> list[str]:
    return sorted(name.rsplit("/", 1)[1] for name in names)


@script
def topics(seen: Seen) -> None:
    name = seen.topic()
    made = seen.publisher("create_topic", name=name, labels={"team": "ml"})
    seen.note("made", [made.name == name, dict(made.labels)])
    seen.tried("made twice", "publisher", "create_topic", name=name)
    found = seen.publisher("get_topic", topic=name)
    seen.note("read", [found.name == name, dict(found.labels)])
    seen.tried("read unknown", "publisher", "get_topic", topic=seen.topic("unknown"))
    seen.note("listed", _short(t.name for t in seen.publisher("list_topics", project=seen.project).topics))
    seen.tried("removed", "publisher", "delete_topic", topic=name)
    seen.tried("removed twice", "publisher", "delete_topic", topic=name)
    seen.note("listed after", _short(t.name for t in seen.publisher("list_topics", project=seen.project).topics))


@script
def names_of_topics(seen: Seen) -> None:
    for what, name in {
        "too short": "ab", "goog": "google-topic", "a digit first": "1topic", "a blank": "a topic", "256 letters": "t" * 256,
        "255 letters": "t" * 255, "all that is allowed": "t-_.~+%25",
    }.items():  # fmt: skip
        seen.tried(what, "publisher", "create_topic", name=seen.topic(name))
    if seen.wire.name != "rest":  # where a name makes the path
        seen.tried("no path", "publisher", "create_topic", name="topic")
        seen.tried("empty", "publisher", "create_topic", name="")


@script
def topics_changed(seen: Seen) -> None:
    name = seen.topic()
    seen.publisher("create_topic", name=name, labels={"a": "1"})
    changed = seen.tried(
        "labels",
        "publisher",
        "update_topic",
        topic={"name": name, "labels": {"b": "2"}},
        update_mask={"paths": ["labels"]},
    )
    seen.note("labels after", changed and dict(changed.labels))
    request = {"topic": {"name": seen.topic("unknown"), "labels": {}}, "update_mask": {"paths": ["labels"]}}
    seen.tried("unknown", "publisher", "update_topic", **request)
    request = {"topic": {"name": name}, "update_mask": {"paths": ["colour"]}}
    if seen.wire.name != "rest":  # whose client refuses to write it
        seen.tried("unknown field", "publisher", "update_topic", **request)
    seen.tried("no mask", "publisher", "update_topic", topic={"name": name, "labels": {"c": "3"}})


@script
def subscriptions(seen: Seen) -> None:
    topic, name = seen.made()
    found = seen.subscriber("get_subscription", subscription=name)
    seen.note("ack deadline", found.ack_deadline_seconds)
    seen.note("retention in days", found.message_retention_duration.total_seconds() / 86400)
    seen.note("expiration in days", found.expiration_policy.ttl.total_seconds() / 86400)
    seen.note("retains acknowledged", found.retain_acked_messages)
    seen.note("state", found.state.name)
    seen.tried("made twice", "subscriber", "create_subscription", name=name, topic=topic)
    seen.tried(
        "without topic",
        "subscriber",
        "create_subscription",
        name=seen.subscription("other"),
        topic=seen.topic("unknown"),
    )
    seen.tried("read unknown", "subscriber", "get_subscription", subscription=seen.subscription("unknown"))
    found = seen.subscriber("list_subscriptions", project=seen.project).subscriptions
    seen.note("listed", _short(s.name for s in found))
    seen.note("of the topic", _short(seen.publisher("list_topic_subscriptions", topic=topic).subscriptions))
    seen.tried("of no topic", "publisher", "list_topic_subscriptions", topic=seen.topic("unknown"))
    seen.tried("removed", "subscriber", "delete_subscription", subscription=name)
    seen.tried("removed twice", "subscriber", "delete_subscription", subscription=name)
    seen.tried("pulled then", "subscriber", "pull", subscription=name, max_messages=1)


@script
def options_of_subscriptions(seen: Seen) -> None:
    seen.publisher("create_topic", name=seen.topic())
    number = iter(range(100))
    for what, options in {
        "deadline of 9 s": {"ack_deadline_seconds": 9},
        "deadline of 10 s": {"ack_deadline_seconds": 10},
        "deadline of 600 s": {"ack_deadline_seconds": 600},
        "deadline of 601 s": {"ack_deadline_seconds": 601},
        "retention of 9 min": {"message_retention_duration": {"seconds": 540}},
        "retention of 10 min": {"message_retention_duration": {"seconds": 600}},
        "retention of 8 days": {"message_retention_duration": {"seconds": 8 * 86400}},
        "retention of 32 days": {"message_retention_duration": {"seconds": 32 * 86400}},
        "expiring after a day": {"expiration_policy": {"ttl": {"seconds": 86400}}},
        "expiring after an hour": {"expiration_policy": {"ttl": {"seconds": 3600}}},
        "backoff of 601 s": {"retry_policy": {"maximum_backoff": {"seconds": 601}}},
        "backoff upside down": {
            "retry_policy": {"minimum_backoff": {"seconds": 60}, "maximum_backoff": {"seconds": 5}}
        },
        "push to no URL": {"push_config": {"push_endpoint": "nowhere"}},
        "push to http": {"push_config": {"push_endpoint": "http://127.0.0.1:9/push"}},
        "an upper-case label": {"labels": {"Team": "ml"}},
    }.items():
        name = seen.subscription(f"sub-{next(number)}")
        seen.tried(what, "subscriber", "create_subscription", name=name, topic=seen.topic(), **options)
    seen.tried("a bad name", "subscriber", "create_subscription", name=seen.subscription("1"), topic=seen.topic())
    elsewhere = {"name": f"{seen.project}-other/subscriptions/sub-elsewhere", "topic": seen.topic()}
    seen.tried("in another project", "subscriber", "create_subscription", **elsewhere)


@script
def subscriptions_changed(seen: Seen) -> None:
    _, name = seen.made(labels={"a": "1"})

    def change(what: str, path: str, **value: Any) -> Any:
        request = {"subscription": {"name": name, **value}, "update_mask": {"paths": [path]}}
        return seen.tried(what, "subscriber", "update_subscription", **request)

    found = change("deadline", "ack_deadline_seconds", ack_deadline_seconds=77)
    seen.note("deadline after", found and found.ack_deadline_seconds)
    found = change("labels", "labels", labels={"b": "2"})
    seen.note("labels after", found and dict(found.labels))
    found = change("retries", "retry_policy", retry_policy={"minimum_backoff": {"seconds": 3}})
    seen.note("retries after", found and found.retry_policy.minimum_backoff.total_seconds())
    change("bad deadline", "ack_deadline_seconds", ack_deadline_seconds=5)
    change("topic", "topic", topic=seen.topic("other"))
    change("filter", "filter", filter='attributes.a = "b"')
    change("order", "enable_message_ordering", enable_message_ordering=True)
    request = {"subscription": {"name": name, "ack_deadline_seconds": 70}}
    seen.tried("no mask", "subscriber", "update_subscription", **request)
    request = {"subscription": {"name": seen.subscription("unknown")}, "update_mask": {"paths": ["labels"]}}
    seen.tried("unknown", "subscriber", "update_subscription", **request)


@script
def pages(seen: Seen) -> None:
    for n in range(5):
        seen.publisher("create_topic", name=seen.topic(f"topic-{n}"))
        seen.subscriber("create_subscription", name=seen.subscription(f"sub-{n}"), topic=seen.topic("topic-0"))
    for service, method, key, parent, field in (
        ("publisher", "list_topics", "topics", "project", "topics"),
        ("subscriber", "list_subscriptions", "subscriptions", "project", "subscriptions"),
        ("publisher", "list_topic_subscriptions", "of a topic", "topic", "subscriptions"),
    ):
        asked = {parent: seen.project if parent == "project" else seen.topic("topic-0"), "page_size": 2}
        sizes, names, token = [], set(), ""
        while True:
            page = seen.wire.call(service, method, **asked, page_token=token)
            found = [getattr(one, "name", one) for one in getattr(page, field)]
            sizes.append(len(found))
            names.update(found)
            if not (token := page.next_page_token):
                break
        seen.note(f"{key}: each once", [sum(sizes), len(names)])
        seen.note(f"{key}: pages", sizes)
    seen.tried("a token of nobody", "publisher", "list_topics", project=seen.project, page_token="nobody")
    seen.tried("a negative size", "publisher", "list_topics", project=seen.project, page_size=-1)
    empty = seen.publisher("list_topics", project=f"{seen.project}-empty")
    seen.note("of an unknown project", len(empty.topics))


@script
def topics_removed(seen: Seen) -> None:
    topic, name = seen.made()
    seen.publish("left")
    seen.publisher("delete_topic", topic=topic)
    seen.note("topic after", seen.subscriber("get_subscription", subscription=name).topic)
    seen.note("left over", texts(seen.pulled()))
    seen.publisher("create_topic", name=topic)
    seen.publish("new")
    seen.note("same name again", seen.nothing())


@script
def detached(seen: Seen) -> None:
    topic, name = seen.made()
    seen.publish("before")
    seen.tried("detached", "publisher", "detach_subscription", subscription=name)
    found = seen.subscriber("get_subscription", subscription=name)
    seen.note("says so", found.detached)
    seen.note("keeps its topic", found.topic == topic)
    seen.note("still of the topic", len(seen.publisher("list_topic_subscriptions", topic=topic).subscriptions))
    seen.tried("pulled then", "subscriber", "pull", subscription=name, max_messages=1, return_immediately=True)
    seen.tried("acknowledged then", "subscriber", "acknowledge", subscription=name, ack_ids=["any"])
    seen.tried("detached twice", "publisher", "detach_subscription", subscription=name)
    seen.tried("unknown", "publisher", "detach_subscription", subscription=seen.subscription("unknown"))


@script
def snapshots(seen: Seen) -> None:
    topic, name = seen.made()
    seen.publish("a", "b")
    made = seen.tried("made", "subscriber", "create_snapshot", name=seen.snapshot(), subscription=name)
    seen.note("of its topic", bool(made) and made.topic == topic)
    seen.tried("made twice", "subscriber", "create_snapshot", name=seen.snapshot(), subscription=name)
    other = seen.snapshot("other")
    seen.tried(
        "without subscription", "subscriber", "create_snapshot", name=other, subscription=seen.subscription("unknown")
    )
    seen.tried("a bad name", "subscriber", "create_snapshot", name=seen.snapshot("1"), subscription=name)
    seen.tried("read", "subscriber", "get_snapshot", snapshot=seen.snapshot())
    seen.tried("read unknown", "subscriber", "get_snapshot", snapshot=seen.snapshot("unknown"))
    seen.note("listed", _short(s.name for s in seen.subscriber("list_snapshots", project=seen.project).snapshots))
    seen.note("of the topic", _short(seen.publisher("list_topic_snapshots", topic=topic).snapshots))
    request = {"snapshot": {"name": seen.snapshot(), "labels": {"a": "1"}}, "update_mask": {"paths": ["labels"]}}
    changed = seen.tried("labels", "subscriber", "update_snapshot", **request)
    seen.note("labels after", changed and dict(changed.labels))
    seen.acknowledge(seen.pulled(expected=2))
    seen.note("all acknowledged", seen.nothing())
    seen.tried("went back", "subscriber", "seek", subscription=name, snapshot=seen.snapshot())
    seen.note("there again", sorted(texts(seen.pulled(expected=2))))
    seen.tried("to an unknown one", "subscriber", "seek", subscription=name, snapshot=seen.snapshot("unknown"))
    seen.tried("removed", "subscriber", "delete_snapshot", snapshot=seen.snapshot())
    seen.tried("removed twice", "subscriber", "delete_snapshot", snapshot=seen.snapshot())


@not_over_rest
def schemas(seen: Seen) -> None:
    def tried(what: str, method: str, **request: Any) -> Any:
        return seen.tried(what, "schemas", method, **request)

    avro = {"type_": "AVRO", "definition": _AVRO}
    made = tried("made", "create_schema", parent=seen.project, schema_id="schema", schema=avro)
    seen.note("has a revision", bool(made and made.revision_id))
    tried("made twice", "create_schema", parent=seen.project, schema_id="schema", schema=avro)
    proto = {"type_": "PROTOCOL_BUFFER", "definition": _PROTO}
    tried("made of protocol buffers", "create_schema", parent=seen.project, schema_id="proto", schema=proto)
    bad = {"type_": "AVRO", "definition": "no schema"}
    tried("a bad definition", "create_schema", parent=seen.project, schema_id="bad", schema=bad)
    tried("a bad name", "create_schema", parent=seen.project, schema_id="1", schema=avro)
    found = tried("read", "get_schema", name=seen.schema(), view="FULL")
    seen.note("whole", bool(found) and found.definition == _AVRO)
    found = seen.wire.call("schemas", "list_schemas", parent=seen.project).schemas
    seen.note("listed", _short(s.name for s in found))
    tried("valid", "validate_schema", parent=seen.project, schema=avro)
    tried("not valid", "validate_schema", parent=seen.project, schema=bad)
    message = {"parent": seen.project, "encoding": "JSON"}
    tried("a message of it", "validate_message", name=seen.schema(), message=b'{"epochs": 3}', **message)
    tried("a message not of it", "validate_message", name=seen.schema(), message=b'{"epochs": "x"}', **message)
    binary = {"parent": seen.project, "encoding": "BINARY", "message": b"\x06"}
    tried("a binary message of it", "validate_message", name=seen.schema(), **binary)
    settings = {"schema": seen.schema(), "encoding": "JSON"}
    seen.tried("topic of it", "publisher", "create_topic", name=seen.topic(), schema_settings=settings)
    publish = {"topic": seen.topic()}
    seen.tried("published of it", "publisher", "publish", messages=[{"data": b'{"epochs": 3}'}], **publish)
    seen.tried("published not of it", "publisher", "publish", messages=[{"data": b"{}"}], **publish)
    settings = {"schema": seen.schema("unknown"), "encoding": "JSON"}
    seen.tried(
        "topic of an unknown one", "publisher", "create_topic", name=seen.topic("other"), schema_settings=settings
    )
    tried("removed", "delete_schema", name=seen.schema())
    tried("removed twice", "delete_schema", name=seen.schema())


@not_over_rest
def revisions_of_schemas(seen: Seen) -> None:
    first = {"type_": "AVRO", "definition": _AVRO}
    made = seen.wire.call("schemas", "create_schema", parent=seen.project, schema_id="schema", schema=first)
    wider = _AVRO.replace("}]}", '}, {"name": "rate", "type": "double", "default": 0}]}')
    second = {"name": seen.schema(), "type_": "AVRO", "definition": wider}
    committed = seen.tried("committed", "schemas", "commit_schema", name=seen.schema(), schema=second)
    seen.note("another revision", bool(committed) and committed.revision_id != made.revision_id)
    found = seen.tried("listed", "schemas", "list_schema_revisions", name=seen.schema())
    seen.note("how many", found and len(found.schemas))
    back = {"name": seen.schema(), "revision_id": made.revision_id}
    seen.tried("rolled back", "schemas", "rollback_schema", **back)
    seen.tried("rolled back to nothing", "schemas", "rollback_schema", name=seen.schema(), revision_id="00000000")
    seen.tried("a revision removed", "schemas", "delete_schema_revision", name=f"{seen.schema()}@{made.revision_id}")
