"""What Google's own clients see of exactly-once, order, flow control, push, snapshots and schemas, on a real server."""

import json
import os
import shutil
import subprocess
import sys

import pytest

from trainshed.cli import main
from trainshed.testing import server

BEGIN = """
import json, os, queue, threading, time
from google.api_core import exceptions
from google.cloud import pubsub_v1
from google.pubsub_v1 import types, PublisherClient as Raw
publisher, subscriber = pubsub_v1.PublisherClient(), pubsub_v1.SubscriberClient()
raw = Raw(transport=publisher.transport)
P = "projects/local-project"
def topic(name, **options):
    return publisher.create_topic(request={"name": f"{P}/topics/{name}", **options}).name
def subscribe(name, topic, **options):
    return subscriber.create_subscription(request={"name": f"{P}/subscriptions/{name}", "topic": topic, **options}).name
def publish(topic, *bodies, key="", **attributes):
    messages = [{"data": b, "ordering_key": key, "attributes": attributes} for b in bodies]
    return list(Raw.publish(raw, request={"topic": topic, "messages": messages}).message_ids)
def pull(name, most=10):
    return list(subscriber.pull(request={"subscription": name, "max_messages": most}, timeout=60).received_messages)
def refused(call):
    try:
        return call() and ""
    except exceptions.GoogleAPICallError as error:
        status = error.grpc_status_code  # REST has none
        return status.name if status else {400: "INVALID_ARGUMENT", 404: "NOT_FOUND"}[error.code]
"""


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with server(tmp_path_factory.mktemp("semantics") / "home") as made:
        yield made


def python(running, script, **variables):
    environment = {**os.environ, "PUBSUB_EMULATOR_HOST": running.address.removeprefix("http://"), **variables}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", BEGIN + script],
        env=environment,
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_g3_the_real_client_learns_what_became_of_its_acks(running):
    found = python(
        running,
        """
t = topic("exactly"); s = subscribe("exactly", t, enable_exactly_once_delivery=True, enable_message_ordering=True)
publish(t, b"1", b"2", b"3", key="k")
got, statuses, done = [], [], threading.Event()
def take(message):
    got.append(message.data.decode())
    statuses.append(message.ack_with_response().result(60).name)
    if len(got) == 3:
        done.set()
stream = subscriber.subscribe(s, take, flow_control=pubsub_v1.types.FlowControl(max_messages=2))
assert done.wait(60), (got, statuses)
stream.cancel(); stream.result(timeout=60)
publish(t, b"4")
first = pull(s)[0]
subscriber.modify_ack_deadline(subscription=s, ack_ids=[first.ack_id], ack_deadline_seconds=0)
second = pull(s)[0]
try:
    subscriber.acknowledge(subscription=s, ack_ids=[first.ack_id, second.ack_id])
    details = None
except exceptions.InvalidArgument as error:
    details = [error.reason, dict(error.metadata) == {first.ack_id: "PERMANENT_FAILURE_INVALID_ACK_ID"}]
again = refused(lambda: subscriber.acknowledge(subscription=s, ack_ids=[second.ack_id]))
print(json.dumps([got, statuses, details, again]))
""",
    )

    assert found == [
        ["1", "2", "3"],
        ["SUCCESS"] * 3,
        ["EXACTLY_ONCE_ACKID_FAILURE", True],
        "INVALID_ARGUMENT",
    ]


