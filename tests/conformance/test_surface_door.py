"""The front door, by sockets: who is led where, who is refused, what credentials say."""

import base64
import contextlib
import http.client
import json
import re
import socket
import ssl
import stat
import threading
from pathlib import Path
from urllib.parse import urlencode

import grpc
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding

from trainshed import errors
from trainshed.api.descriptors import message, message_class
from trainshed.api.reach import Reach
from trainshed.api.serve import Surface
from trainshed.api.tokens import Key
from trainshed.settings import load


def ask(tiny, method, path, body=None, headers=None):
    connection = http.client.HTTPConnection("127.0.0.1", tiny.port, timeout=90)
    text = json.dumps(body) if isinstance(body, (dict, list)) else body
    connection.request(method, path, body=text, headers=headers or {})
    response = connection.getresponse()
    content = response.read()
    connection.close()
    is_json = "json" in response.headers.get("content-type", "")
    return response.status, json.loads(content) if is_json else content.decode()


def bearer(tiny, principal):
    return {"Authorization": f"Bearer {tiny.surface.reach.key.access_token(principal)}"}


def read_all(connection):
    received = b""
    while data := connection.recv(65536):
        received += data
    return received


def tunnel(tiny, host):
    connection = socket.create_connection(("127.0.0.1", tiny.port), timeout=90)
    connection.sendall(f"CONNECT {host} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    head = b""
    while b"\r\n\r\n" not in head:
        head += connection.recv(1)
    return connection, head.split(b"\r\n")[0].decode()


def secured(tiny, host, protocols):
    connection, line = tunnel(tiny, f"{host}:443")
    assert line.startswith("HTTP/1.1 200 ")
    context = ssl.create_default_context(cafile=str(tiny.surface.reach.bundle))
    context.set_alpn_protocols(protocols)
    return context.wrap_socket(connection, server_hostname=host)


def test_json_goes_in_and_comes_out_as_google_writes_it(tiny):
    status, topic = ask(tiny, "PUT", "/v1/projects/p/topics/json", {"labels": {"a": "b"}})

    assert (status, topic) == (200, {"name": "projects/p/topics/json", "labels": {"a": "b", "by": "user"}})
    assert ask(tiny, "DELETE", "/v1/projects/p/topics/json") == (200, {})


def test_an_unknown_field_is_refused_by_name(tiny):
    status, document = ask(tiny, "PUT", "/v1/projects/p/topics/typo", {"lables": {"a": "b"}})

    error = document["error"]
    assert (status, error["code"], error["status"]) == (400, 400, "INVALID_ARGUMENT")
    assert error["message"] == "lables: unknown name; Topic has no field 'lables', did you mean 'labels'?"
    assert error["details"][1]["fieldViolations"][0]["field"] == "lables"


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("GET", "/v1/projects/p/topics/none", None, 404, "NOT_FOUND"),
        ("GET", "/v1/projects/p/topics?pageSize=2000", None, 400, "INVALID_ARGUMENT"),
        ("PATCH", "/v1/projects/p/topics/t", {"topic": {}}, 500, "INTERNAL"),
        ("GET", "/v1/projects/p/topics/t/snapshots", None, 501, "UNIMPLEMENTED"),
        ("GET", "/v1/nothing/of/the/kind", None, 404, "NOT_FOUND"),
        ("DELETE", "/token", None, 405, "UNIMPLEMENTED"),
        ("PUT", "/v1/projects/p/topics/t", "{", 400, "INVALID_ARGUMENT"),
    ],
)
def test_each_error_has_its_status(tiny, method, path, body, status, code):
    found, document = ask(tiny, method, path, body)

    assert (found, document["error"]["status"]) == (status, code)
    assert document["error"]["code"] == status


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1", "http://evil.example:{port}"])
def test_a_page_of_somebody_else_cannot_use_the_server(tiny, origin):
    headers, reason = {"Origin": origin.format(port=tiny.port), "Content-Type": "text/plain"}, "FOREIGN_ORIGIN"
    if "{port}" in origin:
        headers["Host"] = f"evil.example:{tiny.port}"  # a name that was made to resolve to this machine
        reason = "FOREIGN_HOST"

    status, document = ask(tiny, "PUT", "/v1/projects/p/topics/foreign", {}, headers)

    assert (status, document["error"]["details"][0]["reason"]) == (403, reason)


