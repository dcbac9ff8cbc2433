"""What pages say where there is nothing: to begin with, and under a name that is none."""

import json
import urllib.error
import urllib.parse
import urllib.request

import pytest

from trainshed.testing import wait_until

SECTIONS = (
    "builds", "runs", "functions", "triggers", "schedules", "topics", "receipts", "buckets", "artifacts", "models",
)  # fmt: skip


def get(trainshed, path):
    with urllib.request.urlopen(trainshed.address + path, timeout=90) as answer:
        return answer.read().decode()


@pytest.mark.parametrize("section", SECTIONS)
def test_every_section_says_what_to_do_while_it_is_empty(trainshed, section):
    page = get(trainshed, f"/{section}")
    document = json.loads(get(trainshed, f"/{section}?format=json"))

    said = [part["nothing"] for part in document["parts"] if "nothing" in part and not part["rows"]]
    assert "<h1>" in page
    assert page.count('<nav aria-label="Sections">') == 1
    assert all(nothing["text"] for nothing in said)
    assert any(nothing["command"] for nothing in said)


def test_the_first_page_says_what_to_type(trainshed):
    assert "trainshed demo" in get(trainshed, "/")


@pytest.mark.parametrize("words", ["page=none", "&".join(["a=b"] * 201)])
def test_a_wrong_word_of_an_address_is_said_on_a_page(trainshed, words):
    with pytest.raises(urllib.error.HTTPError) as caught:
        get(trainshed, f"/runs?{words}")

    assert caught.value.code == 400
    assert "<h1>" in caught.value.read().decode()


@pytest.mark.parametrize("form", ["", "&format=json", "&live=none"])
@pytest.mark.parametrize(
    "path",
    [
        "/", *(f"/{section}" for section in SECTIONS), "/schemas", "/find", "/costs", "/runs/compare", "/runs/metrics", "/runs/new",
        *(f"/{section}/none" for section in SECTIONS), "/schemas/none", "/subscriptions/none", "/lineage/none",
        "/why/none", "/runs/none/clone", "/runs/none/log", "/builds/none/log", "/runs/none/graph-layout",
    ],
)  # fmt: skip
def test_a_word_that_a_page_does_not_know_is_refused_and_named(trainshed, path, form):
    with pytest.raises(urllib.error.HTTPError) as caught:
        get(trainshed, f"{path}?staet=FAILED{form}")

    answer = caught.value.read().decode()
    assert caught.value.code == 400
    assert "staet: this address has no such word" in answer
    assert "It knows " in answer


def test_a_slip_in_a_word_is_told_what_was_meant_and_where_to_go_on(trainshed):
    with pytest.raises(urllib.error.HTTPError) as caught:
        get(trainshed, "/runs?staet=FAILED")

    page = caught.value.read().decode()
    assert "did you mean &#39;state&#39;?" in page
    assert "It knows state, pipeline, trigger, since, until, text, value, commit, page" in page
    assert 'href="/runs"' in page


def test_unknown_thing_is_said_in_a_sentence(trainshed):
    with pytest.raises(urllib.error.HTTPError) as caught:
        get(trainshed, "/builds/none")

    page = caught.value.read().decode()
    assert caught.value.code == 404
    assert "There is no build" in page


@pytest.mark.parametrize("section", ["rendered", "artifacts", "lineage/artifacts"])
@pytest.mark.parametrize("number", ["9" * 30, "9" * 5000, "0" * 5000 + "1", "-1", "%D9%A3", "x"])
def test_a_number_of_no_artifact_is_not_found(trainshed, section, number):
    with pytest.raises(urllib.error.HTTPError) as caught:
        get(trainshed, f"/{section}/{number}")

    assert "rtifact" in caught.value.read().decode()
    assert caught.value.code == 404


@pytest.fixture(scope="module")
def things(trainshed):
    """A topic, two schedules that publish to it, and a bucket."""
    trainshed.run("storage", "buckets", "create", "gs://nightly")
    trainshed.run("pubsub", "topics", "create", "new-prices")
    for name in ("nightly-prices", "nightly-costs"):
        trainshed.run(
            "scheduler", "jobs", "create", "pubsub", name, "--schedule", "0 3 * * *", "--topic", "new-prices",
            "--message-body", "{}",
        )  # fmt: skip
    return trainshed


