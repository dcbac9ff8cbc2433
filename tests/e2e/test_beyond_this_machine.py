"""A server that others can reach: everybody needs a token, and nobody gets through it to somewhere else."""

import socket
import stat
import sys
import threading
from contextlib import ExitStack, closing

import httpx
import pytest

from trainshed.api.tokens import Key
from trainshed.testing import Server, server

_SDK = """
from google.cloud import storage
client = storage.Client()
client.create_bucket("beyond")
print([bucket.name for bucket in client.list_buckets()])
"""


@pytest.fixture(scope="module")
def listening(make_home):
    with server(make_home(), "--host", "0.0.0.0") as running:
        yield running


def outward_address():
    """Answer the address by which others reach this machine, if it has one."""
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return "127.0.0.1"
        return probe.getsockname()[0]


@pytest.mark.parametrize("path", ["/v1/projects/p/topics", "/storage/v1/b", "/", "/trainshed/v1/environment"])
@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer a.b.c"}])
def test_who_brings_no_token_is_told_where_there_is_one(listening, path, headers):
    answer = httpx.get(listening.address + path, headers=headers, timeout=60)

    assert answer.status_code == httpx.codes.UNAUTHORIZED
    assert "TRAINSHED_TOKEN" in answer.json()["error"]["message"]


_TRIGGER = "/v1/projects/local-project/locations/global/triggers/x:webhook"
_WEBHOOK = "/trainshed/v1/webhooks/x"


@pytest.mark.parametrize(
    ("verb", "host", "path"),
    [
        ("PATCH", "", f"{_TRIGGER}?triggerId=real&projectId=local-project&updateMask=build"),
        ("DELETE", "", f"{_TRIGGER}?triggerId=real&projectId=local-project"),
        ("GET", "", f"{_TRIGGER}?triggerId=real&projectId=local-project"),
        *[
            (verb, host, path)
            for verb in ("GET", "PUT", "POST", "DELETE")
            for host in (
                "bucket.storage.googleapis.com",
                "storage.googleapis.com",
                "x-y.cloudfunctions.net",
                "f.run.app:443",
            )
            for path in (_WEBHOOK, "/token", "/oauth2/v4/token")
        ],
        ("GET", "", _WEBHOOK),
        ("GET", "", "/token"),
    ],
)
def test_no_address_is_open_but_to_what_proves_itself(listening, verb, host, path):
    headers = {"Host": host} if host else {}

    answer = httpx.request(verb, listening.address + path, headers=headers, content=b"{}", timeout=60)

    assert answer.status_code == httpx.codes.UNAUTHORIZED


def test_a_webhook_without_its_secret_is_refused_by_the_webhook(listening):
    answer = httpx.post(f"{listening.address}/trainshed/v1/webhooks/github", content=b"{}", timeout=60)

    assert answer.status_code != httpx.codes.UNAUTHORIZED or "TRAINSHED_TOKEN" not in answer.text


