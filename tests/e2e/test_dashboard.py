"""What pages say where there is nothing: to begin with, and under a name that is none."""

import json
import urllib.error
import urllib.parse
import urllib.request

import pytest

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
    assert "It knows state, pipeline, trigger, since, until, text, value, page" in page
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