def test_g3_a_stream_keeps_within_its_flow_control_and_refuses_what_breaks_it(running):
    found = python(
        running,
        """
t = topic("stream"); s = subscribe("stream", t)
publish(t, *[b"x" * 100] * 6)
class Stream:
    def __init__(self, **first):
        self.sent = queue.Queue()
        first = {"stream_ack_deadline_seconds": 60, "client_id": "me", **first}
        self.sent.put(types.StreamingPullRequest(subscription=s, **first))
        self.answers = iter(subscriber.streaming_pull(iter(self.sent.get, None), timeout=60))
    def take(self, most):
        found = []
        while len(found) < most:
            found += next(self.answers).received_messages
        return found
    def end(self):
        self.sent.put(None)
        return len([m for r in self.answers for m in r.received_messages])
    def fails(self, **request):
        self.sent.put(types.StreamingPullRequest(**request))
        return refused(lambda: [*self.answers])
one = Stream(max_outstanding_messages=2)
first = one.take(2)
one.sent.put(types.StreamingPullRequest(ack_ids=[first[0].ack_id]))
third = one.take(1)
subscriber.acknowledge(subscription=s, ack_ids=[third[0].ack_id])
fourth = one.take(1)
left = one.end()
nacks = [m.ack_id for m in [first[1], fourth[0]]]
subscriber.modify_ack_deadline(subscription=s, ack_ids=nacks, ack_deadline_seconds=0)
two = Stream(max_outstanding_bytes=250)
sizes = len(two.take(3))
more = two.end()
def opens(**first):
    return refused(lambda: [*Stream(**first).answers])
print(json.dumps({
    "left": left, "sizes": sizes, "more": more,
    "short": opens(stream_ack_deadline_seconds=9), "long": opens(stream_ack_deadline_seconds=601),
    "again": Stream().fails(subscription=s), "flow": Stream().fails(max_outstanding_messages=5),
    "malformed": Stream().fails(ack_ids=["nonsense"]),
    "lengths": Stream().fails(modify_deadline_ack_ids=nacks),
    "negative": Stream().fails(modify_deadline_ack_ids=nacks, modify_deadline_seconds=[-1, -1]),
}))
""",
    )

    refusals = {k: v for k, v in found.items() if k not in {"left", "sizes", "more"}}
    assert set(refusals.values()) == {"INVALID_ARGUMENT"}, refusals
    assert (found["left"], found["sizes"], found["more"]) == (0, 3, 0)


PUSH = """
import http.server
from google.auth.transport import requests as transport
from google.oauth2 import id_token
seen = queue.Queue()
class Endpoint(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(204); self.end_headers()
        seen.put((dict(self.headers), body))
    def log_message(self, *_):
        pass
endpoint = http.server.HTTPServer(("127.0.0.1", 0), Endpoint)
threading.Thread(target=endpoint.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{endpoint.server_port}/push"
t = topic("pushed")
who = "pusher@local-project.iam.gserviceaccount.com"
s = subscribe("pushed", t, push_config={"push_endpoint": url, "oidc_token": {"service_account_email": who}})
publish(t, b"hello", color="red")
headers, body = seen.get(timeout=60)
token = headers["Authorization"].removeprefix("Bearer ")
claims = id_token.verify_oauth2_token(token, transport.Request(), audience=url)
unwrapped = {"push_endpoint": url, "no_wrapper": {"write_metadata": True}}
subscriber.modify_push_config(subscription=s, push_config=unwrapped)
publish(t, b"bare", color="blue")
bare, bare_body = seen.get(timeout=60)
shown = subscriber.get_subscription(subscription=s).push_config
subscriber.modify_push_config(subscription=s, push_config={})
publish(t, b"pulled")
print(json.dumps([
    claims["email"], claims["iss"], json.loads(body)["message"]["attributes"],
    bare["color"], bare["x-goog-pubsub-subscription-name"] == s, bare_body.decode(), "Authorization" in bare,
    [shown.no_wrapper.write_metadata, dict(shown.attributes)],
    [m.message.data.decode() for m in pull(s)],
]))
"""


def test_g3_pushes_carry_a_token_that_googles_library_verifies_or_come_unwrapped(running):
    printed = running.run("exec", "--", sys.executable, "-W", "ignore", "-c", BEGIN + PUSH)

    assert printed.returncode == 0, printed.stderr
    assert json.loads(printed.stdout) == [
        "pusher@local-project.iam.gserviceaccount.com",
        "https://accounts.google.com",
        {"color": "red"},
        "blue",
        True,
        "bare",
        False,
        [True, {"x-goog-version": "v1"}],
        ["pulled"],
    ]