@pytest.mark.parametrize("path", ["/trainshed/v1/environment", "/v1/projects/p/topics", "/"])
def test_a_name_that_was_made_to_resolve_to_this_machine_reads_nothing(tiny, path):
    status, document = ask(tiny, "GET", path, headers={"Host": f"evil.example:{tiny.port}"})

    assert (status, document["error"]["details"][0]["reason"]) == (403, "FOREIGN_HOST")


@pytest.mark.parametrize(
    "host", ["localhost:{port}", "127.0.0.1", "[::1]:{port}", "pubsub.googleapis.com", "LOCALHOST."]
)
def test_our_own_names_and_googles_are_answered(tiny, host):
    status, _ = ask(tiny, "GET", "/v1/projects/p/topics", headers={"Host": host.format(port=tiny.port)})

    assert status == 200


def test_the_dashboards_own_pages_can(tiny):
    assert ask(tiny, "PUT", "/v1/projects/p/topics/own-page", {}, {"Origin": tiny.address})[0] == 200


def test_what_is_said_under_our_own_name_can_do_nothing_in_a_browser(tiny):
    def policy(path, host):
        connection = http.client.HTTPConnection("127.0.0.1", tiny.port, timeout=90)
        connection.request("GET", path, headers={"Host": host})
        found = connection.getresponse()
        connection.close()
        return found.headers.get_all("content-security-policy"), found.headers["x-content-type-options"]

    own = f"127.0.0.1:{tiny.port}"
    for path in ("/v1/projects/p/topics", "/nothing/here", "/v1/projects/p/topics/nope"):
        (said,), sniffing = policy(path, own)
        assert said.startswith("default-src 'none'; form-action 'none';")
        assert sniffing == "nosniff"
    assert policy("/", "pages.run.app")[0] is None  # every page there is somebody's own


def test_first_bytes_may_come_one_by_one(tiny):
    request = b"PUT /v1/projects/p/topics/slow HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}"
    with socket.create_connection(("127.0.0.1", tiny.port), timeout=90) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for position in range(5):
            connection.sendall(request[position : position + 1])
        connection.sendall(request[5:])

        assert b"projects/p/topics/slow" in read_all(connection)


def test_a_google_host_is_answered_with_our_certificate_and_a_client_that_offers_both_gets_http_1(tiny):
    with secured(tiny, "us-central1-aiplatform.googleapis.com", ["h2", "http/1.1"]) as connection:
        assert connection.selected_alpn_protocol() == "http/1.1"
        connection.sendall(b"GET /v3/projects/p HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")

        assert b'"name": "projects/100000000001"' in read_all(connection)


def test_another_host_is_refused_by_name_with_the_way_out(tiny):
    connection, line = tunnel(tiny, "pypi.org:443")

    assert line.startswith(
        "HTTP/1.1 403 pypi.org is not answered here; start the server with TRAINSHED_TUNNEL=pypi.org"
    )
    assert b"NO_PROXY" in read_all(connection)
    connection.close()


