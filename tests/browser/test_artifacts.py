"""Buckets, artifacts, lineage and models, as a person uses them; every figure is the API's."""

import json
import re
import struct
import urllib.error
import urllib.request
import zlib
from urllib.parse import quote

import pytest
from browser.looks import audit
from playwright.sync_api import expect

BUCKET = "local-project-penguins"
MODEL = f"{BUCKET}/serving_model/penguin-training"


def ask(shed, method, path, body=None, kind="application/json"):
    data = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(shed.address + path, data, {"content-type": kind}, method=method)
    with urllib.request.urlopen(request, timeout=60) as answer:
        return answer.headers, answer.read()


def read(shed, path):
    return json.loads(ask(shed, "GET", path)[1])


def parts(shed, path):
    document = read(shed, f"{path}{'&' if '?' in path else '?'}format=json")
    return {part["id"]: part for part in document["parts"]}


def a_picture():
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + bytes([x * 8, y * 8, 90]) * 1 for y in range(1) for x in range(1))
    head = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


KINDS = {
    "kinds/picture.png": a_picture(),
    "kinds/drawing.svg": b'<svg xmlns="http://www.w3.org/2000/svg"><script>parent.document.title="x"</script></svg>',
    "kinds/document.json": b'{"layers": [{"units": 8}], "accuracy": 0.5}',
    "kinds/table.csv": b"species,mass\nadelie,<b>3700</b>\n",
    "kinds/page.html": b"<script>document.title='owned'</script>",
    "kinds/weights.bin": bytes(range(256)),
    "kinds/#1 \xc3\xbc?.txt".encode("latin1").decode(): b"words",
}


@pytest.fixture(scope="module")
def kinds(shed):
    ask(shed, "POST", "/storage/v1/b?project=local-project", {"name": "looks"})
    for name, data in KINDS.items():
        path = f"/upload/storage/v1/b/looks/o?uploadType=media&name={quote(name, safe='')}"
        ask(shed, "POST", path, data, "application/octet-stream")
    return shed


def test_a_bucket_is_browsed_by_folder_down_to_an_object(kinds, page):
    page.open("/buckets")
    page.get_by_role("link", name="looks", exact=True).click()
    page.get_by_role("link", name="kinds/", exact=True).click()

    expect(page.locator("#objects tbody tr")).to_have_count(len(KINDS))
    stored = read(kinds, "/storage/v1/b/looks/o?prefix=kinds/")["items"]
    for item in stored:
        row = page.locator(
            "#objects tr", has=page.get_by_role("link", name=item["name"].removeprefix("kinds/"), exact=True)
        )
        expect(row).to_contain_text(f"{item['size']} B")
    page.get_by_role("link", name="#1 ü?.txt").click()
    expect(page.locator("#content pre")).to_have_text("words")
    assert audit(page) == []


def test_each_kind_is_shown_as_what_it_is_and_nothing_of_it_runs(kinds, page):
    title = "^(?!owned|x$)"

    def look(name):
        page.open(f"/buckets/looks?object={quote(name, safe='')}")
        expect(page).to_have_title(re.compile(title))

    look("kinds/picture.png")
    assert page.locator("#content img").evaluate("image => image.decode().then(() => image.naturalWidth)") == 1
    look("kinds/document.json")
    expect(page.locator("#content")).to_contain_text("accuracy")
    page.locator("#content summary", has_text="layers").click()
    look("kinds/table.csv")
    expect(page.locator("#content td").nth(1)).to_have_text("<b>3700</b>")
    look("kinds/page.html")
    expect(page.locator("#content pre")).to_have_text("<script>document.title='owned'</script>")
    look("kinds/weights.bin")
    expect(page.locator("#content pre")).to_contain_text("00000040  40 41 42")
    look("kinds/drawing.svg")
    expect(page.locator("#content pre")).to_contain_text("<script>")
    assert audit(page) == []


def test_a_sheet_stays_a_table_on_a_phone_and_is_read_by_keyboard(kinds, look):
    numbers = "".join(f"{i},{i / 7:.6f},{i / 11:.6f},{i / 13:.6f}\n" for i in range(200)).encode()
    path = f"/upload/storage/v1/b/looks/o?uploadType=media&name={quote('wide/sheet.csv', safe='')}"
    ask(kinds, "POST", path, b"number,by_the_seventh,by_the_eleventh,by_the_thirteenth\n" + numbers, "text/csv")

    with look("light", 390) as page:
        page.open(f"/buckets/looks?object={quote('wide/sheet.csv', safe='')}")
        region = page.get_by_role("region", name="Content: the first 100 rows")
        head = page.locator("#content th").first

        assert page.locator("#content tbody tr").nth(1).evaluate("row => getComputedStyle(row).display") == "table-row"
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        region.focus()
        page.keyboard.press("End")
        region.evaluate("async each => { while (each.scrollTop < 100) await new Promise(requestAnimationFrame) }")
        top = region.evaluate("each => each.getBoundingClientRect().top + each.clientTop")
        assert abs(head.evaluate("cell => cell.getBoundingClientRect().top") - top) < 2
        page.keyboard.press("ArrowRight")
        region.evaluate("async each => { while (each.scrollLeft < 1) await new Promise(requestAnimationFrame) }")
        assert audit(page) == []


