"""Long-running operations: found by name, waited for, cancelled."""

import httpx

_BUILDS = "/v1/projects/local-project/builds"


def ask(trainshed, verb, path, **given):
    return httpx.request(verb, trainshed.address + path, timeout=60, **given)


def test_the_operation_of_a_build_is_cancelled_with_it(trainshed):
    build = {"steps": [{"name": "bash", "args": ["-c", "sleep 600"]}]}
    name = ask(trainshed, "POST", _BUILDS, json=build).json()["name"]

    cancelled = ask(trainshed, "POST", f"/v1/{name}:cancel", json={})

    assert (cancelled.status_code, cancelled.json()) == (200, {})
    done = ask(trainshed, "GET", f"/v1/{name}").json()
    assert done["done"] is True
    assert done["metadata"]["build"]["status"] == "CANCELLED"
    assert ask(trainshed, "POST", f"/v1/{name}:cancel", json={}).status_code == 200


def test_an_operation_that_nobody_knows_is_not_cancelled(trainshed):
    answer = ask(trainshed, "POST", "/v1/operations/build/local-project/AAAA:cancel", json={})

    assert answer.status_code == 404
