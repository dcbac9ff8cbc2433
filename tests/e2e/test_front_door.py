"""The front door under visitors that come in numbers, or fall silent."""

import asyncio
import contextlib
import ssl

import pytest

from trainshed.api import door as doors
from trainshed.api import serve
from trainshed.api.door import Door, Rooms
from trainshed.settings import Settings

_MOST = 8


class Echo(asyncio.Protocol):
    """An HTTP server that answers every line with itself, and is idle until it is asked."""

    is_idle = True

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.is_idle = False
        self.transport.write(data)


@contextlib.asynccontextmanager
async def open_door(tmp_path):
    rooms = Rooms(
        grpc=tmp_path / "grpc.sock",
        http=Echo,
        tls=lambda: ssl.create_default_context(ssl.Purpose.CLIENT_AUTH),
        is_ours=lambda _: False,
        is_let_through=lambda _: False,
    )
    door = Door(rooms, most=_MOST)
    port = await door.open("127.0.0.1", 0)
    try:
        yield port
    finally:
        door.close()
        await door.clear()


async def come_in(port, said=b""):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(said)
    await writer.drain()
    if said:
        assert await reader.readexactly(len(said)) == said
    return reader, writer


def leave(*visitors):
    for _, writer in visitors:
        writer.close()


def test_when_the_door_is_full_whoever_says_nothing_makes_room_and_who_asks_stays(tmp_path):
    async def scene():
        async with open_door(tmp_path) as port:
            asking = [await come_in(port, b"asked\r\n") for _ in range(3)]
            silent = [await come_in(port) for _ in range(_MOST * 3)]
            late = await come_in(port, b"late\r\n")

            for reader, writer in asking:
                writer.write(b"again\r\n")
                assert await reader.readexactly(7) == b"again\r\n"
            assert await silent[0][0].read() == b""
            leave(*asking, *silent, late)

    asyncio.run(asyncio.wait_for(scene(), 60))


def test_when_everybody_inside_asks_a_new_visitor_has_to_go(tmp_path):
    async def scene():
        async with open_door(tmp_path) as port:
            asking = [await come_in(port, b"asked\r\n") for _ in range(_MOST)]
            reader, writer = await asyncio.open_connection("127.0.0.1", port)

            with contextlib.suppress(ConnectionResetError):
                assert await reader.read() == b""
            for known, answer in asking:
                answer.write(b"again\r\n")
                assert await known.readexactly(7) == b"again\r\n"
            writer.close()
            leave(*asking)

    asyncio.run(asyncio.wait_for(scene(), 60))


@pytest.mark.parametrize(
    "target", [b"/runs", b"host", b"host:", b"host:x", b"a\r\nX-Said:\t1:443", b"host:\xb2", b":1"]
)
def test_what_is_no_host_and_port_is_no_way_out_and_repeated_in_no_line(tmp_path, target):
    async def scene():
        async with open_door(tmp_path) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"CONNECT " + target + b" HTTP/1.1\r\n\r\n")
            answer = await reader.read()
            writer.close()
            return answer

    answer = asyncio.run(asyncio.wait_for(scene(), 60))

    assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert b"X-Said" not in answer


@pytest.mark.parametrize("said", [b"", b"CONN", b"PR"])
def test_a_visitor_that_never_says_what_it_wants_is_shown_out(tmp_path, monkeypatch, said):
    monkeypatch.setattr(doors, "_FIRST_SECONDS", 0.05)

    async def scene():
        async with open_door(tmp_path) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(said)
            with contextlib.suppress(ConnectionResetError):
                assert await reader.read() == b""
            writer.close()

    asyncio.run(asyncio.wait_for(scene(), 60))


@pytest.mark.parametrize(
    "said", [b"GET /v1/x HTTP/1.1\r\nHost: 127", b"POST /v1/x HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n12"]
)
def test_a_request_that_stops_in_the_middle_is_hung_up_on(tmp_path, monkeypatch, said):
    monkeypatch.setattr(serve, "_SILENCE_SECONDS", 0.05)
    surface = serve.Surface(Settings(home=tmp_path, port=0), servicers=[])

    async def scene():
        address = await surface.start()
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", int(address.rpartition(":")[2]))
            writer.write(said)
            assert b"200 OK" not in await reader.read()
            writer.close()
        finally:
            await surface.stop()

    asyncio.run(asyncio.wait_for(scene(), 60))