def test_bytes_of_others_are_served_so_that_no_browser_runs_them(kinds):
    headers, data = ask(kinds, "GET", "/stored/image?bucket=looks&object=kinds/drawing.svg")
    assert headers["content-type"].startswith("image/svg+xml")
    assert "sandbox" in headers["content-security-policy"]
    assert "default-src 'none'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert data == KINDS["kinds/drawing.svg"]

    headers, data = ask(kinds, "GET", "/stored/download?bucket=looks&object=kinds/page.html")
    assert headers["content-type"] == "application/octet-stream"
    assert headers["content-disposition"].startswith("attachment")
    assert data == KINDS["kinds/page.html"]

    for path, status in [
        ("image?bucket=looks&object=kinds/page.html", 400),
        ("image?bucket=looks&object=../../trainshed.db", 400),
        ("download?bucket=..&object=trainshed.db", 404),
        ("download?bucket=looks&object=none", 404),
        ("download?bucket=looks&object=none&generation=x", 400),
    ]:
        with pytest.raises(urllib.error.HTTPError) as refused:
            ask(kinds, "GET", f"/stored/{path}")
        assert refused.value.code == status, path
        assert "Traceback" not in refused.value.read().decode()


def test_a_page_in_a_bucket_does_nothing_at_its_own_address(kinds, page):
    text = b"<title>Theirs</title><p>seen</p><script>document.title = 'taken'</script>"
    ask(kinds, "POST", "/upload/storage/v1/b/looks/o?uploadType=media&name=taken.html", text, "text/html")

    page.goto("/storage/v1/b/looks/o/taken.html?alt=media")

    expect(page.get_by_text("seen")).to_be_visible()
    expect(page).to_have_title("Theirs")
    assert "inline script" in page.wrong.pop()  # refused, and said so


def test_files_are_uploaded_and_deleted_and_old_generations_stay(kinds, page):
    page.open("/buckets/looks?prefix=mine/")
    expect(page.locator("#objects")).to_contain_text("No object has a name that begins with mine/")
    for data in (b"first", b"second"):
        if not page.locator("#upload input").is_visible():
            page.locator("#upload summary").click()
        page.locator("#upload input").set_input_files({"name": "note.txt", "mimeType": "text/plain", "buffer": data})
        page.get_by_role("button", name="Upload").click()
        expect(page.locator("#upload .said")).to_have_text("1 file is there.")
    page.get_by_role("link", name="note.txt").click()

    expect(page.locator("#content pre")).to_have_text("second")
    expect(page.locator("#generations tbody tr")).to_have_count(2)
    page.locator("#generations tbody a").nth(1).click()
    expect(page.locator("#content pre")).to_have_text("first")
    page.go_back()
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.locator("#objects")).to_contain_text("No object has a name that begins with mine/")
    assert "items" not in read(kinds, "/storage/v1/b/looks/o?prefix=mine/")


def test_an_object_larger_than_any_preview_is_not_read(kinds, page):
    ask(kinds, "POST", "/upload/storage/v1/b/looks/o?uploadType=media&name=large.log", b"line\n" * 2_000_000)

    page.open("/buckets/looks?object=large.log")

    expect(page.locator("#content h2")).to_have_text("Content: the first 64.0 KiB of 9.5 MiB")
    assert len(page.content()) < 200_000


def test_artifacts_are_found_and_say_who_made_and_used_them(shed, page):
    page.open("/artifacts")
    page.get_by_label("Type").select_option("Model")
    page.get_by_role("button", name="Filter").click()

    path = "/v1/projects/local-project/locations/us-central1/metadataStores/default/artifacts"
    known = read(shed, path + "?filter=" + quote('schema_title="system.Model"'))["artifacts"]
    expect(page.locator("#artifacts tbody tr")).to_have_count(len(known))
    page.locator("#artifacts tbody a").first.click()
    expect(page.locator("#made")).to_contain_text("trainer")
    expect(page.locator("#used")).to_contain_text("evaluator")
    expect(page.locator("#used")).to_contain_text("pusher")
    metadata = known[0]["metadata"]
    for name in ("accuracy", "val_accuracy"):
        expect(page.locator("#metadata")).to_contain_text(str(metadata[name]))
    assert audit(page) == []