def found(trainshed, text):
    """What the page lists, and where it leads."""
    answer = json.loads(get(trainshed, f"/find?{urllib.parse.urlencode({'text': text, 'format': 'json'})}"))
    return [
        row[0]["text"] for part in answer["parts"] if part["id"] == "found" for row in part.get("rows", [])
    ], answer["goes_to"]


def test_a_thing_is_found_by_a_part_of_its_name_its_whole_name_and_its_address(things):
    place = "projects/local-project/locations/us-central1/jobs"

    assert found(things, "nightly") == (["nightly-costs", "nightly-prices"], "")
    assert found(things, "prices") == (["nightly-prices", "new-prices"], "")
    assert found(things, "nightly-costs")[1] == f"/schedules/{place}/nightly-costs"
    assert found(things, f"{place}/nightly-costs")[1] == f"/schedules/{place}/nightly-costs"
    assert found(things, "gs://prices/a/b.csv")[1] == "/buckets/prices?object=a%2Fb.csv"
    assert found(things, "nowhere") == ([], "")
    assert found(things, "  ") == ([], "")


def test_where_one_thing_alone_can_be_meant_a_browser_is_led_to_it(things):
    with urllib.request.urlopen(things.address + "/find?text=new-prices", timeout=90) as answer:
        assert answer.url.endswith("/topics/projects/local-project/topics/new-prices")
        assert "new-prices" in answer.read().decode()


@pytest.mark.parametrize(
    ("short", "whole"),
    [
        ("/schedules/nightly-costs", "/schedules/projects/local-project/locations/us-central1/jobs/nightly-costs"),
        ("/topics/new-prices", "/topics/projects/local-project/topics/new-prices"),
    ],
)
def test_an_address_may_end_in_a_short_name(things, short, whole):
    with urllib.request.urlopen(things.address + short, timeout=90) as answer:
        assert answer.url.endswith(whole)
    assert json.loads(get(things, f"{short}?format=json"))["title"] == short.rsplit("/", 1)[-1]


@pytest.mark.parametrize(
    ("path", "whole"),
    [
        *((f"/{section}/?format=json", f"/{section}?format=json") for section in SECTIONS),
        *(
            (f"{path}/", path)
            for path in ("/schemas", "/find", "/costs", "/runs/compare", "/runs/metrics", "/runs/new")
        ),
        ("/topics/new-prices/", "/topics/projects/local-project/topics/new-prices"),
        ("/buckets/nightly/", "/buckets/nightly"),
        *((path, "/topics") for path in ("/subscriptions", "/subscriptions/")),
        *((path, "/artifacts") for path in ("/lineage", "/lineage/")),
        *((path, "/find") for path in ("/why", "/why/")),
    ],
)
def test_an_address_may_end_in_a_slash_or_leave_the_name_out(things, path, whole):
    with urllib.request.urlopen(things.address + path, timeout=90) as answer:
        assert answer.url == things.address + whole


def parts(trainshed, path):
    found = json.loads(get(trainshed, f"{path}{'&' if '?' in path else '?'}format=json"))
    return {part["id"]: part for part in found["parts"]}


def first_receipt(trainshed, trigger):
    def look():
        return next(iter(trainshed.json("receipts", "list", "--trigger", trigger)), None)

    return wait_until(look, what=f"a receipt of {trigger}")


