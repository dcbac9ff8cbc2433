"""Google's Pub/Sub emulator, as gcloud starts it."""

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from trainshed.testing import wait_until


@contextmanager
def emulator(folder: Path) -> Iterator[str]:
    """Run it; answer its address. Skips where it is not installed."""
    if shutil.which("gcloud") is None or shutil.which("java") is None:
        pytest.skip("Google's Pub/Sub emulator needs gcloud and Java, which are not both installed here")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    log = folder / "emulator.log"
    command = ("gcloud", "beta", "emulators", "pubsub", "start", f"--host-port={address}", f"--data-dir={folder}")
    with log.open("w") as said:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            start_new_session=True,
            env=os.environ | {"CLOUDSDK_CORE_DISABLE_PROMPTS": "1", "CLOUDSDK_CORE_PROJECT": "local-project"},
        )
    try:
        wait_until(
            lambda: "Server started" in log.read_text() or process.poll() is not None,
            seconds=90,
            what="the emulator",
            story=log.read_text,
        )
        if process.poll() is not None:
            pytest.skip(f"Google's Pub/Sub emulator does not start: {log.read_text()[-300:]}")
        yield address
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
