"""Pipelines of other projects with stated results, run on a real server. Skips, saying so, where they are not there."""

import collections
import json
import os
from pathlib import Path

import pytest

from trainshed import ir
from trainshed.client import Client, segment
from trainshed.errors import InvalidArgument
from trainshed.testing import server

FOLDER = Path(os.environ.get("TRAINSHED_CONFORMANCE", Path(__file__).parents[3] / "shared" / "conformance"))
RUNS = "/trainshed/v1/projects/local-project/locations/us-central1/runs"


def cases():
    found = []
    for suite in ("kfp", "kfp_local"):
        path = FOLDER / suite / "cases.json"
        if path.exists():
            found += [{**c, "file": FOLDER / suite / c["path"]} for c in json.loads(path.read_text())["cases"]]
    return found


CASES = cases()


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    variables = {"TRAINSHED_EVAL_VAR": "eval-value"}
    with server(tmp_path_factory.mktemp("home"), **variables) as running:
        yield Client(running.address)


@pytest.fixture(scope="module")
def tally():
    counts = collections.Counter()
    yield counts
    print("\nconformance:", dict(counts))  # noqa: T201  (the counts are the point)


def refusal(case):
    """Answer why this version does not take a document; None when it does."""
    findings = ir.check(ir.load(case["file"].read_bytes()))
    return findings or None


def filled(value, folder):
    if isinstance(value, str):
        return value.replace("${TMP}", str(folder))
    if isinstance(value, dict):
        return {filled(k, folder): filled(v, folder) for k, v in value.items()}
    return value


def run(client, case, arguments, **more):
    body = {"text": case["file"].read_text(), "parameters": arguments, **more}
    document = client.call("POST", RUNS, body)
    path = f"{RUNS}/{document['name'].rsplit('/', 1)[1]}/wait"
    while document["state"] not in {"SUCCEEDED", "FAILED", "CANCELLED"}:
        document = client.call("GET", path)
    return document


def same(expected, found):
    """Numbers compare as numbers; `<local>` is any place, an empty artifact name any name."""
    if isinstance(expected, dict):
        loose = {"name"} if expected.get("name") == "" else set()
        if "artifact" in expected:
            expected = {"type" if k == "artifact" else k: v for k, v in expected.items()}
        loose |= {"uri_suffix", "content"}
        return isinstance(found, dict) and all(k in loose or same(v, found.get(k)) for k, v in expected.items())
    if isinstance(expected, list):
        return isinstance(found, list) and len(expected) == len(found) and all(map(same, expected, found))
    if expected == "<local>":
        return bool(found)
    return expected == found


def check_end(case, document, client):
    if case["expect"] == "fail":
        assert document["state"] == "FAILED"
        failed = {t["name"].rsplit(".", 1)[-1] for t in document["tasks"] if t["state"] == "FAILED"}
        assert failed & set(case.get("fail_tasks", failed))
        return
    assert document["state"] == "SUCCEEDED", document["error"]
    for key, expected in (case.get("expected_outputs") or {}).items():
        found = document["outputs"].get(key)
        assert same(expected, found), (key, expected, found)
        if isinstance(expected, dict) and "content" in expected and found["uri"].startswith("gs://"):
            bucket, name = found["uri"].removeprefix("gs://").split("/", 1)
            path = f"/storage/v1/b/{bucket}/o/{segment(name)}"
            with client.download(path, query={"alt": "media"}) as response:
                assert response.read().decode() == expected["content"]


@pytest.mark.skipif(not CASES, reason=f"the shared pipelines are not in {FOLDER}")
@pytest.mark.parametrize("case", CASES, ids=lambda c: c["name"].replace("local_tests/", ""))
def test_a_shared_pipeline_comes_out_as_stated_or_is_refused_by_name(case, client, tally, tmp_path):
    if case["expect"] == "skip" or case.get("needs_packages") or case.get("packages_to_install"):
        tally["needs the network"] += 1
        pytest.skip("needs the network, or packages of its own")
    if case.get("engine_kfp_min"):
        tally["needs a newer kfp than it pins"] += 1
        pytest.skip("needs a newer kfp than the one that it pins, and the pin is honoured")
    findings = refusal(case)
    if findings is not None:
        with pytest.raises(InvalidArgument, match="not executed by this version"):
            run(client, case, filled(case.get("arguments", {}), tmp_path))
        tally["refused by name: a feature of a later version"] += 1
        return
    if case["expect"] == "refuse":
        with pytest.raises(InvalidArgument, match="stands for nothing on this machine"):
            run(client, case, case["arguments"])
        tally["refused as stated"] += 1
        return
    if case["expect"] == "input_error":
        with pytest.raises(InvalidArgument, match="|".join(case.get("error_names") or [case.get("missing", "")])):
            run(client, case, case["arguments"])
        tally["input refused as stated"] += 1
        return
    for step in case.get("runs", [case]):
        options = case.get("engine_options", {})
        caching = {"caching": False} if options.get("caching") is False or "runs" not in case else {}
        document = run(client, case, filled(step["arguments"], tmp_path), **caching)
        check_end(step, document, client)
        for path, content in filled(step.get("expected_files") or {}, tmp_path).items():
            assert Path(path).read_text() == content
    tally["ran as stated"] += 1