def test_this_machine_is_let_through(tiny):
    connection, line = tunnel(tiny, f"127.0.0.1:{tiny.port}")
    with connection:
        assert line.startswith("HTTP/1.1 200 ")
        connection.sendall(b"GET /v3/projects/p HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        connection.shutdown(socket.SHUT_WR)

        assert b"projects/100000000001" in read_all(connection)


def test_a_host_that_cannot_be_reached_is_said_so(tiny):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        connection, line = tunnel(tiny, f"127.0.0.1:{taken.getsockname()[1]}")

    assert line == "HTTP/1.1 502 Bad Gateway"
    connection.close()


class Proxy:
    """Somebody else's proxy: answers one CONNECT, then says what it was asked."""

    def __init__(self, answer):
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._answer = answer
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._thread.join(20)
        self._listener.close()

    def _serve(self):
        visitor, _ = self._listener.accept()
        with visitor, contextlib.suppress(ConnectionResetError):
            asked = visitor.recv(65536)
            visitor.sendall(self._answer)
            visitor.sendall(asked.split(b"\r\n")[0] if visitor.recv(5) == b"hello" else b"?")


def test_what_is_let_through_takes_the_proxy_that_the_server_was_told(tiny, monkeypatch):
    with Proxy(b"HTTP/1.1 200 OK\r\n\r\n") as proxy:
        monkeypatch.setenv("https_proxy", proxy.address)
        connection, line = tunnel(tiny, "elsewhere.test:443")
        connection.sendall(b"hello")

        assert line.startswith("HTTP/1.1 200 ")
        assert read_all(connection) == b"CONNECT elsewhere.test:443 HTTP/1.1"
        connection.close()


def test_a_refusal_of_that_proxy_is_passed_on(tiny, monkeypatch):
    with Proxy(b"HTTP/1.1 407 Who are you\r\n\r\n") as proxy:
        monkeypatch.setenv("https_proxy", proxy.address)
        connection, line = tunnel(tiny, "elsewhere.test:443")

        assert line == "HTTP/1.1 502 Bad Gateway"
        assert b"answers 'HTTP/1.1 407 Who are you'" in read_all(connection)
        connection.close()


def test_settings_name_hosts_to_let_through(tmp_path):
    near = Reach(load({}, home=tmp_path, tunnel="pypi.org,*.pythonhosted.org"))

    let_through = [h for h in ("pypi.org", "files.pythonhosted.org", "github.com") if near.is_let_through(h)]

    assert let_through == ["pypi.org", "files.pythonhosted.org"]


def test_large_messages_pass(tiny):
    request = message_class("google.pubsub.v1.PublishRequest")
    response = message_class("google.pubsub.v1.PublishResponse")
    size = 20_000_000
    with grpc.insecure_channel(f"127.0.0.1:{tiny.port}") as channel:
        publish = channel.unary_unary(
            "/google.pubsub.v1.Publisher/Publish", request.SerializeToString, response.FromString
        )
        answer = publish(request(topic="t", messages=[{"data": b"x" * size}]), timeout=90)

    assert list(answer.message_ids) == [str(size)]


def test_older_vertex_clients_are_served_by_the_same_methods(tiny):
    parent = "projects/p/locations/us-central1"
    request = message_class("google.cloud.aiplatform.v1.GetPipelineJobRequest")
    job = message_class("google.cloud.aiplatform.v1.PipelineJob")

    status, made = ask(tiny, "POST", f"/v1beta1/{parent}/pipelineJobs?pipelineJobId=old", {"displayName": "d"})
    with grpc.insecure_channel(f"127.0.0.1:{tiny.port}") as channel:
        path = "/google.cloud.aiplatform.v1beta1.PipelineService/GetPipelineJob"
        got = channel.unary_unary(path, request.SerializeToString, job.FromString)(request(name=made["name"]))

    assert (status, got.display_name) == (200, "d")


def test_an_rpc_that_no_interface_has_is_unimplemented(tiny):
    with grpc.insecure_channel(f"127.0.0.1:{tiny.port}") as channel, pytest.raises(grpc.RpcError) as raised:
        channel.unary_unary("/google.pubsub.v1.Publisher/Guess")(b"", timeout=90)

    assert raised.value.code() == grpc.StatusCode.UNIMPLEMENTED


def test_a_service_that_is_not_ours_is_refused_by_name_with_the_way_out(tiny):
    host = {"Host": "bigquery.googleapis.com"}
    status, answer = ask(tiny, "GET", "/bigquery/v2/projects/p/datasets", headers=host)
    with grpc.insecure_channel(f"127.0.0.1:{tiny.port}") as channel, pytest.raises(grpc.RpcError) as refused:
        channel.unary_unary("/google.spanner.v1.Spanner/GetSession")(b"", timeout=90)

    assert status == 404
    for said in (answer["error"]["message"], refused.value.details()):
        assert "is not served here" in said
        assert "without `trainshed exec`" in said
    assert "bigquery.googleapis.com" in answer["error"]["message"]
    assert "google.spanner.v1.Spanner/GetSession" in refused.value.details()
    assert refused.value.code() is grpc.StatusCode.UNIMPLEMENTED


def test_bytes_that_are_no_request_are_blamed_on_the_request(tiny):
    with grpc.insecure_channel(f"127.0.0.1:{tiny.port}") as channel, pytest.raises(grpc.RpcError) as refused:
        channel.unary_unary("/google.pubsub.v1.Publisher/GetTopic")(b"\n\x03\xff\xfe\xfd", timeout=90)

    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "GetTopicRequest" in refused.value.details()


@pytest.mark.parametrize(
    ("body", "said"), [("[" * 100_000, "nested too deeply"), ('{"labels": {"a": NaN}}', "not a JSON number")]
)
def test_json_that_cannot_be_stored_is_refused(tiny, body, said):
    status, answer = ask(tiny, "PUT", "/v1/projects/p/topics/some-topic", body=body)

    assert status == 400
    assert said in answer["error"]["message"]


def test_a_port_in_use_is_said_so(tiny, tmp_path):
    second = Surface(load({}, home=tmp_path, port=tiny.port), [])

    with pytest.raises(errors.FailedPrecondition, match=f"port: {tiny.port} on 127.0.0.1 is in use") as raised:
        tiny.do(second.start())

    assert raised.value.reason == "PORT_IN_USE"


def test_a_surface_stops_while_a_client_is_connected(tiny, tmp_path):
    second = Surface(load({}, home=tmp_path, port=0), [])
    address = tiny.do(second.start())
    with socket.create_connection(("127.0.0.1", int(address.rsplit(":", 1)[1])), timeout=90) as connection:
        connection.sendall(b"GET /v1/projects HTTP/1.1\r\nHost: x\r\n\r\n")
        assert connection.recv(20).startswith(b"HTTP/1.1 200")
        tiny.do(second.stop())

        read_all(connection)


class Endless:
    SERVICE = "google.pubsub.v1.Subscriber"

    async def StreamingPull(self, requests):  # noqa: N802
        async for _ in requests:
            yield message("google.pubsub.v1.StreamingPullResponse")


def test_a_surface_stops_while_a_stream_is_open(tiny, tmp_path):
    second = Surface(load({}, home=tmp_path, port=0), [Endless()])
    address = tiny.do(second.start())
    request = message_class("google.pubsub.v1.StreamingPullRequest")
    response = message_class("google.pubsub.v1.StreamingPullResponse")
    is_over = threading.Event()

    def requests():
        yield request()
        is_over.wait(20)

    with grpc.insecure_channel(address.removeprefix("http://")) as channel:
        stream = channel.stream_stream(
            "/google.pubsub.v1.Subscriber/StreamingPull", request.SerializeToString, response.FromString
        )(requests())
        assert next(stream) is not None
        tiny.do(second.stop())
        with pytest.raises(grpc.RpcError) as raised:
            next(stream)
        is_over.set()

    assert raised.value.code() in {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED}


def test_authority_and_key_are_made_once_and_private(tmp_path):
    first, second = (Reach(load({}, home=tmp_path)) for _ in range(2))
    first.prepare()

    made = {file: file.read_bytes() for file in (tmp_path / "ca").iterdir()}
    second.prepare()
    assert {file: file.read_bytes() for file in (tmp_path / "ca").iterdir()} == made
    assert first.key.id == second.key.id
    files = sorted((tmp_path / "ca").iterdir())
    assert {re.sub("-[0-9a-f]{12}", "", file.name): stat.S_IMODE(file.stat().st_mode) for file in files} == {
        "authority.key": 0o600,
        "authority.pem": 0o600,
        "server.pem": 0o600,
        "service-accounts.key": 0o600,
    }


def test_a_token_of_another_server_is_nobody_in_particular(tiny, tmp_path):
    foreign = Key(tmp_path / "key").access_token("f-1@local-project.iam.gserviceaccount.com")

    _, who = ask(tiny, "GET", "/v1/userinfo", headers={"Authorization": f"Bearer {foreign}"})

    assert who["email"] == "user@local-project.iam.gserviceaccount.com"


def test_an_expired_token_and_a_forged_one_are_refused(tiny):
    key = tiny.surface.reach.key
    expired = key.access_token("f@x", lifetime_seconds=-1000)
    forged = key.access_token("f@x")[:-8] + "AAAAAAAA"

    for token in (expired, forged):
        status, document = ask(tiny, "GET", "/v3/projects/p", headers={"Authorization": f"Bearer {token}"})
        assert (status, document["error"]["status"]) == (401, "UNAUTHENTICATED")


def test_beyond_the_loopback_interface_a_token_is_needed(tmp_path):
    near = Reach(load({}, home=tmp_path, host="0.0.0.0"))

    with pytest.raises(errors.Unauthenticated):
        near.identify("")
    assert near.identify(f"Bearer {near.key.access_token('f@x')}").principal == "f@x"


def test_a_signed_assertion_buys_a_token(tiny):
    key = tiny.surface.reach.key
    assertion = key.token({"iss": "f@x", "exp": 4102444800})
    form = {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": assertion}

    status, answer = ask(tiny, "POST", "/token", urlencode(form))

    assert status == 200
    assert tiny.surface.reach.identify(f"Bearer {answer['access_token']}").principal == "f@x"


def test_an_assertion_of_somebody_else_buys_nothing(tiny, tmp_path):
    assertion = Key(tmp_path / "key").token({"iss": "f@x", "exp": 4102444800})
    form = {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": assertion}

    assert ask(tiny, "POST", "/token", urlencode(form))[0] == 401


def test_accounts_sign_and_make_tokens(tiny):
    account = "/v1/projects/-/serviceAccounts/f@x"
    public = serialization.load_pem_private_key(tiny.surface.reach.key.pem, None).public_key()

    _, signed = ask(tiny, "POST", f"{account}:signBlob", {"payload": base64.b64encode(b"blob").decode()})
    _, made = ask(tiny, "POST", f"{account}:generateAccessToken", {"scope": ["cloud-platform"]})

    public.verify(base64.b64decode(signed["signedBlob"]), b"blob", padding.PKCS1v15(), hashes.SHA256())
    assert tiny.surface.reach.identify(f"Bearer {made['accessToken']}").principal == "f@x"
    assert ask(tiny, "GET", f"{account}/allowedLocations") == (200, {"locations": [], "encodedLocations": "0x0"})


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("project/project-id", "local-project"),
        ("project/numeric-project-id", "100000000001"),
        ("instance/service-accounts/default/email", "f-3@local-project.iam.gserviceaccount.com"),
    ],
)
def test_the_metadata_server_answers(tiny, path, answer):
    headers = bearer(tiny, "f-3@local-project.iam.gserviceaccount.com")

    assert ask(tiny, "GET", f"/computeMetadata/v1/{path}", headers=headers) == (200, answer)


def test_projects_and_services_are_there(tiny):
    assert ask(tiny, "GET", "/v1/projects/local-project")[1]["projectNumber"] == "100000000001"
    assert ask(tiny, "GET", "/v1/projects/p/services/pubsub.googleapis.com")[1]["state"] == "ENABLED"
    assert ask(tiny, "POST", "/v1/projects/p/services/pubsub.googleapis.com:enable")[1]["done"] is True


def test_an_operation_is_found_by_name_whatever_version_asks(tiny):
    for version in ("v1", "v2"):
        path = f"/{version}/projects/p/locations/l/operations"
        assert ask(tiny, "GET", f"{path}/1")[1]["done"] is True
        assert ask(tiny, "GET", f"{path}/2")[0] == 404


def test_the_environment_has_every_variable_that_the_clients_need(tiny):
    found = tiny.surface.reach.environment("f@x")

    assert found["https_proxy"] == found["HTTPS_PROXY"] == tiny.address
    assert found["no_proxy"].startswith("127.0.0.1,localhost")
    bundles = {found[name] for name in ("GRPC_DEFAULT_SSL_ROOTS_FILE_PATH", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")}
    assert bundles == {str(tiny.surface.reach.bundle)}
    account = json.loads(Path(found["GOOGLE_APPLICATION_CREDENTIALS"]).read_text())
    assert (account["client_email"], account["token_uri"]) == ("f@x", f"{tiny.address}/token")
