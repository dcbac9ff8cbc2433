"""Runs in a function's own process and environment: the official functions-framework on a socket handed over.

Needs nothing but the standard library and functions-framework, on every Python that the framework runs on. The code
of the function is imported once, before `ready` is said; then one connection is served, one request at a time, in
the main thread. When the server goes, the connection ends or the kernel sends a signal: either way this ends.
"""

import sys

sys.path.pop(0)  # this file's folder is no place for the function's imports to be found

import ctypes
import io
import json
import os
import resource
import signal
import socket
import traceback
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import unquote

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Import the function, say ready, serve."""
    options = json.loads(sys.argv[1])
    _stay_below(options["group"], options["user_tasks"])
    _die_with(options["parent"])
    sys.argv[:] = ["functions-framework"]
    from functions_framework import create_app  # type: ignore[import-not-found]

    try:
        app = create_app(options["target"], options["source"], options["signature"])
    except Exception as error:  # noqa: BLE001  (told in the user's terms)
        _tell(error, options["source"])
        sys.exit(1)
    if _is_asgi(app):
        _serve_asgi(app, options)
    else:
        _serve_wsgi(app, options)


def _stay_below(group: str, user_tasks: int) -> None:
    """Have the kernel count everything that starts from here on; where it cannot, whoever watches us has to do."""
    if group:
        with suppress(OSError), open(group + "/cgroup.procs", "w") as file:  # noqa: PTH123  (one import less)
            file.write("0")  # ourselves
            return
    if user_tasks:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NPROC, (user_tasks, user_tasks))


def _die_with(parent: int) -> None:
    try:
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    except (OSError, AttributeError):  # not Linux: the end of the connection has to do
        return
    if os.getppid() != parent:
        os._exit(1)


def _tell(error: Exception, main: str) -> None:
    """Print an exception from the first frame that is the user's; how we came there is nobody's business."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename != main:
        trace = trace.tb_next
    traceback.print_exception(type(error), error.with_traceback(trace), trace)


def _is_asgi(app: object) -> bool:
    return type(app).__module__.startswith("starlette")


def _ready(options: dict) -> None:  # type: ignore[type-arg]
    os.write(options["ready"], b"ready\n")
    os.close(options["ready"])


def _serve_wsgi(app: Any, options: dict) -> None:  # type: ignore[type-arg]
    listen = socket.socket(fileno=options["listen"])
    connection, _ = listen.accept()  # the one there will ever be; it waits since before this process began
    listen.close()
    _ready(options)
    Requests.app = app
    Requests(connection, ("127.0.0.1", 0), None)  # type: ignore[arg-type]


class Requests(BaseHTTPRequestHandler):
    """WSGI on a connection that is kept: neither werkzeug's server nor gunicorn's simple worker keeps one."""

    protocol_version = "HTTP/1.1"
    app: Any = None

    def serve(self) -> None:
        """Answer one request."""
        answer: list = []  # type: ignore[type-arg]

        def start(status: str, headers: list, _: object = None) -> None:  # type: ignore[type-arg]
            answer[:] = [status, headers]

        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        result = type(self).app(self.environment(body), start)
        try:
            content = b"".join(result)
        finally:
            if hasattr(result, "close"):
                result.close()
        code, _, reason = answer[0].partition(" ")
        self.send_response_only(int(code), reason)
        for name, value in answer[1]:
            if name.lower() not in ("connection", "content-length", "transfer-encoding"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_HEAD = do_OPTIONS = serve  # noqa: N815

    def environment(self, body: bytes) -> dict:  # type: ignore[type-arg]
        """Describe a request as WSGI does."""
        path, _, query = self.path.partition("?")
        fields = {
            "REQUEST_METHOD": self.command,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote(path, "latin-1"),
            "QUERY_STRING": query,
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": self.request_version,
            "REMOTE_ADDR": "127.0.0.1",
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": False,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        return fields | {"HTTP_" + k.upper().replace("-", "_"): v for k, v in self.headers.items()}


def _serve_asgi(app: object, options: dict) -> None:  # type: ignore[type-arg]
    import uvicorn

    class Server(uvicorn.Server):
        async def startup(self, sockets=None) -> None:  # type: ignore[no-untyped-def] # noqa: ANN001
            await super().startup(sockets)
            _ready(options)

    Server(uvicorn.Config(app, fd=options["listen"], log_level="warning")).run()  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
