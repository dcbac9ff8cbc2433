"""Requests as TensorFlow's own file system sends them for gs://, byte by byte: it is peculiar, and TFX is built on it."""

import json
import re
import socket

import pytest

from trainshed.testing import server

HOST = "Host: storage.googleapis.com"
EMPTY = ("Content-Length: 0", "Transfer-Encoding: identity")


@pytest.fixture(scope="module")
def ask(tmp_path_factory):
    """Send a request line, headers and a body; answer status, headers as they are spelled, body."""
    with server(tmp_path_factory.mktemp("tensorflow") / "home") as running:
        assert running.run("storage", "buckets", "create", "gs://models").returncode == 0
        address = running.address.removeprefix("http://").rsplit(":", 1)

        def send(line, *headers, body=b""):
            with socket.create_connection((address[0], int(address[1])), timeout=90) as connection:
                head = "\r\n".join([f"{line} HTTP/1.1", HOST, "Connection: close", *headers, "", ""])
                connection.sendall(head.encode() + body)
                answer = b"".join(iter(lambda: connection.recv(65536), b""))
            head, _, content = answer.partition(b"\r\n\r\n")
            first, *rest = head.decode().split("\r\n")
            return int(first.split()[1]), dict(line.split(": ", 1) for line in rest), content

        yield send


def put(ask, name, data):
    status, headers, _ = ask(f"POST /upload/storage/v1/b/models/o?uploadType=resumable&name={name}", *EMPTY)
    assert status == 200
    place = re.sub("^https://storage.googleapis.com", "", headers["Location"])  # told apart by case
    status, _, content = ask(
        f"PUT {place}", f"Content-Range: bytes 0-{len(data) - 1}/{len(data)}", f"Content-Length: {len(data)}", body=data
    )
    assert status == 200, content
    return json.loads(content)


def test_a_file_is_written_and_read_by_its_plain_address(ask):
    assert put(ask, "run/1/saved_model.pb", b"weights")["name"] == "run/1/saved_model.pb"

    status, _, content = ask("GET /models/run%2F1%2Fsaved_model.pb")
    assert (status, content) == (200, b"weights")
    status, _, content = ask("GET /models/run/1/saved_model.pb", "Range: bytes=2-4")
    assert (status, content) == (206, b"igh")


def test_an_empty_object_stands_for_a_folder(ask):
    status, _, _ = ask("POST /upload/storage/v1/b/models/o?uploadType=media&name=run%2F2%2F", *EMPTY)
    assert status == 200

    status, _, content = ask("GET /storage/v1/b/models/o/run%2F2%2F?fields=size")
    assert (status, json.loads(content)["size"]) == (200, "0")


def test_how_much_has_arrived_is_told(ask):
    _, headers, _ = ask("POST /upload/storage/v1/b/models/o?uploadType=resumable&name=large", *EMPTY)
    place = re.sub("^https://storage.googleapis.com", "", headers["Location"])
    part = b"x" * (256 << 10)
    ask(f"PUT {place}", f"Content-Range: bytes 0-{len(part) - 1}/600000", f"Content-Length: {len(part)}", body=part)

    status, headers, _ = ask(f"PUT {place}", "Content-Range: bytes */600000", *EMPTY)

    assert status == 308
    assert headers["Range"] == f"bytes=0-{len(part) - 1}"


def test_what_is_not_there_is_not_found(ask):
    assert ask("GET /models/nothing")[0] == 404
    assert ask("GET /no-such-bucket/nothing")[0] == 404


def test_a_body_may_hold_the_words_of_a_header(ask):
    data = b"a\r\nTransfer-Encoding: identity\r\nb"

    put(ask, "words", data)

    assert ask("GET /models/words")[2] == data