def test_g3_masks_snapshots_seeking_detaching_and_refusals_by_the_real_client(running):
    found = python(
        running,
        """
from datetime import datetime, timedelta, UTC
t = topic("many", message_retention_duration={"seconds": 600}, labels={"a": "b"})
s = subscribe("many", t, filter='attributes:kind', labels={"a": "b"}, dead_letter_policy={"dead_letter_topic": t})
def update(paths, **fields):
    wanted = {"subscription": {"name": s, **fields}, "update_mask": {"paths": paths}}
    return subscriber.update_subscription(request=wanted)
changed = update(["dead_letter_policy.max_delivery_attempts", "labels"], dead_letter_policy={"max_delivery_attempts": 7})
before = datetime.now(UTC) - timedelta(minutes=5)
publish(t, b"1", kind="x"); publish(t, b"2")
snapshot = subscriber.create_snapshot(request={"name": f"{P}/snapshots/one", "subscription": s, "labels": {"c": "d"}})
subscriber.acknowledge(subscription=s, ack_ids=[m.ack_id for m in pull(s)])
subscriber.seek(request={"subscription": s, "snapshot": snapshot.name})
by_snapshot = [m.message.data.decode() for m in pull(s)]
late = subscribe("later", t)
subscriber.seek(request={"subscription": late, "time": before})
by_time = [m.message.data.decode() for m in pull(late)]
labelled = subscriber.update_snapshot(
    request={"snapshot": {"name": snapshot.name, "labels": {"e": "f"}}, "update_mask": {"paths": ["labels"]}}
)
names = [list(publisher.list_topic_snapshots(topic=t)), [x.name for x in subscriber.list_snapshots(project=P)]]
publisher.detach_subscription(request={"subscription": late})
policy = {"bindings": [{"role": "roles/pubsub.publisher", "members": ["allUsers"]}]}
kept = publisher.set_iam_policy(request={"resource": t, "policy": policy})
print(json.dumps({
    "changed": [changed.dead_letter_policy.dead_letter_topic == t, changed.dead_letter_policy.max_delivery_attempts,
                dict(changed.labels), changed.expiration_policy.ttl.days, changed.filter],
    "replayed": [by_snapshot, by_time], "labels": dict(labelled.labels), "names": names,
    "retention": subscriber.get_subscription(subscription=s).topic_message_retention_duration.seconds,
    "detached": [subscriber.get_subscription(subscription=late).detached, refused(lambda: pull(late))],
    "refused": [
        refused(lambda: update([], ack_deadline_seconds=20)),
        refused(lambda: update(["filter"], filter="attributes:x")),
        refused(lambda: update(["enable_message_ordering"], enable_message_ordering=True)),
        refused(lambda: subscribe("bq", t, bigquery_config={"table": "p.d.t"})),
        refused(lambda: topic("kms", kms_key_name="k")),
        refused(lambda: subscribe("bad", t, filter="nonsense")),
        refused(lambda: subscriber.acknowledge(subscription=s, ack_ids=[])),
        refused(lambda: subscriber.seek(request={"subscription": s})),
    ],
    "policy": [kept.etag == publisher.get_iam_policy(request={"resource": t}).etag, kept.bindings[0].role,
               refused(lambda: publisher.set_iam_policy(request={"resource": t, "policy": {"etag": b"stale"}})),
               refused(lambda: publisher.get_iam_policy(request={"resource": f"{P}/topics/none"})),
               list(subscriber.test_iam_permissions(
                   request={"resource": s, "permissions": ["pubsub.subscriptions.consume"]}).permissions)],
    "missing": refused(lambda: subscribe("dead", t, dead_letter_policy={"dead_letter_topic": f"{P}/topics/none"})),
}))
""",
    )

    assert found["changed"] == [True, 7, {}, 31, "attributes:kind"]
    assert found["replayed"] == [["1"], ["1", "2"]]
    assert found["labels"] == {"e": "f"}
    assert found["names"] == [["projects/local-project/snapshots/one"]] * 2
    assert found["retention"] == 600
    assert found["detached"] == [True, "FAILED_PRECONDITION"]
    assert set(found["refused"]) == {"INVALID_ARGUMENT"}, found["refused"]
    assert found["policy"] == [
        True, "roles/pubsub.publisher", "ABORTED", "NOT_FOUND", ["pubsub.subscriptions.consume"]
    ]  # fmt: skip
    assert found["missing"] == "NOT_FOUND"


