"""How many heaps the threads of a process share; each case is a process, for it cannot be undone."""

import platform
import subprocess
import sys

import pytest

_THREADS = """
import ctypes, os, sys, threading

from trainshed.cli import loading

if sys.argv[1] == "shared":
    loading.share_heaps()
together = threading.Barrier(6)


def allocate():
    kept = bytearray(50_000)
    together.wait()
    together.wait()
    del kept


threads = [threading.Thread(target=allocate) for _ in range(5)]
for thread in threads:
    thread.start()
together.wait()
libc = ctypes.CDLL(None)
libc.fopen.restype = ctypes.c_void_p
out = ctypes.c_void_p(libc.fopen(b"/dev/stdout", b"w"))
libc.malloc_info(0, out)
libc.fclose(out)
together.wait()
"""


def _heaps(how: str, **environment: str) -> int:
    command = [sys.executable, "-c", _THREADS, how]
    return subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout.count("<heap nr")


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="these heaps are the GNU library's")
def test_threads_share_two_heaps_unless_the_environment_says_how_many() -> None:
    assert _heaps("alone") > 2
    assert _heaps("shared") == 2
    assert _heaps("shared", MALLOC_ARENA_MAX="3") == 3
