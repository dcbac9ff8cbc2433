"""Can everything be seen? The pages of a real server, while things happen and after."""

import json
import re
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import pytest

CONFIG = """
steps:
- id: Slow
  name: ubuntu
  script: |
    echo before
    while [ ! -e GO ]; do sleep 0.05; done
    echo after
- id: Quick
  name: ubuntu
  args: ['echo', 'hello $_NAME']
  waitFor: ['-']
- id: Release
  name: ubuntu
  args: ['touch', 'GO']
  waitFor: ['Quick']
"""


def get(trainshed, path):
    with urllib.request.urlopen(trainshed.address + path, timeout=90) as answer:
        return answer.read().decode()


@pytest.fixture(scope="module")
def build(trainshed, tmp_path_factory):
    config = tmp_path_factory.mktemp("build") / "cloudbuild.yaml"
    config.write_text(CONFIG)
    done = trainshed.run(
        "builds", "submit", "--no-source", "--config", str(config), "--substitutions", "_NAME=you", "--format", "json"
    )
    assert done.returncode == 0, done.stderr
    return trainshed.json("builds", "list")[0]


@pytest.mark.parametrize(
    "path", ["/", "/builds", "/runs", "/functions", "/schedules", "/topics", "/buckets", "/receipts"]
)
def test_every_section_says_what_to_do_while_it_is_empty(trainshed, path):
    page = get(trainshed, path)

    assert "<h1>" in page
    assert page.count('<nav aria-label="Sections">') == 1
    assert "Traceback" not in page


def test_unknown_thing_is_said_in_a_sentence(trainshed):
    with pytest.raises(urllib.error.HTTPError) as caught:
        get(trainshed, "/builds/none")

    page = caught.value.read().decode()
    assert caught.value.code == 404
    assert "There is no build" in page


def test_s19_build_page_has_every_element(trainshed, build):
    page = get(trainshed, f"/builds/{build['id']}")

    assert f"Build {build['id'].partition('-')[0]}" in page
    assert re.search(
        r'<p id="status"><span class="badge success">SUCCESS</span> · started \d{4}-\d\d-\d\d .* UTC · ', page
    )
    assert re.search(r"<strong>Build summary</strong><span class=\"note\">3 steps · [\d.]+ m?s", page)
    for number, step, command in [
        (0, "Slow", "echo before"),
        (1, "Quick", "echo hello you"),
        (2, "Release", "touch GO"),
    ]:
        assert f'<span>{number}: {step} <span class="badge success">SUCCESS</span></span>' in page
        assert f"<code>{command}</code>" in page
    for element in ('id="rebuild"', 'id="copy"', 'id="wrap"', 'id="newest"', "Execution details", "Build log"):
        assert element in page
    log = page.partition('<pre id="log">')[2]
    assert "Step #1 - &#34;Quick&#34;: hello you" in log
    assert get(trainshed, "/static/build.js").count("addEventListener") >= 6


def test_s19_rebuild_queues_the_same_build(trainshed, build):
    request = urllib.request.Request(
        f"{trainshed.address}/v1/projects/-/builds/{build['id']}:retry", data=b"{}", method="POST"
    )
    with urllib.request.urlopen(request, timeout=90) as answer:
        again = json.load(answer)["metadata"]["build"]

    assert again["id"] != build["id"]
    assert [s["id"] for s in again["steps"]] == ["Slow", "Quick", "Release"]


def test_s19_log_streams_while_the_build_runs(trainshed, tmp_path):
    config = tmp_path / "cloudbuild.yaml"
    flag = tmp_path / "go"
    script = f"echo before\nwhile [ ! -e {flag} ]; do sleep 0.05; done\necho after\n"
    config.write_text(json.dumps({"steps": [{"id": "Slow", "name": "ubuntu", "script": script}]}))
    created = trainshed.json("builds", "submit", "--no-source", "--config", str(config), "--async")

    seen = []
    url = f"{trainshed.address}/trainshed/v1/builds/{created['id']}/log?follow=true"
    with ThreadPoolExecutor(1) as pool, urllib.request.urlopen(url, timeout=60) as log:
        for line in log:
            seen.append(line.decode().strip())
            if seen[-1].endswith("before"):
                assert 'data-live="yes"' in get(trainshed, f"/builds/{created['id']}")
                pool.submit(flag.touch)

    assert 'Step #0 - "Slow": before' in seen
    assert 'Step #0 - "Slow": after' in seen
    assert "BUILD" in seen
