"""A scripted Google: answers in order, and notes what was asked."""

import io
import json
from types import SimpleNamespace

import pytest

from trainshed.targets import wire
from trainshed.targets.credentials import Credentials
from trainshed.targets.endpoints import Endpoints
from trainshed.targets.google import Place
from trainshed.targets.ours import TargetClient

SECRET = "ya29.secret-token"


class Answers:
    """Stands in for the wire: answers in order, notes what was asked."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked = []

    def __call__(self, verb, url, headers, body=None, *, timeout_seconds=None):
        content = body.read() if hasattr(body, "read") else body
        self.asked.append(SimpleNamespace(verb=verb, url=url, headers=dict(headers), body=content))
        found = self.answers.pop(0)
        if isinstance(found, Exception):
            raise found
        status, document, *more = found
        headers = dict(more[0]) if more else {}
        data = io.BytesIO(document if isinstance(document, bytes) else json.dumps(document).encode())
        response = SimpleNamespace(
            status=status, read=data.read, getheader=headers.get, getheaders=lambda: [*headers.items()]
        )
        return wire.Exchange(connection=SimpleNamespace(close=lambda: None), response=response)


class Known(Credentials):
    """Credentials that are there."""

    def __init__(self):
        super().__init__()
        self.renewed = 0

    def headers(self):
        return {"authorization": f"Bearer {SECRET}"}

    def renew(self):
        self.renewed += 1

    principal = "serviceAccount:me@p.iam.gserviceaccount.com"


@pytest.fixture
def wired(monkeypatch):
    """Answer what the wire is asked."""

    def script(*answers):
        made = Answers(*answers)
        monkeypatch.setattr(wire, "exchange", made)
        return made

    return script


@pytest.fixture
def google(wired):
    """Make a client of the scripted Google; the script and the pauses come with it."""

    def made(*answers):
        script, pauses = wired(*answers), []
        place = Place(project="p", region="r")
        return TargetClient(place, Endpoints(region="r"), Known(), pause=pauses.append), script, pauses

    return made