def test_g3_schemas_are_kept_in_revisions_and_checked_at_publishing(running):
    found = python(
        running,
        """
from google.pubsub_v1 import SchemaServiceClient
schemas = SchemaServiceClient(transport=SchemaServiceClient.get_transport_class("rest")(
    host=os.environ["PUBSUB_EMULATOR_HOST"], url_scheme="http",
    credentials=__import__("google.auth.credentials", fromlist=["x"]).AnonymousCredentials()))
def avro(*fields):
    return json.dumps({"type": "record", "name": "Run", "fields": [
        {"name": n, "type": t, **({"default": d} if d is not None else {})} for n, t, d in fields]})
first = schemas.create_schema(request={"parent": P, "schema_id": "runs", "schema": {"type_": "AVRO", "definition": avro(("id", "int", None))}})
second = schemas.commit_schema(request={"name": first.name, "schema": {"type_": "AVRO", "definition": avro(("id", "int", None), ("note", "string", ""))}})
proto = 'syntax = "proto3"; message Run { int32 id = 1; }'
schemas.create_schema(request={"parent": P, "schema_id": "proto-runs", "schema": {"type_": "PROTOCOL_BUFFER", "definition": proto}})
t = topic("checked", schema_settings={"schema": first.name, "encoding": "JSON"})
b = topic("checked-binary", schema_settings={"schema": f"{P}/schemas/proto-runs", "encoding": "BINARY"})
s = subscribe("checked", t)
publish(t, b'{"id": 1, "note": "x"}'); publish(t, b'{"id": 2}', mine="yes")
got = [dict(m.message.attributes) for m in pull(s)]
revisions = [x.revision_id for x in schemas.list_schema_revisions(name=first.name)]
back = schemas.rollback_schema(name=first.name, revision_id=first.revision_id)
schemas.delete_schema_revision(name=f"{first.name}@{second.revision_id}")
late = refused(lambda: publish(t, b'{"id": 1, "note": "x"}'))
view = [(x.name, x.type_.name, x.definition) for x in schemas.list_schemas(parent=P)]
print(json.dumps({
    "got": got, "ids": [first.revision_id, second.revision_id], "revisions": revisions, "view": view,
    "back": [back.definition == first.definition, back.revision_id != first.revision_id],
    "wrong": [refused(lambda: publish(t, b'{"id": "x"}')), refused(lambda: publish(b, b"\\xff")), late],
    "binary": len(publish(b, b"\\x08\\x05")),
    "checks": [
        refused(lambda: schemas.validate_schema(request={"parent": P, "schema": {"type_": "AVRO", "definition": "{"}})),
        refused(lambda: schemas.validate_message(request={"parent": P, "name": first.name, "message": b"{}", "encoding": "JSON"})),
        refused(lambda: topic("none", schema_settings={"schema": f"{P}/schemas/none", "encoding": "JSON"})),
        refused(lambda: schemas.get_schema(name=f"{first.name}@deadbeef")),
        refused(lambda: schemas.commit_schema(request={"name": first.name, "schema": {"type_": "AVRO", "definition": avro(("x", "int", None))}})),
    ],
    "gone": [schemas.delete_schema(name=first.name), publisher.get_topic(topic=t).schema_settings.schema,
             refused(lambda: publish(t, b'{"id": 1}'))],
}))
""",
    )

    first, second = found["ids"]
    marks = {"googclient_schemaencoding": "JSON", "googclient_schemaname": "projects/local-project/schemas/runs"}
    assert found["got"] == [
        {**marks, "googclient_schemarevisionid": second},
        {**marks, "googclient_schemarevisionid": first, "mine": "yes"},
    ]
    assert found["revisions"] == [second, first]
    assert found["back"] == [True, True]
    assert found["wrong"] == ["INVALID_ARGUMENT"] * 3
    assert found["binary"] == 1
    assert found["view"] == [
        ["projects/local-project/schemas/proto-runs", "PROTOCOL_BUFFER", ""],
        ["projects/local-project/schemas/runs", "AVRO", ""],
    ]
    assert found["checks"] == ["INVALID_ARGUMENT"] * 2 + ["NOT_FOUND"] * 2 + ["INVALID_ARGUMENT"]
    assert found["gone"] == [None, "_deleted-schema_", "INVALID_ARGUMENT"]


GCLOUD = """
set -e
gcloud pubsub topics create by-gcloud --schema=by-gcloud --message-encoding=json
gcloud pubsub subscriptions create by-gcloud --topic=by-gcloud --enable-message-ordering --message-filter=attributes:k \\
  --enable-exactly-once-delivery --labels=x=y --expiration-period=never --retain-acked-messages
gcloud pubsub topics publish by-gcloud --message='{"a": "x"}' || echo refused
"""


