"""Tokens that say who somebody is, and whom they are for."""

import os
import stat
from base64 import urlsafe_b64encode

import pytest
from google.auth import jwt

from trainshed.api.reach import Reach
from trainshed.api.tokens import write_private
from trainshed.errors import Unauthenticated
from trainshed.settings import load

WHO = "pusher@p.iam.gserviceaccount.com"


@pytest.fixture
def reach(tmp_path):
    made = Reach(load({}, home=tmp_path, host="0.0.0.0", port=0))
    made.address = "http://10.0.0.1:8484"
    return made


def test_an_identity_token_verifies_against_the_published_certificate(reach):
    token = reach.identity_token(WHO, "https://push.example/x")

    claims = jwt.decode(token, certs={reach.key.id: reach.key.certificate}, audience="https://push.example/x")

    assert (claims["email"], claims["iss"]) == (WHO, "https://accounts.google.com")
    assert reach.key.jwk["kid"] == reach.key.id


@pytest.mark.parametrize("audience", ["https://push.example/x", "anything", "http://10.0.0.1:8485", "https://["])
def test_an_identity_token_for_somebody_else_opens_nothing_here(reach, audience):
    with pytest.raises(Unauthenticated):
        reach.identify(f"Bearer {reach.identity_token(WHO, audience)}")


@pytest.mark.parametrize("audience", ["http://10.0.0.1:8484", "https://us-central1-p.cloudfunctions.net/f"])
def test_an_identity_token_for_us_says_who_comes(reach, audience):
    assert reach.identify(f"Bearer {reach.identity_token(WHO, audience)}").principal == WHO


def test_a_token_that_is_nested_too_deep_is_none_of_ours(reach):
    head = urlsafe_b64encode(b"[" * 100_000).decode()

    assert reach.key.read(f"{head}.e30.e30") is None


def test_a_private_file_is_on_disk_before_it_takes_the_place_of_another(tmp_path, monkeypatch):
    path, seen = tmp_path / "ended", []
    write_private(path, b"old")

    def look(descriptor):
        seen.append((stat.S_ISDIR(os.fstat(descriptor).st_mode), path.read_bytes()))

    monkeypatch.setattr(os, "fsync", look)
    write_private(path, b"new")

    assert seen == [(False, b"old"), (True, b"new")]
