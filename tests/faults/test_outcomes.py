"""The server dies while it tells how a build ended: the webhook gets that event again, and no other."""

import hmac
import http.server
import json
import threading

import pytest

from trainshed.builds.triggers.webhooks import signature
from trainshed.testing import Server, wait_until

SECRET = "whsec_c2VzYW1lc2VzYW1lc2VzYW1lc2VzYW1lc2VzYW1l"


class Receiver(http.server.ThreadingHTTPServer):
    """Takes posts; does what it is told at each."""

    def __init__(self, at_each):
        super().__init__(("127.0.0.1", 0), Handler)
        self.at_each = at_each
        self.posts = []
        threading.Thread(target=self.serve_forever).start()


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        content = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.posts.append((dict(self.headers), content))
        self.send_response(self.server.at_each(len(self.server.posts)))
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def make(tmp_path):
    opened = []

    def made(at_each):
        receiver = Receiver(at_each)
        url = f"http://127.0.0.1:{receiver.server_port}/hook"
        server = Server(tmp_path / "home", TRAINSHED_EVENT_WEBHOOK=url)
        secrets = tmp_path / "home" / "secrets"
        secrets.mkdir(parents=True)
        (secrets / "event-webhook").write_text(SECRET)
        (secrets / "event-webhook").chmod(0o600)
        opened.extend((server.stop, receiver.shutdown, receiver.server_close))
        return server.start(), receiver

    yield made
    for close in opened:
        close()


def a_build(server, folder):
    config = folder / "c.json"
    config.write_text(json.dumps({"steps": [{"name": "bash", "args": ["-c", "exit 3"]}]}))
    done = server.run("builds", "submit", "--no-source", "--config", str(config), "--async", "--format", "json")
    return json.loads(done.stdout)["id"]


def test_u42_an_event_is_posted_again_after_kill_9_and_after_a_refusal_under_the_same_id(make, tmp_path):
    killed = threading.Event()

    def at_each(number):
        if number == 1:
            server.kill()  # before it hears the answer
            killed.set()
            return 200
        return 503 if number == 2 else 204

    server, receiver = make(at_each)
    build = a_build(server, tmp_path)
    assert killed.wait(60)
    server.start()

    wait_until(lambda: len(receiver.posts) >= 3, what="the third post")

    assert len({headers["webhook-id"] for headers, _ in receiver.posts}) == 1
    assert len({content for _, content in receiver.posts}) == 1
    headers, content = receiver.posts[-1]
    event = json.loads(content)
    assert (event["type"], event["state"]) == ("trainshed.build.ended", "FAILURE")
    assert event["subject"].endswith(f"/builds/{build}")
    assert event["id"] == headers["webhook-id"]
    expected = signature(SECRET, headers["webhook-id"], headers["webhook-timestamp"], content)
    assert hmac.compare_digest(headers["webhook-signature"], expected)