@pytest.mark.parametrize("source", ["topic", "bucket"])
def test_a_message_links_to_what_it_led_to_and_that_back_to_it(things, source):
    place, project = "projects/local-project/locations/us-central1", "projects/local-project"
    name = f"of-{source}"
    trigger, subscription = f"{place}/runTriggers/{name}", f"{project}/subscriptions/trainshed-trigger-{name}"
    spec = ("--spec", "gs://nightly/none.json")
    if source == "topic":
        things.run("pubsub", "topics", "create", "heard")
        things.run("pipelines", "triggers", "create", name, "--topic", "heard", *spec)
        things.run("pubsub", "topics", "publish", "heard", "--message", '{"n": 1}', "--attribute", "kind=new")
        topic = f"{project}/topics/heard"
    else:
        things.run("pipelines", "triggers", "create", name, "--bucket", "nightly", *spec)
        things.run("storage", "cp", "-", "gs://nightly/new.txt", input="x")
        topic = f"{project}/topics/trainshed-trigger-{name}"
    receipt = first_receipt(things, trigger)
    number = receipt["stimulus"].rpartition("#")[2]
    address = f"/topics/{topic}?message={number}"

    account = dict(parts(things, f"/receipts/{receipt['receipt']}")["account"]["pairs"])
    back = account["Event" if source == "topic" else "Came by"]
    listed = parts(things, f"/topics/{topic}")["messages"]["rows"][0]
    one = parts(things, address)
    at_subscription = parts(things, f"/subscriptions/{subscription}")

    assert back["href"] == address
    assert (listed[0]["text"], listed[0]["href"]) == (number, address)
    assert listed[2]["cells"][0]["state"] == "REFUSED"
    assert listed[2]["cells"][1]["href"] == f"/receipts/{receipt['receipt']}"
    assert [row[0]["text"] for row in one["message-receipts"]["rows"]] == [receipt["receipt"]]
    assert "none.json" in one["message-receipts"]["rows"][0][1]["note"]
    assert one["message"]["heading"] == f"Message {number}"
    assert "Led to" in at_subscription["waiting"]["columns"]


def test_a_message_that_led_to_nothing_or_is_not_there_says_so(things):
    things.run("pubsub", "topics", "create", "unheard")
    things.run("pubsub", "subscriptions", "create", "unheard", "--topic", "unheard")
    things.run("pubsub", "topics", "publish", "unheard", "--message", "{}")
    topic = "projects/local-project/topics/unheard"
    (row,) = parts(things, f"/topics/{topic}")["messages"]["rows"]

    found = parts(things, row[0]["href"])
    none = parts(things, f"/topics/{topic}?message=999999")

    assert row[2] is None
    assert found["message-data"]["text"] == "{}"
    assert found["message-receipts"]["rows"] == []
    assert "not kept" in none["message"]["text"]
    assert (
        "Led to"
        not in parts(things, "/subscriptions/projects/local-project/subscriptions/unheard")["waiting"]["columns"]
    )


def test_a_message_of_a_schedule_names_the_firing_that_published_it(things):
    things.run("pubsub", "subscriptions", "create", "prices", "--topic", "new-prices")
    things.run("scheduler", "jobs", "run", "nightly-prices")
    firing = first_receipt(things, "projects/local-project/locations/us-central1/jobs/nightly-prices")
    (row,) = parts(things, "/topics/projects/local-project/topics/new-prices")["messages"]["rows"]

    cause = dict(parts(things, row[0]["href"])["message"]["pairs"])["Because of"]

    assert cause["href"] == f"/receipts/{firing['receipt']}"


def told(trainshed, name, generation=""):
    words = urllib.parse.urlencode(
        {"object": name, **({"generation": generation} if generation else {}), "format": "json"}
    )
    found = json.loads(get(trainshed, f"/buckets/nightly?{words}"))
    return found, {part["id"]: part for part in found["parts"]}


def test_a_generation_whose_file_was_written_over_by_hand_says_that_its_content_is_gone(things):
    file = things.home / "buckets" / "nightly" / "by-hand.json"
    file.write_text('{"a": 1}')
    things.run("storage", "ls", "gs://nightly/")
    first = told(things, "by-hand.json")[1]["generations"]["rows"][0][0]["text"]
    file.write_text('{"a": 22222}')
    assert "22222" in things.run("storage", "cat", "gs://nightly/by-hand.json").stdout

    page, parts = told(things, "by-hand.json", first)

    assert parts["content"]["heading"] == "Its content is gone"
    assert "written over or removed by hand" in parts["content"]["text"]
    assert parts["content"]["next"]["href"] == "/buckets/nightly?object=by-hand.json"
    assert parts["actions"]["actions"] == [], "there is nothing to restore"
    assert "Download" not in [cell.get("text") for cell in page["about"] if isinstance(cell, dict)]
    notes = {row[0]["text"]: row[1]["note"] for row in parts["generations"]["rows"]}
    assert notes.pop(first) == "shown above, its content is gone"
    assert list(notes.values()) == [""]


