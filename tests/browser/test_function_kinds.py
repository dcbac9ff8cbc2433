"""A function is tried on its page with what its trigger gives it: a request, an object; and what came of it is there."""

import json

import pytest
from browser.doing import PLACE, ask
from browser.looks import LOOKS, audit
from playwright.sync_api import expect

BUCKET = "local-project-penguins"
ASKED = """
def handle(request):
    wanted = request.get_json()
    print("asked for", wanted["size"])
    return {"twice": 2 * wanted["size"]}
"""
TOLD = """
def handle(event, context):
    print("told of", event["bucket"], event["name"], context.event_type)
"""


@pytest.fixture(scope="module")
def deployed(shed, tmp_path_factory):
    """Deploy a function; answer its name."""

    def deploy(name, source, *trigger):
        folder = tmp_path_factory.mktemp(name)
        (folder / "main.py").write_text(source)
        words = ("--source", str(folder), "--entry-point", "handle", "--runtime", "python311")
        return shed.json("functions", "deploy", name, *trigger, *words)["name"]

    return deploy


def test_a_function_that_answers_requests_is_asked_from_its_page(page, shed, deployed):
    name = deployed("doubles", ASKED, "--trigger-http")
    page.open(f"/functions/{name}?tab=trigger")
    expect(page.locator("#trigger")).to_contain_text("HTTP request")
    expect(page.locator("#trigger")).to_contain_text(f"/trainshed/v1/{name}:invoke")

    page.get_by_role("link", name="Testing").click()
    expect(page.locator("#send h2")).to_have_text("Send a request with a JSON body")
    page.get_by_label("JSON").fill('{"size": 21}')
    page.get_by_role("button", name="Send").click()

    answer = page.locator("#answer")
    expect(answer.locator(".badge")).to_have_text("OK")
    expect(answer).to_contain_text("asked for 21")
    assert json.loads(answer.locator("pre").first.inner_text()) == {"twice": 42}
    (call,) = ask(shed, f"/trainshed/v1/{name}/invocations")["invocations"]
    assert call["state"] == "OK"
    expect(answer.get_by_role("link", name=call["executionId"])).to_be_visible()
    for scheme, width in LOOKS:
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        page.set_viewport_size({"width": width, "height": 900})
        assert audit(page) == []


def test_a_function_of_a_bucket_is_tried_with_the_event_of_an_object(page, shed, deployed):
    name = deployed("looks", TOLD, "--trigger-bucket", BUCKET)
    page.open(f"/functions/{name}?tab=trigger")
    expect(page.locator("#trigger").get_by_role("link", name=BUCKET, exact=True)).to_have_attribute(
        "href", f"/buckets/{BUCKET}"
    )

    page.get_by_role("link", name="Testing").click()
    expect(page.locator("#send h2")).to_contain_text("the event of an object")
    sample = json.loads(page.get_by_label("JSON").input_value())
    assert sample["bucket"] == BUCKET
    page.get_by_label("JSON").fill(json.dumps(sample | {"name": "seasons/new.csv"}))
    page.get_by_role("button", name="Send").click()

    answer = page.locator("#answer")
    expect(answer.locator(".badge")).to_have_text("OK")
    expect(answer).to_contain_text(f"told of {BUCKET} seasons/new.csv")
    (call,) = ask(shed, f"/trainshed/v1/{name}/invocations")["invocations"]
    assert (call["state"], call["kind"]) == ("OK", "call")


def test_a_deployment_that_fails_says_why_on_every_tab_that_is_fit_to_be_seen(page, shed, tmp_path):
    (tmp_path / "main.py").write_text("import nothing_of_the_kind\n\ndef handle(event, context):\n    pass\n")
    words = (
        "--trigger-topic",
        "breaks",
        "--source",
        str(tmp_path),
        "--entry-point",
        "handle",
        "--runtime",
        "python311",
    )
    assert shed.run("functions", "deploy", "breaks", *words).returncode != 0
    name = f"{PLACE}/functions/breaks"

    page.open("/functions")
    row = page.locator("#functions tr", has=page.get_by_role("link", name="breaks", exact=True))
    expect(row.locator(".badge")).to_contain_text("OFFLINE")
    row.get_by_role("link", name="breaks", exact=True).click()
    page.get_by_role("link", name="Details").click()

    expect(page.locator("#said")).to_contain_text("No module named 'nothing_of_the_kind'")
    assert ask(shed, f"/v1/{name}")["status"] == "OFFLINE"
    page.get_by_role("link", name="Testing").click()
    expect(page.locator("#no-version")).to_contain_text("nothing to call")
    for tab in ("metrics", "details", "source", "variables", "trigger", "permissions", "logs", "testing"):
        page.open(f"/functions/{name}?tab={tab}")
        assert audit(page) == [], tab
