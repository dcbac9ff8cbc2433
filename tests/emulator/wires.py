"""Google's newest Pub/Sub client over each of its wires, as one way to call."""

import asyncio
import queue
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import grpc
import grpc.aio
import requests
from google.api_core.client_options import ClientOptions
from google.api_core.exceptions import GoogleAPICallError
from google.auth.credentials import AnonymousCredentials
from google.pubsub_v1 import StreamingPullRequest, services

WIRES = ("grpc", "rest", "async")
_LIMIT_SECONDS = 60.0


class Refused(Exception):
    """A call that was answered by an error, named by its code."""

    def __init__(self, error: GoogleAPICallError) -> None:
        if isinstance(error.response, requests.Response):
            self.code = str(error.response.json()["error"]["status"])
        else:
            self.code = error.grpc_status_code.name if error.grpc_status_code else "UNKNOWN"
        super().__init__(f"{self.code}: {error.message}")


class Wire:
    """The clients of the three services over one wire."""

    def __init__(self, name: str, address: str) -> None:
        self.name = name
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self._clients = self._on_loop(self._open(address))

    async def _open(self, address: str) -> dict[str, Any]:
        self._channel: Any = None
        if self.name == "rest":
            options = ClientOptions(api_endpoint=f"http://{address}")
            free = AnonymousCredentials()
            return {
                "publisher": services.publisher.PublisherClient(
                    credentials=free, transport="rest", client_options=options
                ),
                "subscriber": services.subscriber.SubscriberClient(
                    credentials=free, transport="rest", client_options=options
                ),
                "schemas": services.schema_service.SchemaServiceClient(
                    credentials=free, transport="rest", client_options=options
                ),
            }
        kind = {"grpc": "grpc", "async": "grpc_asyncio"}[self.name]
        suffix = {"grpc": "Client", "async": "AsyncClient"}[self.name]
        self._channel = (grpc if kind == "grpc" else grpc.aio).insecure_channel(address)
        made = {}
        for key, module, name in (
            ("publisher", services.publisher, "Publisher"),
            ("subscriber", services.subscriber, "Subscriber"),
            ("schemas", services.schema_service, "SchemaService"),
        ):
            client = getattr(module, name + suffix)
            made[key] = client(transport=client.get_transport_class(kind)(channel=self._channel))
        return made

    def call(self, service: str, method: str, **request: Any) -> Any:
        """Call once, without retries; a page of a list is answered as it came. Raises Refused."""
        function = getattr(self._clients[service], method)
        try:
            if self.name == "async":
                found = self._on_loop(function(request=request, retry=None, timeout=_LIMIT_SECONDS))
            else:
                found = function(request=request, retry=None, timeout=_LIMIT_SECONDS)
        except GoogleAPICallError as error:
            raise Refused(error) from error
        return getattr(found, "_response", found)

    @contextmanager
    def stream(self, **first: Any) -> Iterator["Stream"]:
        """Open a streaming pull; not over REST."""
        opened = _AsyncStream(self._clients["subscriber"], self._on_loop) if self.name == "async" else None
        stream = opened or Stream(self._clients["subscriber"])
        try:
            stream.send(**first)
            yield stream
        finally:
            stream.close()

    def close(self) -> None:
        """Let go of the connections."""
        if self.name == "async":
            self._on_loop(self._channel.close())
        elif self._channel is not None:
            self._channel.close()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _on_loop(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_LIMIT_SECONDS)


class Stream:
    """One streaming pull of the synchronous client."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._requests: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._calls: Any = None
        self._reading = ThreadPoolExecutor(1)

    def send(self, **request: Any) -> None:
        """Send one request."""
        self._requests.put(request)

    def receive(self) -> Any:
        """Answer the next response that holds something. Raises Refused, StopIteration."""
        return self._reading.submit(self._next).result(_LIMIT_SECONDS)

    def close(self) -> None:
        """End both halves."""
        self._requests.put(None)
        if self._calls is not None:
            self._calls.cancel()
        self._reading.shutdown()

    def _next(self) -> Any:
        try:
            if self._calls is None:
                requests = (StreamingPullRequest(one) for one in iter(self._requests.get, None))
                self._calls = self._client.streaming_pull(requests=requests)
            found = next(self._calls)
            while not found.received_messages and "acknowledge_confirmation" not in found:
                found = next(self._calls)
        except GoogleAPICallError as error:
            raise Refused(error) from error
        except StopIteration:
            raise EOFError from None
        return found


class _AsyncStream(Stream):
    """One streaming pull of the asynchronous client."""

    def __init__(self, client: Any, on_loop: Any) -> None:
        super().__init__(client)
        self._on_loop = on_loop
        self._asked: asyncio.Queue[Any] | None = None
        self._early: list[Any] = []

    def send(self, **request: Any) -> None:
        self._on_loop(self._put(request))

    def receive(self) -> Any:
        return self._on_loop(self._read())

    def close(self) -> None:
        self._on_loop(self._put(None))
        if self._calls is not None:
            self._calls.cancel()
        self._reading.shutdown()

    async def _put(self, request: Any) -> None:
        if self._asked is None:
            self._asked = asyncio.Queue()
        await self._asked.put(request)

    async def _requests_of(self) -> Any:
        assert self._asked is not None
        while (request := await self._asked.get()) is not None:
            yield StreamingPullRequest(request)

    async def _read(self) -> Any:
        try:
            if self._calls is None:
                self._calls = await self._client.streaming_pull(requests=self._requests_of())
            async for found in self._calls:
                if found.received_messages or "acknowledge_confirmation" in found:
                    return found
        except GoogleAPICallError as error:
            raise Refused(error) from error
        raise EOFError
