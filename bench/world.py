"""What measurements do to a real server: start it, publish to it, deploy to it, wait for marks of user code.

User code tells when it ran by a line in a file, `LABEL SECONDS`, with the time of the clock that the publisher
reads too. Waiting for a mark costs one look at the file's size.
"""

import base64
import http.client
import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from harness import quietly, until

from trainshed.testing import Server

PROJECT = "local-project"
_KEPT_SECONDS = 2.0
PARENT = f"projects/{PROJECT}/locations/us-central1"


def server_on(home: Path) -> Server:
    """Describe a server on a home directory of its own."""
    return Server(home)


@contextmanager
def running(home: Path) -> Iterator[Server]:
    """Run a server for the duration of a measurement."""
    server = server_on(home).start()
    try:
        yield server
    finally:
        server.stop()


def pid_of(server: Server) -> int:
    """Answer the process of a server."""
    return int((server.home / "lock").read_text().split()[0])


def command(server: Server, *arguments: str | Path) -> str:
    """Run a `trainshed` command that has to work; answer what it printed."""
    done = server.run(*map(str, arguments))
    if done.returncode:
        raise RuntimeError(f"trainshed {' '.join(map(str, arguments))}: {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


class Api:
    """One kept connection to a server's REST surface."""

    def __init__(self, server: Server) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(server.address).netloc, timeout=120)
        self._connection.connect()
        self._used = time.monotonic()

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """Send and answer JSON."""
        if time.monotonic() - self._used > _KEPT_SECONDS:  # the server lets idle connections go
            self._connection.close()
        headers = {"Content-Type": "application/json"}
        self._connection.request(method, path, None if body is None else json.dumps(body), headers)
        answer = self._connection.getresponse()
        text = answer.read()
        self._used = time.monotonic()
        if answer.status >= http.client.BAD_REQUEST:
            raise RuntimeError(f"{method} {path}: {answer.status} {text.decode()}")
        return json.loads(text or b"{}")

    def publish(self, topic: str, *bodies: Any) -> None:
        """Publish JSON messages in one request."""
        messages = [{"data": base64.b64encode(json.dumps(b).encode()).decode()} for b in bodies]
        self.call("POST", f"/v1/projects/{PROJECT}/topics/{topic}:publish", {"messages": messages})

    def submit(self, spec: str, *, caching: bool = False, **parameters: Any) -> Any:
        """Submit a run."""
        body = {"text": spec, "caching": caching, "parameters": parameters}
        return self.call("POST", f"/trainshed/v1/{PARENT}/runs", body)

    def ended(self, run: Any) -> Any:
        """Wait for a run that has to succeed."""
        found = self.ended_run(run["name"])
        if found["state"] != "SUCCEEDED":
            raise RuntimeError(f"the run {found['state']}: {found['error']}")
        return found

    def finish(self, spec: str, *, caching: bool = False, **parameters: Any) -> Any:
        """Submit a run and wait for its end."""
        return self.ended(self.submit(spec, caching=caching, **parameters))

    def runs(self) -> list[Any]:
        """Read every run, newest first, without its tasks."""
        found: list[Any] = []
        token = ""
        while True:
            page = self.call("GET", f"/trainshed/v1/{PARENT}/runs?pageSize=1000&pageToken={token}")
            found += page["runs"]
            if not (token := page.get("nextPageToken", "")):
                return found

    def ended_brief(self, name: str, *, seconds: float) -> Any:
        """Wait for a run's end without reading its tasks, which for very large runs would be what is measured."""
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            page = self.call("GET", f"/trainshed/v1/{PARENT}/runs?pageSize=1000")
            run = next(r for r in page["runs"] if r["name"] == name)
            if run["endTime"]:
                return run
            time.sleep(0.1)
        raise TimeoutError(f"{name} goes on")

    def run(self, name: str) -> Any:
        """Read a run with its tasks."""
        return self.call("GET", f"/trainshed/v1/{PARENT}/runs/{name.rsplit('/', 1)[1]}")

    def ended_run(self, name: str, *, seconds: float = 120) -> Any:
        """Wait for a run's end without asking often."""
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            run = self.call("GET", f"/trainshed/v1/{PARENT}/runs/{name.rsplit('/', 1)[1]}/wait")
            if run["state"] in {"SUCCEEDED", "FAILED", "CANCELLED"}:
                return run
        raise TimeoutError(f"{name} goes on")


class Pages:
    """One kept connection to a server's pages."""

    def __init__(self, server: Server) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(server.address).netloc, timeout=120)
        self._used = time.monotonic()

    def ask(self, address: str, accept: str = "text/html") -> tuple[int, bytes]:
        """Ask for a page; answer its status and everything it says."""
        if time.monotonic() - self._used > _KEPT_SECONDS:  # the server lets idle connections go
            self._connection.close()
        self._connection.request("GET", address, headers={"Accept": accept})
        answer = self._connection.getresponse()
        text = answer.read()
        self._used = time.monotonic()
        return answer.status, text

    def document(self, address: str) -> Any:
        """Answer the JSON form of a page; None where there is none, or the request is refused."""
        status, text = self.ask(address, "application/json")
        if status >= http.client.INTERNAL_SERVER_ERROR:
            print(f"{address}: {status}", file=sys.stderr, flush=True)
        return json.loads(text) if status == http.client.OK and text.startswith(b"{") else None


class Marks:
    """The file in which user code tells when it ran."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.touch()
        self._size = 0

    def wait(self, *, seconds: float, what: str) -> None:
        """Wait for the next mark."""
        until(lambda: self.path.stat().st_size > self._size, seconds=seconds, what=what)
        self._size = self.path.stat().st_size

    def read(self) -> dict[str, float]:
        """Answer every mark: label to seconds, the first one where there are several."""
        found: dict[str, float] = {}
        for line in self.path.read_text().splitlines():
            label, seconds = line.split()
            found.setdefault(label, float(seconds))
        return found


def lasted(run: Any, *, since: str = "startTime") -> float:
    """Answer how many seconds a run took by its own times."""
    return (datetime.fromisoformat(run["endTime"]) - datetime.fromisoformat(run[since])).total_seconds()


def compile_to(pipeline: Any, path: Path) -> Path:
    """Compile a kfp pipeline."""
    from kfp import compiler

    compiler.Compiler().compile(pipeline, str(path))
    return path


def kfp_requirement() -> str:
    """Answer the kfp that is installed here, so that all sides of a comparison run the same one."""
    import kfp

    return f"kfp=={kfp.__version__}"


def component_options() -> dict[str, str]:
    """Answer what components are decorated with."""
    return {"base_image": "python:3.11", "kfp_package_path": kfp_requirement()}


def git(folder: Path, *arguments: str) -> None:
    """Run git with an author of its own."""
    author = ["-c", "user.name=Bench", "-c", "user.email=bench@localhost", "-c", "init.defaultBranch=main"]
    quietly(["git", *author, "-C", folder, *arguments])
