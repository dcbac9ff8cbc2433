"""The page of a function under a known load: what stands in it, what can be done with it."""

import base64
import json
import sqlite3
import statistics
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from browser.doing import facts, said_bytes, said_seconds, table
from browser.looks import SEEN, audit

from trainshed.testing import wait_until

expect = pytest.importorskip("playwright.sync_api").expect
OK, CRASHES = 18, 4
MAIN = """
import base64, time
from parts import words

def handle(event, context):
    text = base64.b64decode(event.get("data", "")).decode()
    print("got", text, event.get("attributes"))
    if text == "slow":
        time.sleep(0.3)
    if text == "crash":
        raise ValueError(words.WHY)
"""
TABS = ["metrics", "details", "source", "variables", "trigger", "permissions", "logs", "testing"]


def ask(shed, path, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(shed.address + path, data=data, headers={"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def call(shed, name, text):
    data = base64.b64encode(text.encode()).decode()
    return ask(shed, f"/trainshed/v1/{name}:call", {"data": {"data": data}})


def part(shed, path, key):
    """One part of a page, as its JSON form has it."""
    document = ask(shed, f"{path}{'&' if '?' in path else '?'}format=json")
    return next(found for found in document["parts"] if found["id"] == key)


@pytest.fixture(scope="module")
def name(shed, tmp_path_factory):
    """A function that was called a known number of times, in two versions."""
    folder = tmp_path_factory.mktemp("load")
    (folder / "main.py").write_text(MAIN)
    (folder / "parts").mkdir()
    (folder / "parts" / "words.py").write_text('WHY = "<b>asked</b> to"\n')
    deploy = ["functions", "deploy", "load", "--trigger-topic", "load", "--source", str(folder), "--entry-point", "handle",
              "--runtime", "python311"]  # fmt: skip
    found = shed.json(*deploy, "--update-env-vars", "MODE=fast,API_TOKEN=hush-hush")["name"]
    texts = [*["slow"] * 3, *["quick"] * (OK - 3), *["crash"] * CRASHES]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda text: call(shed, found, text), texts))
    shed.json(*deploy)
    return found


def test_s44_the_page_shows_the_figures_of_a_known_load(shed, page, name):
    path = f"/functions/{name}"
    figures = ask(shed, f"/trainshed/v1/{name}:metrics?minutes=60")
    calls = ask(shed, f"/trainshed/v1/{name}/invocations")["invocations"]

    page.open(path)

    assert (figures["ok"], figures["crash"]) == (OK, CRASHES)
    millis = sorted(c["durationMillis"] for c in calls)
    assert figures["executionMillis"]["p50"] == pytest.approx(statistics.median(millis), rel=0.01)
    assert 0.99 * millis[-2] <= figures["executionMillis"]["p99"] <= 1.01 * millis[-1]  # it lies between two calls
    assert figures["executionMillis"]["p95"] > 300
    assert figures["memoryBytes"]["p99"] == pytest.approx(max(c["memoryBytes"] for c in calls), rel=0.01)
    assert figures["activeInstances"] == len({c["instance"] for c in calls})
    for chart, key, ranks in (("time", "executionMillis", 1000), ("memory", "memoryBytes", 1)):
        shown = {s["label"]: s["now"] for s in part(shed, path, chart)["series"]}
        assert shown == {rank: pytest.approx(value / ranks) for rank, value in figures[key].items()}
    ok, crash = part(shed, path, "rate")["series"]
    assert [round(60 * sum(value for _, value in s["points"])) for s in (ok, crash)] == [OK, CRASHES]
    assert (ok["now"], crash["now"]) == (figures["okPerSecond"], figures["crashPerSecond"])
    said = {label: " ".join(words.split()) for label, words in facts(page, "figures").items()}
    assert said["Invocations"] == f"{OK + CRASHES} {OK} ok, {CRASHES} crashed, last hour"
    assert_three(said["Execution time"].partition(" p50")[0], figures["executionMillis"], {"ms": 1, "s": 1000})
    assert_three(said["Memory per call"].partition(" p50")[0], figures["memoryBytes"], {"MiB": 2**20})
    rates = [float(rate) for rate in said["Invocations per second"].replace("ok / crash", "").split(" / ")]
    assert rates == pytest.approx([figures["okPerSecond"], figures["crashPerSecond"]], rel=0.01)
    assert said["Instances now"].endswith(f"{figures['activeInstances']} had invocations, last hour")
    for chart, key, units in (
        ("time", "executionMillis", {"ms": 1, "s": 1000}),
        ("memory", "memoryBytes", {"MiB": 2**20}),
    ):
        legend = page.locator(f"#{chart} .legend li").all_inner_texts()
        assert [words.split()[0] for words in legend] == ["p50", "p95", "p99"]
        for words in legend:
            rank, number, unit = words.split()
            assert float(number) * units[unit] == pytest.approx(figures[key][rank], rel=0.01)
    listed = table(page, "calls")
    for row, invocation in zip(listed, calls, strict=True):
        assert row["Execution"] == invocation["executionId"]
        assert row["Outcome"].partition(" ")[0] == invocation["state"]
        assert row["Duration"] == said_seconds(invocation["durationMillis"] / 1000)
        assert row["Memory"] == said_bytes(invocation["memoryBytes"])
        assert row["Version"] == "1"
    for heading in ("Invocations per second", "Execution time", "Memory per call", "Active instances"):
        expect(page.get_by_role("heading", name=heading)).to_be_visible()
    expect(page.locator("#rate .legend")).to_contain_text("crash")
    expect(page.locator("#calls tbody tr")).to_have_count(OK + CRASHES)


def test_s44_every_point_of_every_chart_is_what_the_calls_of_its_minute_say(shed, name):
    """Worked out a second time from the rows of the calls: each counts in the minute in which it ended."""
    with closing(sqlite3.connect(f"file:{shed.home}/trainshed.db?mode=ro", uri=True)) as store:
        store.row_factory = sqlite3.Row
        calls = store.execute("SELECT * FROM function_invocations WHERE function = ?", (name,)).fetchall()
    path = f"/functions/{name}?window=15m"
    charts = {key: part(shed, path, key)["series"] for key in ("rate", "time", "memory", "instances")}
    minute = timedelta(minutes=1)
    minutes = [datetime.fromisoformat(time) for time, _ in charts["rate"][0]["points"]]
    ended = [(datetime.fromisoformat(call["end_time"]), call) for call in calls]
    begun = {call["id"]: datetime.fromisoformat(call["start_time"]) for call in calls}
    shown = 0

    assert [later - earlier for earlier, later in pairwise(minutes)] == [minute] * 14
    for place, start in enumerate(minutes):
        mine = [call for end, call in ended if start <= end < start + minute]
        ok = sum(call["state"] == "OK" for call in mine)
        assert [series["points"][place][1] for series in charts["rate"]] == pytest.approx(
            [ok / 60, (len(mine) - ok) / 60]
        )
        for key, column in (("time", "duration_seconds"), ("memory", "memory_bytes")):
            known = [call[column] for call in mine if call[column]]
            told = [series["points"][place][1] for series in charts[key]]
            wanted = [percentile(known, rank) for rank in (50, 95, 99)] if known else None
            assert told == ([None] * 3 if wanted is None else pytest.approx(wanted, rel=0.006))
        at_work = [call for end, call in ended if end >= start and begun[call["id"]] < start + minute]
        assert charts["instances"][0]["points"][place][1] == len({call["instance"] for call in at_work})
        shown += len(mine)
    assert shown == len(calls) == OK + CRASHES


def percentile(values, rank):
    """Answer a percentile by linear interpolation between closest ranks."""
    ordered = sorted(values)
    place = (len(ordered) - 1) * rank / 100
    below = int(place)
    after = ordered[min(below + 1, len(ordered) - 1)]
    return ordered[below] + (after - ordered[below]) * (place - below)


def assert_three(words, wanted, units):
    """Three figures, written in one unit, are those of the API as far as they are written."""
    *numbers, last = words.split(" / ")
    last, unit = last.split()
    shown = [float(number) * units[unit] for number in (*numbers, last)]
    assert shown == pytest.approx([wanted[rank] for rank in ("p50", "p95", "p99")], rel=0.01)


def test_values_are_told_under_the_pointer_and_by_keys(page, name):
    page.open(f"/functions/{name}?window=15m")
    chart = page.locator("#rate")
    chart.locator("summary").click()
    last = chart.locator("tbody tr").last.locator("td").all_inner_texts()

    chart.locator(".plot").focus()
    page.keyboard.press("End")

    expect(chart.locator(".at")).to_have_text(last[0])
    expect(chart.locator(".value")).to_have_text(last[1:])
    assert last[0] in chart.locator(".plot").get_attribute("aria-valuetext")

    page.keyboard.press("Escape")
    chart.locator(".area").hover(position={"x": 1, "y": 20})

    first = chart.locator("tbody tr").first.locator("td").all_inner_texts()
    expect(chart.locator(".at")).to_have_text(first[0])
    page.mouse.move(0, 0)
    expect(chart.locator(".at")).to_have_text("last 15 minutes, times in UTC")


def test_a_version_is_chosen_with_its_deployment(page, shed, name):
    path = f"/functions/{name}"
    versions = ask(shed, f"/trainshed/v1/{name}/versions")["versions"]
    page.open(path)

    options = page.get_by_label("Version", exact=True).locator("option").all_inner_texts()
    page.get_by_label("Version", exact=True).select_option("2")
    page.get_by_label("Time", exact=True).select_option("7d")
    page.get_by_role("button", name="Show").first.click()

    assert [o.partition(",")[0] for o in options] == ["all versions", "2", "1"]
    deployed = versions[0]["deployTime"][:19].replace("T", " ")
    assert f"2, deployed {deployed} UTC" in options
    expect(page.locator("#figures")).to_contain_text("0 ok, 0 crashed, last 7 days")
    assert "version=2" in page.url
    assert "window=7d" in page.url


def test_s44_every_tab_shows_what_it_is_called(page, shed, name):
    policy = {"bindings": [{"role": "roles/cloudfunctions.invoker", "members": ["allUsers", "user:a@example.com"]}]}
    ask(shed, f"/v1/{name}:setIamPolicy", {"policy": policy})
    path = f"/functions/{name}"
    page.open(path)

    assert page.locator(".tabs a").all_inner_texts() == [tab.capitalize() for tab in TABS]
    page.get_by_role("link", name="Details").click()
    function = ask(shed, f"/v1/{name}")
    shown = facts(page, "details")
    assert shown["Name"].startswith(name)
    assert (
        (shown["Runtime"], shown["Entry point"])
        == (function["runtime"], function["entryPoint"])
        == ("python311", "handle")
    )
    assert shown["Memory"] == said_bytes(function["availableMemoryMb"] * 2**20)
    assert shown["Timeout"].replace(" ", "") == function["timeout"]
    versions = ask(shed, f"/trainshed/v1/{name}/versions")["versions"]
    for row, version in zip(table(page, "versions"), versions, strict=True):
        assert (row["Version"], row["Runtime"]) == (str(version["version"]), "python311")
        assert version["source"].startswith(row["Digest of its source"])
        assert version["environment"].startswith(row["Digest of its packages"])
        assert ("serves" in row["State"]) == (version is versions[0])

    page.get_by_role("link", name="Source").click()
    expect(page.locator("#file")).to_contain_text('print("got", text, event.get("attributes"))')
    page.get_by_role("link", name="parts/words.py").click()
    expect(page.locator("#file pre")).to_have_text('WHY = "<b>asked</b> to"')

    page.get_by_role("link", name="Variables").click()
    expect(page.locator("#variables")).to_contain_text("fast")
    expect(page.locator("#variables")).to_contain_text("API_TOKEN")
    assert "hush" not in page.content()
    assert "hush" not in json.dumps(ask(shed, f"{path}?tab=variables&format=json"))

    page.get_by_role("link", name="Trigger", exact=True).click()
    expect(page.locator("#trigger")).to_contain_text("Pub/Sub message")
    expect(page.locator("#trigger").get_by_role("link", name="load", exact=True)).to_have_attribute(
        "href", "/topics/projects/local-project/topics/load"
    )

    page.get_by_role("link", name="Permissions").click()
    expect(page.locator("#permissions")).to_contain_text("roles/cloudfunctions.invoker")
    expect(page.locator("#permissions")).to_contain_text("user:a@example.com")


def test_a_call_leads_to_what_it_printed(page, name):
    page.open(f"/functions/{name}?outcome=failed")

    expect(page.locator("#calls tbody tr")).to_have_count(CRASHES)
    expect(page.locator("#calls")).to_contain_text("ValueError: <b>asked</b> to")
    page.locator("#calls tbody a").first.click()
    expect(page.locator("#log")).to_contain_text("got crash None")
    expect(page.locator("#log")).to_contain_text("ValueError: <b>asked</b> to")
    page.get_by_label("Severity").select_option("ERROR")
    page.get_by_role("button", name="Filter").click()
    expect(page.locator("#log")).to_contain_text("ValueError")
    expect(page.locator("#log")).not_to_contain_text("got crash None")


def test_an_event_is_sent_from_the_page(page, shed, name):
    page.open(f"/functions/{name}?tab=testing")
    answer = page.locator("#answer")

    page.get_by_label("Message").fill("slow")
    page.get_by_label("Attributes").fill('{"from": "page"}')
    page.get_by_role("button", name="Send").click()

    expect(answer.locator(".badge")).to_have_text("OK")
    expect(answer).to_contain_text("got slow {'from': 'page'}")
    newest = ask(shed, f"/trainshed/v1/{name}/invocations?limit=1")["invocations"][0]
    expect(answer.get_by_role("link", name=newest["executionId"])).to_be_visible()
    expect(answer).to_contain_text(f"{newest['durationMillis']:.0f} ms")

    page.get_by_label("Message").fill("crash")
    page.get_by_role("button", name="Send").click()
    expect(answer.locator(".badge")).to_have_text("CRASH")
    expect(answer).to_contain_text("ValueError: <b>asked</b> to")

    page.get_by_label("Attributes").fill("{")
    page.get_by_role("button", name="Send").click()
    expect(page.locator("#send .said")).to_contain_text("this is no JSON")


def test_the_list_and_the_figures_follow_what_happens(page, shed, name):
    page.open("/functions")
    row = page.locator("#functions tr", has=page.get_by_role("link", name="load", exact=True))
    before = int(row.locator("td").nth(6).inner_text())
    expect(row).to_contain_text("ACTIVE")
    expect(page.locator("#connection")).to_have_text("Live")

    call(shed, name, "quick")
    expect(row.locator("td").nth(6)).to_have_text(str(before + 1))

    page.open(f"/functions/{name}")
    expect(page.locator("#connection")).to_have_text("Live")
    call(shed, name, "crash")
    expect(page.locator("#figures dd").first).to_contain_text(str(before + 2))


@pytest.mark.parametrize(("scheme", "width"), SEEN[1:])  # the first one sees every page of the demo
def test_every_tab_is_fit_to_be_seen(look, name, scheme, width):
    problems = {}
    with look(scheme, width) as page:
        for tab in TABS:
            page.open(f"/functions/{name}?tab={tab}")
            too_wide = page.evaluate("document.documentElement.scrollWidth > innerWidth")
            problems[tab] = audit(page) + (["wider than its window"] if too_wide else [])

    assert {tab: found for tab, found in problems.items() if found} == {}


def test_an_old_version_is_deployed_again(page, shed, name):
    page.open(f"/functions/{name}?tab=details&version=1")

    page.get_by_role("button", name="Deploy version 1 again").click()

    expect(page.locator("#versions tbody tr")).to_have_count(3)
    expect(page.locator("#versions tbody tr").first).to_contain_text("serves")
    first, _, third = reversed(ask(shed, f"/trainshed/v1/{name}/versions")["versions"])
    assert third["source"] == first["source"]


def test_deleting_asks_first(page, shed, name):
    page.open(f"/functions/{name}?tab=details")

    page.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Leave it").click()
    assert ask(shed, f"/trainshed/v1/{name}")["name"] == name
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()

    page.wait_for_url("**/functions")
    wait_until(lambda: name not in json.dumps(ask(shed, "/functions?format=json")))
