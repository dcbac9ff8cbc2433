"""Builds as a person sees them: every figure is the API's, and every button does what it says."""

import json
import re
import urllib.request
from datetime import datetime

import pytest
from browser.doing import exact, facts, lasted, table
from browser.looks import audit
from playwright.sync_api import expect

BUILDS = "/v1/projects/local-project/builds"
LINES = 60_000
EVIL = '<img src="x" onerror="document.title=1">'


def ask(shed, path, document=None):
    data = None if document is None else json.dumps(document).encode()
    request = urllib.request.Request(shed.address + path, data, {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def start(shed, *scripts):
    steps = [{"id": f"Part {place}", "name": "ubuntu", "script": script} for place, script in enumerate(scripts)]
    return ask(shed, BUILDS, {"steps": steps})["metadata"]["build"]["id"]


def state(shed, build_id):
    return ask(shed, f"{BUILDS}/{build_id}")["status"]


def moment(text):
    return datetime.fromisoformat(text)


def stretch(bar):
    return [float(bar.get_attribute(name)) for name in ("data-start", "data-end")]


@pytest.fixture(scope="module")
def image_build(shed):
    return next(build for build in ask(shed, BUILDS)["builds"] if build.get("images"))


@pytest.fixture(scope="module")
def long_log(shed, image_build):
    """A log of 60,000 lines in place of that of a build which is over."""
    labels = [f'Step #{place} - "{step["id"]}": ' for place, step in enumerate(image_build["steps"])]
    lines = [f"{labels[number % 4]}epoch {number} of the training" for number in range(1, LINES + 1)]
    lines[LINES - 3] = f"{labels[1]}\x1b[1;31mbroken\x1b[0m {EVIL}"
    lines[LINES - 2] = f"{labels[2]} 10%|#   |\r100%|####| all of it, at last, and a long line for it {'so ' * 100}"
    path = shed.home / "builds" / image_build["id"] / "log.txt"
    path.write_text("\n".join(lines) + "\n", newline="")
    return path


def test_s19_build_page_has_every_element(shed, page, image_build):
    build_id = image_build["id"]
    page.open(f"/builds/{build_id}")

    begun, over = moment(image_build["startTime"]), moment(image_build["finishTime"])
    expect(page.locator("h1")).to_have_text(f"Build {build_id.partition('-')[0]} SUCCESS")
    expect(page.locator(".about")).to_contain_text(f"took {(over - begun).total_seconds():.1f} s")
    expect(page.locator(".about time")).to_have_attribute("title", begun.strftime("%Y-%m-%d %H:%M:%S UTC"))
    expect(page.locator("#steps h2")).to_contain_text(f"{len(image_build['steps'])} steps")
    rows = page.locator(".build-steps li")
    expect(rows).to_have_count(1 + len(image_build["steps"]))
    for place, step in enumerate(image_build["steps"]):
        row = rows.nth(place + 1)
        expect(row).to_contain_text(f"{place}: {step['id']}")
        expect(row).to_contain_text(" ".join([step.get("entrypoint", ""), *step["args"]]).strip())
        expect(row.locator(".badge")).to_have_text("SUCCESS")
        expect(row.locator(".step-duration")).to_have_text(
            lasted(step["timing"]["startTime"], step["timing"]["endTime"])
        )
        expect(row.locator(".step-image")).to_have_text(step["name"])
        times = [(moment(step["timing"][end]) - begun).total_seconds() for end in ("startTime", "endTime")]
        assert stretch(row.locator(".stretch")) == pytest.approx(times, abs=0.002)
    image, compilation = (stretch(rows.nth(place).locator(".stretch")) for place in (2, 3))
    assert image[0] < compilation[1]  # they overlap, on one axis
    assert compilation[0] < image[1]
    assert_phases(page, image_build, {"BUILD", "PUSH"})
    for name in ("Rebuild", "Copy URL"):
        expect(page.get_by_role("button", name=name)).to_be_visible()

    assert audit(page) == []
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy URL").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == page.url

    page.get_by_role("link", name="Execution details").click()
    expect(page.locator("#images")).to_contain_text(image_build["results"]["images"][0]["digest"])
    given = dict(row.split("\t")[:2] for row in page.locator("#substitutions tbody tr").all_inner_texts())
    assert image_build["substitutions"].items() <= given.items()
    about = facts(page, "about")
    assert about["Log object"].startswith("gs://")
    assert about["Started"] == begun.strftime("%Y-%m-%d %H:%M:%S UTC")
    page.get_by_role("link", name=about["Log object"]).click()
    expect(page.locator("#content pre")).to_contain_text(f'starting build "{build_id}"')
    page.go_back()
    assert facts(page, "options") | {"timeout": image_build["timeout"], **image_build["options"]} == facts(
        page, "options"
    )
    assert about["Duration"] == lasted(image_build["startTime"], image_build["finishTime"])
    assert about["Waited"] == lasted(image_build["createTime"], image_build["startTime"])
    assert [(row["Phase"], row["Duration"]) for row in table(page, "phases")] == [
        (name, lasted(time["startTime"], time["endTime"])) for name, time in phases_of(image_build)
    ]
    for place, (row, step) in enumerate(zip(table(page, "step-details"), image_build["steps"], strict=True)):
        assert (row["#"], row["Step"], row["Image"], row["Status"]) == (str(place), step["id"], step["name"], "SUCCESS")
        assert row["Duration"] == lasted(step["timing"]["startTime"], step["timing"]["endTime"])
        assert row["Waits for"] == (", ".join(step.get("waitFor", ())) or "the steps before it" if place else "–")
    given = {(row["Step"], row["Variable"]): row["Value"] for row in table(page, "environment")}
    wanted = {
        (str(n), e.partition("=")[0]): e.partition("=")[2]
        for n, s in enumerate(image_build["steps"])
        for e in s.get("env", ())
    }
    assert given == wanted != {}
    assert audit(page) == []


def phases_of(build):
    return sorted(build["timing"].items(), key=lambda phase: phase[1]["startTime"])


def assert_phases(page, build, names):
    """Every phase of the whole build is there, as long as it took and where it stands on the axis."""
    whole = page.locator(".build-steps li").first
    assert set(build["timing"]) == names
    assert whole.locator(".phase").all_inner_texts() == [
        f"{name} {lasted(time['startTime'], time['endTime'])}" for name, time in phases_of(build)
    ]
    begun = moment(build["startTime"])
    for bar, (_, time) in zip(whole.locator(".stretch").all(), phases_of(build), strict=True):
        wanted = [(moment(time[end]) - begun).total_seconds() for end in ("startTime", "endTime")]
        assert stretch(bar) == pytest.approx(wanted, abs=0.002)


def test_s19_a_build_of_a_commit_says_where_its_source_is_from_and_what_it_kept(shed, page, tmp_path):
    by_commit = next(build for build in ask(shed, BUILDS)["builds"] if build.get("substitutions", {}).get("COMMIT_SHA"))
    page.open(f"/builds/{by_commit['id']}")
    assert_phases(page, by_commit, {"FETCHSOURCE", "BUILD"})
    about = page.locator(".about")
    expect(about).to_contain_text(f"commit {by_commit['substitutions']['COMMIT_SHA'][:7]} of main")
    expect(about.get_by_role("link", name="on-push")).to_have_attribute("href", re.compile("/triggers/.*/on-push$"))
    page.get_by_role("link", name="Execution details").click()
    shown = facts(page, "about")
    assert shown["Source"] == by_commit["source"]["gitSource"]["url"]
    assert shown["Commit"].startswith(by_commit["substitutions"]["COMMIT_SHA"])
    assert shown["Trigger"] == "on-push"

    ask(shed, "/storage/v1/b?project=local-project", {"name": "kept-of-builds"})
    steps = [{"id": "Write", "name": "ubuntu", "script": "echo 1 > one.txt; echo 2 > two.txt"}]
    artifacts = {"objects": {"location": "gs://kept-of-builds/here/", "paths": ["*.txt"]}}
    asked = {"steps": steps, "artifacts": artifacts, "tags": ["nightly"], "options": {"env": ["MODE=fast"]}}
    build_id = ask(shed, BUILDS, asked)["metadata"]["build"]["id"]
    page.open(f"/builds/{build_id}?tab=details")
    expect(page.locator("h1")).to_contain_text("SUCCESS")
    kept = ask(shed, f"{BUILDS}/{build_id}")["results"]
    assert {row["What"]: row["Which"] for row in table(page, "artifacts")} == {
        "Kept in": "gs://kept-of-builds/here/",
        "Files": "*.txt",
        "How many were kept": kept["numArtifacts"],
        "List of them": kept["artifactManifest"],
    }
    assert kept["numArtifacts"] == "2"
    assert facts(page, "about")["Tags"] == "nightly"
    assert table(page, "environment") == [{"Step": "all", "Variable": "MODE", "Value": "fast"}]


def test_s19_a_build_is_watched_while_it_runs(shed, page, tmp_path):
    flag = tmp_path / "go"
    build_id = start(shed, f"echo before; while [ ! -e {flag} ]; do sleep 0.1; done; echo after", "echo at once")
    page.open(f"/builds/{build_id}")
    page.evaluate("window.isTheSame = true")

    log = page.get_by_role("log")
    expect(log).to_contain_text('Step #0 - "Part 0": before')
    expect(page.locator("h1")).to_contain_text("WORKING")
    expect(page.get_by_role("button", name="Following")).to_be_visible()
    expect(page.locator(".phase.build")).to_have_text("BUILD goes on")
    width = float(page.locator(".build-steps li[data-key-of] .stretch.working").get_attribute("width"))
    assert width > 500
    flag.touch()

    expect(log).to_contain_text('Step #0 - "Part 0": after')
    expect(log).to_contain_text('Step #1 - "Part 1": at once')
    expect(log).to_contain_text("DONE")
    expect(page.locator("h1")).to_contain_text("SUCCESS")
    expect(page.locator(".build-steps .stretch.success")).to_have_count(2)
    expect(page.get_by_role("button", name="Following")).to_be_hidden()
    expect(page.get_by_role("button", name="Rebuild")).to_be_visible()
    assert page.evaluate("window.isTheSame")
    words = (shed.home / "builds" / build_id / "log.txt").read_text().splitlines()
    assert log.locator(".log-text").all_inner_texts() == words
    assert log.locator(".log-number").all_inner_texts() == [str(number + 1) for number in range(len(words))]


def test_s19_a_step_alone_is_chosen_by_its_address(page, image_build, long_log):
    page.open(f"/builds/{image_build['id']}")
    page.locator(".build-steps a").nth(2).click()

    page.wait_for_url(re.compile(r"\?step=1$"))
    expect(page.locator(".build-steps a[aria-current]")).to_contain_text("1: Build Image")
    texts = page.locator(".log-text")
    expect(texts.last).to_have_text(f'Step #1 - "Build Image": broken {EVIL}')
    assert {text[:23] for text in texts.all_inner_texts()} == {'Step #1 - "Build Image"'}
    expect(page.locator(".log-number").last).to_have_text(str(LINES - 2))
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    assert download.value.path().read_text().count("\n") == LINES // 4 + 1
    page.get_by_role("link", name="Whole build").click()
    expect(page.locator(".log-number").last).to_have_text(str(LINES))


def test_s19_a_long_log_is_read_from_its_end(page, image_build, long_log):
    page.open(f"/builds/{image_build['id']}")
    box, rows = page.locator(".log-lines"), page.locator(".log-row")

    expect(rows).to_have_count(300)
    expect(page.locator(f"#L{LINES}")).to_be_in_viewport()
    expect(page.locator(f"#L{LINES - 2} .log-text .bold.red")).to_have_text("broken")
    expect(page.locator(f"#L{LINES - 2}")).to_contain_text(EVIL)
    expect(page.locator(f"#L{LINES - 1}")).to_contain_text("100%|####|")
    box.evaluate("box => box.scrollTop = 0")
    expect(rows).to_have_count(600)
    first = page.locator(f"#L{LINES - 299}")
    expect(first).to_be_in_viewport()  # what one read stays where it was
    expect(rows.first).to_have_attribute("id", f"L{LINES - 599}")
    for number in range(LINES - 899, LINES - 3300, -300):
        box.evaluate("box => box.scrollTop = 0")
        expect(rows.first).to_have_attribute("id", f"L{number}")
    assert rows.count() == 3000

    page.get_by_role("button", name="To the start").click()
    expect(page.locator("#L1")).to_be_in_viewport()
    box.focus()
    page.keyboard.press("End")
    expect(page.locator(f"#L{LINES}")).to_be_in_viewport()


def test_s19_a_log_is_searched_wrapped_turned_and_linked(page, image_build, long_log):
    address = f"/builds/{image_build['id']}"
    page.open(address)
    search, said = page.get_by_role("searchbox"), page.locator(".log-said")
    search.fill("EPOCH 5900")
    expect(said).to_contain_text("Line 11 of 11")
    expect(page.locator(".chosen mark")).to_have_text("epoch 5900")
    expect(page.locator("#L59009")).to_be_in_viewport()
    search.press("Shift+Enter")
    expect(said).to_contain_text("Line 10 of 11")
    expect(page.locator("#L59008.chosen")).to_be_in_viewport()
    search.press("Enter")
    search.press("Enter")
    expect(page.locator("#L5900.chosen")).to_be_in_viewport()
    search.fill("nowhere to be found")
    expect(said).to_have_text("No line has “nowhere to be found”.")
    search.fill("")

    page.get_by_role("button", name="To the end").click()
    long = page.locator(f"#L{LINES - 1}")
    expect(long).to_be_visible()
    low = long.bounding_box()["height"]
    page.get_by_label("Wrap lines").check()
    assert long.bounding_box()["height"] > 2 * low
    page.get_by_label("Newest first").check()
    expect(page.locator(".log-number").first).to_have_text(str(LINES))
    page.reload()
    expect(page.locator(".log-number").first).to_have_text(str(LINES))  # what was chosen is remembered
    expect(page.get_by_label("Wrap lines")).to_be_checked()
    page.get_by_label("Newest first").uncheck()
    page.get_by_label("Wrap lines").uncheck()

    page.locator(f"#L{LINES - 9} .log-number").click()
    assert page.url.endswith(f"#L{LINES - 9}")
    page.open("/builds")
    for place in ("#L1234", "?line=1235"):
        page.open(f"{address}{place}")
        expect(page.locator(f"#L{re.search(r'[0-9]+$', place)[0]}.chosen")).to_be_in_viewport()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    assert download.value.path().read_bytes() == long_log.read_bytes()


def test_s19_rebuild_and_cancel_do_what_they_say(shed, page, tmp_path):
    first = start(shed, f"while [ ! -e {tmp_path / 'never'} ]; do sleep 0.1; done")
    page.open(f"/builds/{first}")

    page.get_by_role("button", name="Cancel build").click()
    page.get_by_role("dialog").get_by_role("button", name="Leave it").click()
    assert state(shed, first) in {"QUEUED", "WORKING"}
    page.get_by_role("button", name="Cancel build").click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel build").click()
    expect(page.locator("h1")).to_contain_text("CANCELLED")
    assert state(shed, first) == "CANCELLED"

    page.get_by_role("button", name="Rebuild").click()
    page.wait_for_url(lambda url: "/builds/" in url and first not in url)
    second = page.url.rpartition("/")[2]
    assert ask(shed, f"{BUILDS}/{second}")["steps"][0]["script"] == ask(shed, f"{BUILDS}/{first}")["steps"][0]["script"]
    ask(shed, f"{BUILDS}/{second}:cancel", {})


def test_a_build_that_waits_for_approval_is_approved_and_another_rejected(shed, page):
    trigger = {
        "name": "guarded",
        "build": {"steps": [{"name": "ubuntu", "script": "true"}]},
        "approvalConfig": {"approvalRequired": True},
    }
    ask(shed, "/v1/projects/local-project/triggers", trigger)
    for button, ended in (("Approve", "SUCCESS"), ("Reject", "CANCELLED")):
        build_id = ask(shed, "/v1/projects/local-project/triggers/guarded:run", {})["metadata"]["build"]["id"]
        page.open(f"/builds/{build_id}")
        expect(page.locator("h1")).to_contain_text("PENDING")
        expect(page.locator("#said")).to_contain_text("It waits for approval.")
        page.get_by_role("button", name=button).click()
        if button == "Reject":
            page.get_by_role("dialog").get_by_role("button", name="Reject").click()
        expect(page.locator("h1")).to_contain_text(ended)
        assert state(shed, build_id) == ended


def test_builds_are_listed_filtered_and_come_by_themselves(shed, page):
    known = ask(shed, f"{BUILDS}?pageSize=100")["builds"]
    by_commit = next(build for build in known if build.get("substitutions", {}).get("COMMIT_SHA"))
    commit = by_commit["substitutions"]["COMMIT_SHA"]
    page.open("/builds")
    rows = page.locator("#builds tbody tr")
    assert rows.count() == len(known)
    for row, build in zip(table(page, "builds"), known, strict=True):
        assert (row["Build"], row["Status"].split()[0]) == (build["id"].partition("-")[0], build["status"])
        if "finishTime" in build:  # one that was rejected never began
            took = lasted(build["startTime"], build["finishTime"]) if "startTime" in build else "–"
            assert row["Duration"] == took
        assert row["Images"] == (", ".join(build.get("images", ())) or "–")
        assert row["Trigger"] == build.get("substitutions", {}).get("TRIGGER_NAME", "by hand")
    times = rows.locator("time").evaluate_all("all => all.map((time) => time.title)")
    assert times == [exact(build["createTime"]) for build in known]
    page.evaluate("window.isTheSame = true")
    made = start(shed, "true")
    expect(rows.first).to_contain_text(made.partition("-")[0])
    expect(rows.first).to_contain_text("SUCCESS")
    assert page.evaluate("window.isTheSame")

    page.get_by_label("Build or commit").fill(commit[:9])
    page.get_by_role("button", name="Filter").click()
    expect(rows).to_have_count(1)
    expect(rows.first).to_contain_text(commit[:7])
    expect(rows.first).to_contain_text("on-push")
    for query, count in (("status=SUCCESS&text=main", 1), ("status=EXPIRED", 0), ("since=2099-01-01T00:00", 0)):
        page.open(f"/builds?{query}")
        expect(rows).to_have_count(count)
    expect(page.locator("#builds")).to_contain_text("No build is like that")
    page.open("/builds")
    rows.filter(has_text=commit[:7]).get_by_role("link").first.click()
    expect(page.locator("h1")).to_contain_text(by_commit["id"].partition("-")[0])
    expect(page.locator(".about")).to_contain_text(f"commit {commit[:7]} of main")
