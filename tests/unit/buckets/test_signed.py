"""Signed addresses, made by Google's own library, hold for what they say and for nothing else."""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest
from google.auth.credentials import Signing
from google.cloud.storage import _signing

from trainshed.api.services.storage_signed import Signed, check, is_signed
from trainshed.errors import InvalidArgument, PermissionDenied, Unimplemented


def now():
    return datetime.now(UTC)


HOST = "https://storage.googleapis.com"


class Signer(Signing):
    """Signs with the text itself, so that what was signed can be seen."""

    signer_email = "somebody@example.org"
    signer = None

    def sign_bytes(self, message):
        return b"signed " + message


def verify(signature, data):
    return signature == b"signed " + data


def signed(version=4, method="GET", path="/b/a%20b", sent=None, **given):
    make = _signing.generate_signed_url_v4 if version == 4 else _signing.generate_signed_url_v2
    address = urlsplit(make(Signer(), path, timedelta(minutes=5), HOST, method, **given))
    headers = {"host": ["storage.googleapis.com"], **{k.lower(): [v] for k, v in (sent or {}).items()}}
    return Signed(
        method="POST" if method == "RESUMABLE" else method, path=address.path, query=address.query, headers=headers
    )


WAYS = [
    {},
    {"method": "DELETE"},
    {"method": "PUT", "content_type": "text/css", "sent": {"Content-Type": "text/css"}},
    {"method": "PUT", "headers": {"x-goog-meta-k": " a   b "}, "sent": {"x-goog-meta-k": "a b"}},
    {"method": "RESUMABLE", "sent": {"x-goog-resumable": "start"}},
    {"query_parameters": {"list-type": "2", "prefix": "a b/ü"}},
    {"response_disposition": "attachment; filename=x", "generation": "5"},
    {"path": "/b/%C3%BC%20%23%25/~x"},
]


@pytest.mark.parametrize("version", [2, 4])
@pytest.mark.parametrize("way", WAYS)
def test_what_the_library_signs_holds(version, way):
    check(signed(version, **way), verify, now())


def test_gsutil_writes_the_names_small():
    small = "x-goog-algorithm=GOOG4-RSA-SHA256&x-goog-credential=a%40b%2F20260101%2Feu%2Fstorage%2Fgoog4_request&"
    small += "x-goog-date=20260101T000000Z&x-goog-expires=600&x-goog-signedheaders=host"
    canonical = f"GET\n/b/o\n{small}\nhost:h\n\nhost\nUNSIGNED-PAYLOAD"
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    text = f"GOOG4-RSA-SHA256\n20260101T000000Z\n20260101/eu/storage/goog4_request\n{digest}"
    query = f"x-goog-signature={(b'signed ' + text.encode()).hex()}&{small}"

    assert is_signed(query)
    check(
        Signed(method="GET", path="/b/o", query=query, headers={"host": ["h"]}),
        verify,
        datetime(2026, 1, 1, tzinfo=UTC),
    )


@pytest.mark.parametrize("version", [2, 4])
@pytest.mark.parametrize(
    "change",
    [
        {"method": "DELETE"},
        {"path": "/b/other"},
        {"headers": {"host": ["storage.googleapis.com"], "content-type": ["text/plain"]}},
    ],
)
def test_nothing_else_may_be_done_with_it(version, change):
    given = signed(version, method="PUT", content_type="text/css", sent={"Content-Type": "text/css"})

    with pytest.raises(PermissionDenied):
        check(replace(given, **change), verify, now())


@pytest.mark.parametrize("version", [2, 4])
def test_a_parameter_more_is_refused(version):
    given = signed(version)

    with pytest.raises(PermissionDenied):
        check(replace(given, query=given.query + "&prefix=x"), verify, now())


@pytest.mark.parametrize("version", [2, 4])
@pytest.mark.parametrize(
    "name",
    ["x-goog-meta-k", "x-goog-copy-source", "x-goog-metadata-directive", "x-goog-if-generation-match", "x-goog-resumable"],
)  # fmt: skip
def test_every_header_of_google_that_is_sent_has_to_be_signed(version, name):
    check(signed(version, method="PUT", headers={name: "v"}, sent={name: "v"}), verify, now())
    with pytest.raises(PermissionDenied, match="sign"):
        check(signed(version, method="PUT", sent={name: "v"}), verify, now())


@pytest.mark.parametrize(
    "name", ["x-goog-encryption-key", "x-goog-encryption-key-sha256", "x-goog-api-client", "content-type", "user-agent"]
)
def test_what_clients_send_beside_a_signature_need_not_be_signed(name):
    check(signed(method="PUT", sent={name: "v"}), verify, now())


@pytest.mark.parametrize("version", [2, 4])
def test_it_holds_until_it_expires(version):
    check(signed(version), verify, now() + timedelta(minutes=4))
    with pytest.raises(InvalidArgument, match="expired") as refused:
        check(signed(version), verify, now() + timedelta(minutes=6))
    assert refused.value.reason == "ExpiredToken"


def test_a_time_to_come_and_a_life_of_more_than_a_week_are_refused():
    given = signed()

    with pytest.raises(PermissionDenied, match="time to come"):
        check(given, verify, now() - timedelta(hours=1))
    with pytest.raises(InvalidArgument, match="seven days"):
        check(replace(given, query=given.query.replace("Expires=300", "Expires=700000")), verify, now())


@pytest.mark.parametrize("version", [2, 4])
def test_the_key_of_somebody_else_is_refused(version):
    with pytest.raises(PermissionDenied, match="trainshed exec"):
        check(signed(version), lambda _signature, _data: False, now())
    with pytest.raises(PermissionDenied):
        check(signed(version), None, now())


@pytest.mark.parametrize(
    "query",
    [
        "X-Goog-Signature=zz", "X-Goog-Algorithm=GOOG4-RSA-SHA256", "Signature=AA==", "Signature=%%&Expires=x&GoogleAccessId=a",
        "X-Goog-Algorithm=MD5&X-Goog-Credential=c&X-Goog-Date=d&X-Goog-Expires=1&X-Goog-SignedHeaders=h&X-Goog-Signature=0",
        "Signature=AA==&GoogleAccessId=a&Expires=99999999999999999999",
    ],
)  # fmt: skip
def test_broken_ones_are_refused_by_the_name_of_what_is_wrong(query):
    given = Signed(method="GET", path="/b/o", query=query, headers={})

    assert is_signed(query)
    with pytest.raises(InvalidArgument):
        check(given, verify, now())


def test_keys_of_the_other_kind_are_refused():
    with pytest.raises(Unimplemented, match="HMAC"):
        check(Signed(method="GET", path="/b/o", query="X-Amz-Signature=0", headers={}), verify, now())


def test_a_plain_query_claims_nothing():
    assert not is_signed("generation=5&prefix=X-Goog-Signature")
