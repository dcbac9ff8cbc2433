"""One connection to a fork server: lines split and joined anywhere, and a reader that does not read."""

import json
import selectors
import socket

import pytest

from trainshed.workers.child.peer import Peer


@pytest.fixture
def ends():
    ours, theirs = socket.socketpair()
    with ours, theirs, selectors.DefaultSelector() as selector:
        yield ours, theirs, selector


def turn(selector):
    for key, _ in selector.select(0):
        key.data()


def test_messages_arrive_whole_however_they_are_cut(ends):
    ours, theirs, selector = ends
    heard = []
    Peer(ours, selector, heard.append, pytest.fail)

    for piece in (b'{"n"', b": 1}\n", b'{"n": 2}\n{"n"', b": 3", b"}\n"):
        theirs.send(piece)
        turn(selector)

    assert heard == [{"n": 1}, {"n": 2}, {"n": 3}]


def test_a_reader_that_does_not_read_holds_nobody_up_and_loses_nothing(ends):
    ours, theirs, selector = ends
    peer = Peer(ours, selector, pytest.fail, pytest.fail)
    event = {"text": "x" * 100_000}
    for _ in range(20):
        peer.send(event)

    theirs.setblocking(False)
    received = bytearray()
    while received.count(b"\n") < 20:
        received += theirs.recv(1 << 20)
        turn(selector)
    assert [json.loads(line) for line in received.splitlines()] == [event] * 20


def test_a_lost_connection_is_told_once(ends):
    ours, theirs, selector = ends
    lost = []
    peer = Peer(ours, selector, pytest.fail, lost.append)
    theirs.close()

    turn(selector)
    turn(selector)
    peer.send({"event": "pong"})

    assert lost == [peer]
