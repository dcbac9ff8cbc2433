"""A git server that speaks smart HTTP, with the addresses that GitHub, GitLab, Bitbucket and Google's have."""

import os
import subprocess
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


@dataclass(frozen=True)
class Host:
    """`address` is what people copy from the host's page, `stored` where the repository lies on the server."""

    name: str
    address: str
    stored: str


# GitHub takes an address with and without `.git`, GitLab has groups in groups and leads to `.git` by a redirection,
# Bitbucket puts the user's name before the host, Google's ends in `/r/NAME` and never has `.git`.
HOSTS = {
    "github": Host("github", "http://{at}/octocat/penguins", "octocat/penguins.git"),
    "gitlab": Host("gitlab", "http://{at}/group/sub-group/penguins", "group/sub-group/penguins.git"),
    "bitbucket": Host("bitbucket", "http://someone@{at}/workspace/penguins.git", "workspace/penguins.git"),
    "cloud-source": Host("cloud-source", "http://{at}/p/my-project/r/penguins", "p/my-project/r/penguins"),
    "path": Host("path", "{root}/penguins.git", "penguins.git"),
}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        self._answer(b"")

    def do_POST(self):
        self._answer(self.rfile.read(int(self.headers["Content-Length"])))

    def _answer(self, body):
        path, _, query = self.path.partition("?")
        if path.startswith("/group/") and "penguins.git" not in path:
            where = path.replace("/penguins", "/penguins.git") + f"?{query}"
            return self._send(301, [("Location", where), ("Content-Length", "0")], b"")
        if path.startswith("/octocat/penguins/"):
            path = path.replace("/penguins/", "/penguins.git/")
        variables = {
            "PATH": os.environ["PATH"], "GIT_PROJECT_ROOT": str(self.server.root), "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": path, "QUERY_STRING": query, "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""), "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""), "REMOTE_ADDR": "127.0.0.1",
        }  # fmt: skip
        done = subprocess.run(["git", "http-backend"], input=body, env=variables, capture_output=True, check=True)
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        fields = [line.split(": ", 1) for line in head.decode().split("\r\n")]
        status = next((int(value.split()[0]) for name, value in fields if name == "Status"), 200)
        kept = [(name, value) for name, value in fields if name not in {"Status", "Content-Length"}]
        return self._send(status, [*kept, ("Content-Length", str(len(content)))], content)

    def _send(self, status, fields, content):
        self.send_response(status)
        for name, value in fields:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)


@contextmanager
def serving(root: Path):
    """Serve the bare repositories below `root`; yields host and port."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.root, server.daemon_threads = root, True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
