"""Application Default Credentials of every kind, with a scripted Google; nothing of them is ever shown."""

import json

import pytest
from google.auth import _cloud_sdk
from google.auth.compute_engine import _metadata

from trainshed import errors
from trainshed.targets import wire
from trainshed.targets.credentials import Credentials

SECRET = "ya29.secret-token"
TOKEN = (200, {"access_token": SECRET, "expires_in": 3600, "token_type": "Bearer"})


@pytest.fixture(autouse=True)
def nowhere(monkeypatch, tmp_path):
    """No credentials but those that a test gives."""
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path / "gcloud"))
    for name in ("GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_CLOUD_PROJECT", "GCLOUD_PROJECT", "NO_GCE_CHECK"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(_cloud_sdk, "get_project_id", lambda: None)


@pytest.fixture
def file(monkeypatch, tmp_path):
    def written(document):
        path = tmp_path / "credentials.json"
        path.write_text(json.dumps(document))
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(path))

    return written


def test_none_at_all_says_how_to_log_in(monkeypatch):
    monkeypatch.setenv("NO_GCE_CHECK", "true")

    with pytest.raises(errors.Unauthenticated, match="Log in with `gcloud auth application-default login`") as caught:
        Credentials().headers()
    assert caught.value.reason == "CREDENTIALS_MISSING"


USER = {"type": "authorized_user", "client_id": "i", "client_secret": "s", "refresh_token": "secret-refresh"}


def test_a_users_bring_their_quota_project(file, wired):
    file(USER | {"quota_project_id": "q"})
    script = wired(TOKEN, TOKEN)

    own, given = Credentials(), Credentials(quota_project="other")

    found = own.headers()
    assert (found["authorization"], found["x-goog-user-project"]) == (f"Bearer {SECRET}", "q")
    assert given.headers()["x-goog-user-project"] == "other"
    assert (own.quota_project, own.project, own.principal) == ("q", "", "")
    assert script.asked[0].url == "https://oauth2.googleapis.com/token"


def test_a_token_is_kept_until_it_is_refused(file, wired):
    file(USER)
    script = wired(TOKEN, TOKEN)
    found = Credentials()

    found.headers()
    found.headers()
    assert len(script.asked) == 1
    found.renew()
    found.headers()
    assert len(script.asked) == 2


def test_a_revoked_login_is_told_without_what_was_sent(file, wired):
    file(USER)
    wired((400, {"error": "invalid_grant", "error_description": "Token has been expired or revoked."}))

    with pytest.raises(errors.Unauthenticated, match="not accepted") as caught:
        Credentials().headers()
    assert "gcloud auth application-default login" in caught.value.message
    assert "secret-refresh" not in caught.value.message


def test_a_workload_identity_exchanges_its_token(file, wired, tmp_path):
    (tmp_path / "token").write_text("subject-token")
    pool = "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/x"
    file({
        "type": "external_account", "audience": pool, "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_url": "https://sts.googleapis.com/v1/token", "credential_source": {"file": str(tmp_path / "token")},
    })  # fmt: skip
    exchanged = {"access_token": SECRET, "expires_in": 3600, "token_type": "Bearer", "issued_token_type": "x"}
    both = {**exchanged, "projectId": "of-the-pool"}  # of the exchange, and of the project that the pool is in
    script = wired(*[(200, both)] * 4)
    found = Credentials(quota_project="q")

    assert found.headers()["authorization"] == f"Bearer {SECRET}"
    assert found.project == "of-the-pool"
    assert script.asked[0].url == "https://sts.googleapis.com/v1/token"
    assert b"subject-token" in script.asked[0].body


def test_on_google_cloud_the_metadata_server_is_asked(wired, monkeypatch):
    monkeypatch.setattr(_metadata, "is_on_gce", lambda **_: True)
    monkeypatch.setattr(
        _metadata, "get_universe_domain", lambda *_, **__: "googleapis.com"
    )  # asked by a way of its own
    text = {"content-type": "text/plain", "metadata-flavor": "Google"}
    asked = []

    def answer(verb, url, headers, body=None, *, timeout_seconds=None):
        asked.append(url)
        name = url.partition("?")[0].rstrip("/").rpartition("/")[2]
        known = {"project-id": (200, b"of-the-machine", text)}
        account = {"email": "me@p.iam.gserviceaccount.com", "scopes": ["x"], **TOKEN[1]}
        return wired(known.get(name, (200, account, {"content-type": "application/json"})))(verb, url, headers, body)

    def script():
        monkeypatch.setattr(wire, "exchange", lambda *a, **k: (answer(*a, **k), script())[0])

    script()
    found = Credentials()

    assert found.project == "of-the-machine"
    assert found.headers()["authorization"] == f"Bearer {SECRET}"
    assert asked
    # the library may also ask, by itself and in passing, in which regions the account may be used
    elsewhere = [url for url in asked if not url.startswith("http://metadata.google.internal/")]
    assert len(elsewhere) < len(asked)
    assert all(url.startswith("https://iamcredentials.googleapis.com/") for url in elsewhere)


def test_an_outage_of_the_token_server_is_no_refusal(file, wired):
    file(USER)
    wired(*[OSError("no route")] * 20)

    with pytest.raises(errors.Unavailable, match="no route"):
        Credentials().headers()