def test_a_token_buys_no_other_token(listening):
    key = Key(listening.home / "ca" / "service-accounts.key")
    grant = {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer"}
    tokens = [key.access_token("user"), key.identity_token("a@b.c", "https://endpoint.example")]

    answers = [httpx.post(f"{listening.address}/token", data=grant | {"assertion": t}, timeout=60) for t in tokens]

    assert [answer.status_code for answer in answers] == [401, 401]


def test_a_stranger_cannot_send_without_end(listening):
    answer = httpx.post(f"{listening.address}/token", content=b"a=" + b"x" * 200_000, timeout=60)

    assert answer.status_code == httpx.codes.BAD_REQUEST
    assert "larger than" in answer.text


@pytest.mark.parametrize("principal", ["x@/../../../elsewhere", "../x", "a/b", "", ".", "a..b"])
def test_a_principal_is_no_path(listening, principal):
    headers = {"Authorization": f"Bearer {(listening.home / 'token').read_text()}"}

    answer = httpx.get(
        f"{listening.address}/trainshed/v1/environment", params={"principal": principal}, headers=headers, timeout=60
    )

    assert answer.status_code == httpx.codes.BAD_REQUEST
    assert "principal" in answer.json()["error"]["message"]


def test_tokens_are_not_given_away(listening):
    refresh = httpx.post(f"{listening.address}/token", data={"grant_type": "refresh_token"}, timeout=60)
    assertion = {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": "a.b.c"}
    forged = httpx.post(f"{listening.address}/token", data=assertion, timeout=60)

    assert [refresh.status_code, forged.status_code] == [401, 401]
    assert "access_token" not in refresh.text + forged.text


def test_the_command_line_of_this_machine_finds_its_token(listening):
    made = listening.run("pubsub", "topics", "create", "beyond")
    assert made.returncode == 0, made.stderr
    file = listening.home / "token"
    assert stat.S_IMODE(file.stat().st_mode) == stat.S_IRUSR | stat.S_IWUSR


def test_the_command_line_of_another_machine_is_given_one(listening, tmp_path):
    token = (listening.home / "token").read_text()
    away = Server(tmp_path, TRAINSHED_ADDRESS=listening.address)

    refused = away.run("pubsub", "topics", "list")
    listed = Server(tmp_path, TRAINSHED_ADDRESS=listening.address, TRAINSHED_TOKEN=token).run(
        "pubsub", "topics", "list"
    )

    assert refused.returncode == 2
    assert "TRAINSHED_TOKEN" in refused.stderr
    assert listed.returncode == 0, listed.stderr


def test_googles_clients_exchange_the_key_that_exec_gives_them(listening):
    done = listening.run("exec", "--", sys.executable, "-c", _SDK)

    assert done.returncode == 0, done.stderr
    assert "beyond" in done.stdout


def test_others_are_not_led_through_to_anywhere(listening):
    address, port = outward_address(), int(listening.address.rpartition(":")[2])
    if address.startswith("127."):
        pytest.skip("this machine has no address but its own loopback")
    with closing(socket.create_connection((address, port), timeout=60)) as visitor:
        visitor.sendall(f"CONNECT 127.0.0.1:{port} HTTP/1.1\r\n\r\n".encode())
        assert visitor.recv(1000).startswith(b"HTTP/1.1 403")


def test_a_token_is_not_sent_to_another_server(listening):
    heard = []

    def listen(stranger):
        connection, _ = stranger.accept()
        with closing(connection):
            heard.append(connection.recv(65536))
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")

    with closing(socket.create_server(("127.0.0.1", 0))) as stranger:
        thread = threading.Thread(target=listen, args=(stranger,))
        thread.start()
        address = f"http://127.0.0.1:{stranger.getsockname()[1]}"
        Server(listening.home, TRAINSHED_ADDRESS=address).run("pubsub", "topics", "list", limit=60)
        thread.join(60)

    assert heard[0].startswith(b"GET /v1/projects/")
    assert b"authorization" not in heard[0].lower()


_PAGE = {"Accept": "text/html"}


def token_of(running):
    return (running.home / "token").read_text().strip()


def sign_in(running, token, path="/runs?state=FAILED", **headers):
    return httpx.post(
        f"{running.address}/login", params={"next": path}, data={"token": token}, headers=headers, timeout=60
    )


@pytest.fixture(scope="module")
def cookie(listening):
    answer = sign_in(listening, token_of(listening))
    assert answer.status_code == httpx.codes.SEE_OTHER
    return {"Cookie": answer.headers["set-cookie"].partition(";")[0]}


def test_a_browser_is_led_to_the_form_and_back_to_where_it_wanted_to_go(listening):
    sent = httpx.get(f"{listening.address}/runs?state=FAILED", headers=_PAGE, timeout=60)
    form = httpx.get(listening.address + sent.headers["location"], headers=_PAGE, timeout=60)
    entered = httpx.post(listening.address + sent.headers["location"], data={"token": token_of(listening)}, timeout=60)

    assert (sent.status_code, sent.headers["location"]) == (303, "/login?next=%2Fruns%3Fstate%3DFAILED")
    assert form.status_code == httpx.codes.OK
    assert 'type="password"' in form.text
    assert (entered.status_code, entered.headers["location"]) == (303, "/runs?state=FAILED")
    assert "HttpOnly; SameSite=Strict" in entered.headers["set-cookie"]
    assert "Secure" not in entered.headers["set-cookie"]
    by_tls = sign_in(listening, token_of(listening), **{"X-Forwarded-Proto": "https"})
    assert by_tls.headers["set-cookie"].endswith("; Secure")


@pytest.mark.parametrize("elsewhere", ["//evil.example", "https://evil.example", "/\\evil.example", "/login"])
def test_the_form_leads_nowhere_else(listening, elsewhere):
    assert sign_in(listening, token_of(listening), elsewhere).headers["location"] == "/"


def test_the_cookie_opens_pages_and_the_surface_to_the_servers_own_pages_alone(listening, cookie):
    address, own = listening.address, {"Origin": listening.address}
    named = {"Host": "train.example.org", "Origin": "https://train.example.org"}

    def create(name, **headers):
        path = f"{address}/v1/projects/local-project/topics/{name}"
        return httpx.put(path, json={}, headers={**cookie, **headers}, timeout=60).status_code

    assert httpx.get(f"{address}/", headers={**cookie, **_PAGE}, timeout=60).status_code == httpx.codes.OK
    assert create("by-page", **own) == httpx.codes.OK
    assert create("by-public-name", **named) == httpx.codes.OK
    assert create("by-fetch", **{"Sec-Fetch-Site": "same-origin"}) == httpx.codes.OK
    assert create("by-stranger", Origin="https://evil.example") == httpx.codes.FORBIDDEN
    assert create("by-neighbour", **{"Sec-Fetch-Site": "same-site"}) == httpx.codes.FORBIDDEN
    assert create("by-nobody") == httpx.codes.FORBIDDEN
    text = {**cookie, "Content-Type": "text/plain", "User-Agent": "Mozilla/4.0"}
    old_form = httpx.post(f"{address}/v1/projects/local-project/topics/by-page:publish", content="{}", headers=text)
    assert old_form.status_code == httpx.codes.FORBIDDEN


def test_a_wrong_token_says_so_and_opens_nothing(listening):
    answer = sign_in(listening, "wrong", **{"X-Forwarded-For": "1.2.3.4"})
    forged = httpx.get(f"{listening.address}/", headers={"Cookie": "trainshed-session=a.b.c"}, timeout=60)

    assert answer.status_code == httpx.codes.UNAUTHORIZED
    assert "not the token of this server" in answer.text
    assert "set-cookie" not in answer.headers
    assert forged.status_code == httpx.codes.UNAUTHORIZED


def test_signing_out_takes_the_cookie_away_and_ends_its_session(listening):
    made = sign_in(listening, token_of(listening)).headers["set-cookie"]
    cookie, other = (
        {"Cookie": found.partition(";")[0]}
        for found in (made, sign_in(listening, token_of(listening)).headers["set-cookie"])
    )
    page = httpx.get(f"{listening.address}/", headers={**cookie, **_PAGE}, timeout=60)
    foreign = httpx.post(
        f"{listening.address}/logout", headers={**cookie, "Origin": "https://evil.example"}, timeout=60
    )
    out = httpx.post(f"{listening.address}/logout", headers={**cookie, "Origin": listening.address}, timeout=60)

    assert 'action="/logout"' in page.text
    assert (out.status_code, out.headers["location"]) == (303, "/login")
    assert "trainshed-session=; Path=/; Max-Age=0" in out.headers["set-cookie"]
    assert foreign.status_code == httpx.codes.FORBIDDEN
    assert token_of(listening) not in made
    pages = [httpx.get(f"{listening.address}/", headers=headers, timeout=60) for headers in (cookie, other)]
    assert [page.status_code for page in pages] == [401, 200]  # also for a copy of the cookie; of another browser's not
    header = {"Authorization": f"Bearer {cookie['Cookie'].partition('=')[2]}"}
    assert httpx.get(f"{listening.address}/storage/v1/b?project=p", headers=header, timeout=60).status_code == 401


def test_signing_out_ends_what_its_session_listens_to_and_nothing_else(listening):
    cookie, other = (
        {"Cookie": sign_in(listening, token_of(listening)).headers["set-cookie"].partition(";")[0]} for _ in range(2)
    )
    with httpx.Client(base_url=listening.address, timeout=15) as client, ExitStack() as listens:
        mine, others = (
            listens.enter_context(client.stream("GET", "/?live=0", headers=headers)).iter_text()
            for headers in (cookie, other)
        )
        assert [next(each).startswith("retry: ") for each in (mine, others)] == [True, True]

        client.post("/logout", headers={**cookie, "Origin": listening.address})
        rest = "".join(mine)  # ends
        topic = f"{listening.address}/v1/projects/local-project/topics/after-signing-out"
        assert client.put(topic, json={}, headers={**other, "Origin": listening.address}).status_code == httpx.codes.OK
        client.post("/v1/projects/local-project/topics/after-signing-out:publish", json={}, headers=other)

        assert "event: end" not in rest
        assert client.get("/?live=0", headers=cookie).status_code == httpx.codes.UNAUTHORIZED
        assert next(others)


@pytest.mark.parametrize(
    ("verb", "path", "host"),
    [
        ("PUT", "/login", ""),
        ("DELETE", "/login", ""),
        ("GET", "/login/", ""),
        ("GET", "/static/../v1/projects/local-project/topics", ""),
        ("GET", "/static/%2e%2e/serve.py", ""),
        ("GET", "/static/sub/live.js", ""),
        ("POST", "/static/live.js", ""),
        ("POST", "/logout", ""),
        ("GET", "/login", "f.run.app"),
        ("POST", "/login", "x-y.cloudfunctions.net"),
        ("GET", "/static/live.js", "bucket.storage.googleapis.com"),
    ],
)
def test_nothing_but_the_form_and_its_looks_is_open(listening, verb, path, host):
    with closing(socket.create_connection(("127.0.0.1", int(listening.address.rpartition(":")[2])), timeout=60)) as raw:
        head = f"{verb} {path} HTTP/1.1\r\nHost: {host or 'x'}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
        raw.sendall(head.encode())
        assert raw.recv(1000).startswith(b"HTTP/1.1 401")


def test_the_form_can_be_seen_and_cannot_be_framed(listening):
    form = httpx.get(f"{listening.address}/login", timeout=60)
    looks = httpx.get(f"{listening.address}/static/trainshed.css", timeout=60)

    assert looks.status_code == httpx.codes.OK
    assert "frame-ancestors 'none'" in form.headers["content-security-policy"]
    assert "form-action 'self'" in form.headers["content-security-policy"]


@pytest.mark.parametrize(
    ("host", "headers", "expected"),
    [
        ("127.0.0.1", {}, "same-origin"),
        (
            "192.168.1.5",
            {},
            None,
        ),  # by plain HTTP a browser heeds it of its own machine alone, and logs an error otherwise
        ("192.168.1.5", {"x-forwarded-proto": "https"}, "same-origin"),
        ("train.example.org", {"x-forwarded-proto": "https, http"}, "same-origin"),
        ("train.example.org", {"x-forwarded-proto": "http"}, None),
    ],
)
@pytest.mark.parametrize("path", ["/login", "/", "/runs?nothing=of-it", "/no/such/page"])
def test_a_page_is_alone_in_its_window_where_browsers_heed_it(listening, cookie, path, host, headers, expected):
    page = httpx.get(listening.address + path, headers={**_PAGE, **headers, **cookie, "Host": host}, timeout=60)

    assert page.headers["content-security-policy"]
    assert page.headers.get("cross-origin-opener-policy") == expected


def test_whoever_guesses_waits_whatever_address_they_name(listening):
    named = [{"X-Forwarded-For": f"192.0.2.{number}"} for number in range(6)]
    answers = [sign_in(listening, f"guess-{place}", **headers).status_code for place, headers in enumerate(named)]

    assert answers[-1] == httpx.codes.TOO_MANY_REQUESTS
