"""Who gets in: a login where others can reach the server; and what a page of somebody else can do here, which is nothing."""

import re
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from browser.conftest import copy_of, looking
from browser.doing import PLACE, actions, ask, forgive
from browser.looks import LOOKS, audit
from browser.places import places
from playwright.sync_api import expect

from trainshed.testing import server

JOB = f"{PLACE}/jobs/hourly-training"


@pytest.fixture(scope="module")
def listening(chromium, demonstrated, tmp_path_factory):  # without a browser nothing is worth starting
    with server(copy_of(demonstrated.home, tmp_path_factory.mktemp("listening")), "--host", "0.0.0.0") as running:
        running.address = running.address.replace("0.0.0.0", "127.0.0.1")
        yield running


def test_one_signs_in_does_something_and_signs_out(chromium, listening):
    token = (listening.home / "token").read_text().strip()
    with looking(chromium, listening.address) as page:
        page.goto(f"/schedules/{JOB}?view=edit")
        expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
        for scheme, width in LOOKS:
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            page.set_viewport_size({"width": width, "height": 900})
            assert audit(page) == []
        expect(page.get_by_label("Token")).to_be_focused()
        page.keyboard.type("wrong")
        page.keyboard.press("Enter")
        expect(page.get_by_role("alert")).to_contain_text("not the token of this server")
        forgive(page, "401")
        assert audit(page) == []
        page.get_by_label("Token").fill(token)
        page.keyboard.press("Enter")

        page.wait_for_url(f"**/schedules/{JOB}?view=edit")
        page.get_by_role("link", name="Firings", exact=True).click()
        page.locator("#actions").get_by_role("button", name="Pause").click()
        expect(page.locator("#head .badge")).to_have_text("PAUSED")  # live, with the cookie
        assert listening.json("scheduler", "jobs", "describe", "hourly-training")["state"] == "PAUSED"

        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
        page.goto("/runs")
        page.wait_for_url("**/login?next=%2Fruns")


class _Strange(BaseHTTPRequestHandler):
    """A page of somebody else, under another port of this machine."""

    def do_GET(self):
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>Theirs</title>")

    def log_message(self, *_):
        """Say nothing."""


@contextmanager
def somebody_else():
    with ThreadingHTTPServer(("127.0.0.1", 0), _Strange) as strange:
        thread = threading.Thread(target=strange.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{strange.server_port}/"
        strange.shutdown()
        thread.join()


ASK = """async ([url, method, body, mode]) => {
  const headers = mode === "cors" ? { "content-type": "application/json" } : { "content-type": "text/plain" };
  try {
    const answer = await fetch(url, { method, mode, headers, body: method === "GET" ? undefined : body });
    return answer.type === "opaque" ? "opaque" : answer.status;
  } catch {
    return "refused";
  }
}"""
SUBMIT = """(url) => {
  const form = document.createElement("form");
  Object.assign(form, { method: "post", action: url, enctype: "text/plain" });
  form.append(Object.assign(document.createElement("input"), { name: "{}", value: "" }));
  document.body.append(form);
  form.submit();
}"""


def test_no_action_is_taken_for_a_page_of_somebody_else(chromium, shed):
    known = {
        (action["method"], action["path"].replace("{name}", "projects/local-project/topics/theirs")): action["label"]
        for path in places(shed.address).values()
        for _, action in actions(shed, path)
    }
    assert {"Delete", "Run now", "Pause", "Roll back", "Create schedule", "Disable", "Publish"} <= set(known.values())
    before = everything(shed)
    with somebody_else() as theirs:
        context = chromium.new_context()
        page = context.new_page()
        sent, answers = [], []
        page.on("request", lambda request: request.url.startswith(shed.address) and sent.append(request.method))
        page.on("response", lambda answer: answer.url.startswith(shed.address) and answers.append(answer))
        page.goto(theirs)
        for method, path in known:
            mode = "no-cors" if method == "POST" else "cors"  # any other one is asked about before it is sent
            assert page.evaluate(ASK, [shed.address + path, method, "{}", mode]) in {"opaque", "refused"}, path
        assert sent.count("POST") == sum(method == "POST" for method, _ in known)
        assert {answer.status for answer in answers} <= {403}
        for path in ("/?format=json", f"/v1/{JOB}", "/?live=0"):  # nor read
            assert page.evaluate(ASK, [shed.address + path, "GET", "", "cors"]) == "refused"
        page.evaluate(SUBMIT, f"{shed.address}/v1/{JOB}:pause")
        expect(page.locator("body")).to_contain_text("403")
        context.close()
    assert everything(shed) == before


def everything(shed):
    """What could have become other."""
    return {
        path: ask(shed, path)
        for path in (
            "/v1/projects/local-project/topics",
            "/v1/projects/local-project/subscriptions",
            "/v1/projects/local-project/builds",
            f"/v1/{PLACE}/jobs",
            f"/v1/{PLACE}/triggers",
            f"/trainshed/v1/{PLACE}/runs",
            "/trainshed/v1/receipts",
            "/storage/v1/b?project=local-project",
            "/trainshed/v1/models",
        )
    }


def test_no_page_is_shown_inside_one_of_somebody_else(chromium, shed):
    with somebody_else() as theirs:
        context = chromium.new_context()
        page = context.new_page()
        said = []
        page.on("console", lambda message: said.append(message.text))
        page.goto(theirs)
        page.evaluate(
            "url => document.body.append(Object.assign(document.createElement('iframe'), { src: url }))", shed.address
        )
        frame = page.frame_locator("iframe")
        page.wait_for_function("frames.length === 1")
        expect(frame.get_by_role("heading", name="Overview")).to_have_count(0)
        assert re.search("frame-ancestors|refused|403", " ".join(said))
        context.close()