def test_a_generation_that_is_not_kept_says_how_long_one_is(things):
    things.run("storage", "cp", "-", "gs://nightly/kept.txt", input="x")
    _, parts = told(things, "kept.txt", "1")

    assert parts["content"]["heading"] == "Generation 1 is not here"
    assert "is kept for 7 days" in parts["content"]["text"]
    assert len(parts["generations"]["rows"]) == 1
    with pytest.raises(urllib.error.HTTPError) as caught:
        told(things, "never.txt", "1")
    assert caught.value.code == 404
    assert "is kept for 7 days" in caught.value.read().decode()


@pytest.mark.parametrize("path", ["/schedules/nightly", "/topics/nightly-costs", "/builds/nightly-costs"])
def test_a_part_of_a_name_or_the_name_of_something_else_is_no_address(things, path):
    with pytest.raises(urllib.error.HTTPError) as caught:
        get(things, path)

    assert caught.value.code in {400, 404}
    assert "<h1>" in caught.value.read().decode()


@pytest.fixture(scope="module")
def confided(trainshed):
    """A schedule, a subscription and a build whose addresses hold a password; each was tried, in vain."""
    place, there = "projects/local-project/locations/us-central1", "https://me:s3cret@127.0.0.1:9"
    source = {"gitSource": {"url": f"{there}/code.git", "revision": "main"}}
    asked = [
        ("POST", f"/v1/{place}/jobs", {"name": f"{place}/jobs/call", "schedule": "0 3 * * *", "httpTarget": {"uri": f"{there}/hook"}}),
        ("POST", f"/v1/{place}/jobs/call:run", {}),
        ("PUT", "/v1/projects/local-project/topics/told", {}),
        ("PUT", "/v1/projects/local-project/subscriptions/told", {"topic": "projects/local-project/topics/told", "pushConfig": {"pushEndpoint": f"{there}/told"}}),
        ("POST", "/v1/projects/local-project/topics/told:publish", {"messages": [{"data": "aGk="}]}),
        ("POST", "/v1/projects/local-project/builds", {"source": source, "steps": [{"name": "ubuntu", "script": "true"}]}),
    ]  # fmt: skip
    for method, path, body in asked:
        headers = {"content-type": "application/json"}
        request = urllib.request.Request(trainshed.address + path, json.dumps(body).encode(), headers, method=method)
        with urllib.request.urlopen(request, timeout=90) as answer:
            found = json.load(answer)
    build = found["metadata"]["build"]["id"]
    wait_until(lambda: "FAILURE" in get(trainshed, f"/builds/{build}?format=json"), what="the end of the build")
    wait_until(lambda: "attempt 1: " in get(trainshed, f"/schedules/{place}/jobs/call"), what="a try of the schedule")
    log = trainshed.home / "logs" / "server.jsonl"
    wait_until(lambda: log.read_text().count("could not be delivered"), what="a try of the message")
    return {
        "pages": [
            "/", "/builds", f"/builds/{build}", f"/builds/{build}?tab=details", f"/builds/{build}/log", "/receipts", "/schedules",
            "/subscriptions/projects/local-project/subscriptions/told", "/topics/projects/local-project/topics/told",
        ],
        "schedule": f"/schedules/{place}/jobs/call",
        "log": log,
    }  # fmt: skip


def test_passwords_in_addresses_are_on_no_page_and_in_no_log(trainshed, confided):
    for path in confided["pages"]:
        assert "s3cret" not in get(trainshed, path), path
        if not path.endswith("/log"):
            assert "s3cret" not in get(trainshed, f"{path}{'&' if '?' in path else '?'}format=json"), path
    assert "https://***@127.0.0.1:9" in get(trainshed, "/schedules")
    assert "s3cret" not in get(trainshed, f"{confided['schedule']}?format=json")
    assert "s3cret" not in confided["log"].read_text()


def test_the_form_that_changes_an_address_holds_all_of_it(trainshed, confided):
    page = get(trainshed, f"{confided['schedule']}?view=edit")

    assert page.count("s3cret") == page.count('value="https://me:s3cret@127.0.0.1:9/hook"') == 1