@pytest.mark.slow
@pytest.mark.timeout(300)  # the tool alone takes seconds to start, many on a busy machine
@pytest.mark.skipif(shutil.which("gcloud") is None, reason="gcloud is not on this machine")
def test_g3_gcloud_filters_orders_and_checks_schemas(running):
    definition = '{"type": "record", "name": "A", "fields": [{"name": "a", "type": "int"}]}'
    running.run("pubsub", "schemas", "create", "by-gcloud", "--type", "avro", "--definition", definition)

    done = running.run("exec", "--", "bash", "-c", GCLOUD)

    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert "refused" in done.stdout, said
    assert "a is not of the type int" in said
    shown = running.json("pubsub", "subscriptions", "describe", "by-gcloud")
    assert {k: shown[k] for k in ("filter", "enableMessageOrdering", "enableExactlyOnceDelivery", "labels")} == {
        "filter": "attributes:k",
        "enableMessageOrdering": True,
        "enableExactlyOnceDelivery": True,
        "labels": {"x": "y"},
    }
    assert shown["expirationPolicy"] == {}


def test_our_own_commands_do_what_gclouds_do(running, monkeypatch, tmp_path, capsys):
    for name, value in running.environment.items():
        monkeypatch.setenv(name, value)

    def ours(*words, code=0):
        with pytest.raises(SystemExit) as left:
            main(["pubsub", *words])
        said = capsys.readouterr()
        assert left.value.code == code, said
        return said.out + said.err if code else said.out

    def shown(*words):
        return json.loads(ours(*words, "--format", "json"))

    definition = tmp_path / "run.proto"
    definition.write_text('syntax = "proto3"; message Run { int32 id = 1; }')
    ours("schemas", "create", "ours", "--type", "protocol-buffer", "--definition-file", str(definition))
    ours("topics", "create", "ours", "--schema", "ours", "--message-encoding", "json", "--labels", "a=b")
    ours(
        "topics",
        "update",
        "ours",
        "--update-labels",
        "c=d",
        "--remove-labels",
        "a",
        "--message-retention-duration",
        "1h",
    )
    topic = shown("topics", "describe", "ours")
    assert (topic["labels"], topic["messageRetentionDuration"]) == ({"c": "d"}, "3600s")
    flags = ("--enable-message-ordering", "--message-filter", "attributes:k", "--expiration-period", "never")
    ours("subscriptions", "create", "ours", "--topic", "ours", *flags, "--dead-letter-topic", "ours", "--labels", "e=f")
    ours("topics", "publish", "ours", "--message", '{"id": 1}', "--attribute", "k=v", "--ordering-key", "o")
    assert "messages[0]" in ours("topics", "publish", "ours", "--message", '{"id": "x"}', code=2)
    ours("snapshots", "create", "ours", "--subscription", "ours", "--labels", "g=h")
    assert "ours" in ours("snapshots", "list")
    pulled = shown("subscriptions", "pull", "ours")[0]
    ours("subscriptions", "modify-message-ack-deadline", "ours", "--ack-ids", pulled["ackId"], "--ack-deadline", "60")
    ours("subscriptions", "ack", "ours", "--ack-ids", pulled["ackId"])
    assert "Listed 0 items." in ours("subscriptions", "pull", "ours")
    ours("subscriptions", "seek", "ours", "--snapshot", "ours")
    assert pulled["message"]["messageId"] in ours("subscriptions", "pull", "ours", "--auto-ack")
    ours("subscriptions", "update", "ours", "--clear-dead-letter-policy", "--ack-deadline", "33", "--clear-labels")
    ours("subscriptions", "modify-push-config", "ours", "--push-endpoint", "http://127.0.0.1:9/x", "--push-no-wrapper")
    changed = shown("subscriptions", "describe", "ours")
    assert (changed["ackDeadlineSeconds"], "deadLetterPolicy" in changed, "labels" in changed) == (33, False, False)
    assert changed["pushConfig"]["noWrapper"] == {}
    ours("topics", "detach-subscription", "ours")
    assert shown("subscriptions", "describe", "ours")["detached"]
    first = shown("schemas", "describe", "ours")["revisionId"]
    more = 'syntax = "proto3"; message Run { int32 id = 1; string note = 2; }'
    ours("schemas", "commit", "ours", "--type", "PROTOCOL-BUFFER", "--definition", more)
    ours("schemas", "rollback", "ours", "--revision-id", first)
    ours("schemas", "delete-revision", f"ours@{first}")
    assert len(shown("schemas", "list-revisions", "ours")) == 2
    ours("schemas", "validate-schema", "--type", "avro", "--definition", "{", code=2)
    message = ("schemas", "validate-message", "--schema-name", "ours", "--message-encoding", "json", "--message")
    assert "valid" in ours(*message, '{"id": 3}')
    ours(*message, '{"id": "x"}', code=2)
    for group in ("subscriptions", "snapshots", "topics", "schemas"):
        ours(group, "delete", "ours")