def test_lineage_leads_from_a_model_to_its_data_and_to_what_came_of_it(shed, page):
    version = read(shed, f"/trainshed/v1/models/{MODEL}")["versions"][0]
    of = version["modelArtifact"]

    page.open(f"/lineage/{of}")

    rows = {
        row[0].get("text") if isinstance(row[0], dict) else row[0]
        for row in parts(shed, f"/lineage/{of}")["nodes"]["rows"]
    }
    assert {"csv-example-gen", "trainer", "evaluator", "pusher", "pushed_model", "trainer.py"} <= rows
    expect(page.locator("#nodes")).to_contain_text("penguins-2009.csv#")
    expect(page.locator("#graph svg, #graph canvas").first).to_be_visible()
    expect(page.locator("#origin")).to_contain_text(version["run"].rsplit("/", 1)[-1])
    expect(page.locator("#origin")).to_contain_text("Widen the hidden layers (Demo)")
    expect(page.locator("#origin")).to_contain_text("penguins-2009.csv and 2 more")
    traced = read(shed, f"/trainshed/v1/lineage?of={of}&direction=downstream")["nodes"]
    page.get_by_label("Direction").select_option("down")
    page.get_by_role("button", name="Filter").click()
    expect(page.locator("#nodes tbody tr")).to_have_count(len(traced))
    expect(page.locator("#nodes")).not_to_contain_text("csv-example-gen")
    assert audit(page) == []


def test_the_versions_of_a_model_have_the_figures_of_the_api(shed, page):
    known = read(shed, f"/trainshed/v1/models/{MODEL}")

    page.open("/models")
    page.get_by_role("link", name="penguin-training", exact=True).click()

    expect(page.locator("#head")).to_contain_text(known["liveVersion"])
    expect(page.locator("#versions tbody tr")).to_have_count(len(known["versions"]))
    for version in known["versions"]:
        row = page.locator("#versions tr", has=page.get_by_role("link", name=version["version"], exact=True))
        expect(row).to_contain_text(f"accuracy {version['metrics']['evaluation.accuracy']:.4g}")
        expect(row).to_contain_text(version["verdict"])
        expect(row).to_contain_text(version["run"].rsplit("/", 1)[-1])
    charted = parts(shed, f"/models/{MODEL}")["metrics-0"]["series"][0]
    assert [y for _, y in charted["points"]] == [
        v["metrics"]["evaluation.accuracy"] for v in reversed(known["versions"])
    ]
    expect(page.locator("#versions")).to_contain_text(re.compile("[0-9a-f]{7}"))  # the commit of a push
    assert audit(page) == []


def test_a_rollback_makes_an_earlier_version_live_again(shed, page):
    before = read(shed, f"/trainshed/v1/models/{MODEL}")
    earlier = before["versions"][1]

    page.open(f"/models/{MODEL}?version={earlier['version']}")
    expect(page.locator("#head")).to_contain_text("KEPT")
    page.get_by_label("Why").fill("the newest one is worse")
    expect(page.locator("#lasts")).to_contain_text("A rollback is live until the next version is pushed")
    page.get_by_role("button", name="Roll back").click()
    page.get_by_role("dialog").get_by_role("button", name="Roll back").click()
    expect(page.locator("#head")).to_contain_text("LIVE")
    expect(page.locator("#about")).to_contain_text(f"rollback to {earlier['version']} by user: the newest one is worse")

    after = read(shed, f"/trainshed/v1/models/{MODEL}")
    made = after["versions"][0]
    assert int(made["version"]) == int(before["liveVersion"]) + 1 == int(after["liveVersion"])
    assert made["metrics"] == earlier["metrics"]

    def content(version):
        prefix = version["destination"].removeprefix(f"gs://{BUCKET}/") + "/"
        items = read(shed, f"/storage/v1/b/{BUCKET}/o?prefix={prefix}")["items"]
        return {item["name"].removeprefix(prefix): item["md5Hash"] for item in items}

    assert content(made) == content(earlier) != {}
    pointer = read(
        shed, f"/storage/v1/b/{BUCKET}/o/{quote(MODEL.removeprefix(BUCKET + '/'), safe='')}%2FLATEST.json?alt=media"
    )
    assert pointer["destination"] == made["destination"]
    (receipt,) = [r for r in read(shed, "/trainshed/v1/receipts")["receipts"] if r["kind"] == "user"]
    assert "the newest one is worse" in receipt["reason"]
    said = shed.json("models", "describe", "penguin-training")
    assert said["liveVersion"] == made["version"]
