"""A surface with Cloud Storage on it, and Google's client of it."""

import asyncio
import threading
from contextlib import contextmanager

import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud import storage
from google.oauth2 import service_account

from trainshed.api.serve import Surface
from trainshed.api.services import storage as storage_api
from trainshed.api.tokens import Key
from trainshed.blobs import Blobs
from trainshed.buckets import Service
from trainshed.settings import load


@contextmanager
def listening(settings, routes):
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def begin():
        surface = Surface(settings, [], routes)
        return surface, await surface.start()

    surface, address = asyncio.run_coroutine_threadsafe(begin(), loop).result(30)
    try:
        yield address
    finally:
        asyncio.run_coroutine_threadsafe(surface.stop(), loop).result(30)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@pytest.fixture(scope="session")
def key(tmp_path_factory):
    return Key(tmp_path_factory.mktemp("key") / "service-accounts.key")


@pytest.fixture
def signer(key):
    """A service account whose key is this server's."""
    account = {"client_email": "me@p.iam.gserviceaccount.com", "token_uri": "x", "private_key": key.pem.decode()}
    return service_account.Credentials.from_service_account_info(account)


@pytest.fixture
def service(db, clock, tmp_path):
    return Service(db, clock, Blobs(tmp_path / "buckets", clock))


@pytest.fixture
def address(service, tmp_path, key):
    with listening(load({}, home=tmp_path, port=0), storage_api.routes(service, key.verify)) as found:
        yield found


@pytest.fixture
def client(address):
    made = storage.Client(
        project="local-project", credentials=AnonymousCredentials(), client_options={"api_endpoint": address}
    )
    yield made
    made._http.close()


@pytest.fixture
def bucket(client):
    return client.create_bucket("bucket")
