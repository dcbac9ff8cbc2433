"""trainshed demo: the whole loop, and that nothing is left of it."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from trainshed.cli.stage import Stage

pytestmark = pytest.mark.timeout(900)


def start(home, *options):
    return subprocess.Popen(
        [sys.executable, "-m", "trainshed", "demo", "--home", str(home), *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={name: value for name, value in os.environ.items() if not name.startswith("TRAINSHED_")},
    )


def read_until(process, text):
    seen = []
    for line in process.stdout:
        seen.append(line)
        if text in line:
            return "".join(seen)
    raise AssertionError(f"{text!r} never came:\n{''.join(seen)}")


def processes_of(home):
    """Every process that knows of the demo's home, by its variables or its command line."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            known = (folder / "environ").read_bytes() + (folder / "cmdline").read_bytes()
            state = (folder / "stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if str(home).encode() in known and state != "Z":
            found[int(folder.name)] = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
    return found


INTERRUPTS = [(moment, signal.SIGINT) for moment in ("$ trainshed up", "ready on", "$ git init", "$ git clone", "[2/")]
INTERRUPTS += [("ready on", signal.SIGTERM), ("[2/", signal.SIGTERM)]  # both signals have one handler


@pytest.mark.parametrize(("moment", "number"), INTERRUPTS)
def test_an_interrupt_leaves_nothing_running(tmp_path, moment, number):
    home = tmp_path / "home"
    demo = start(home)
    read_until(demo, moment)

    demo.send_signal(number)
    output, _ = demo.communicate(timeout=200)

    assert demo.returncode == 130, output
    assert "nothing is left running" in output
    assert processes_of(home) == {}


def test_an_interrupt_while_a_command_is_started_ends_that_command(tmp_path, monkeypatch):
    started = []

    class Interrupted(subprocess.Popen):
        def __init__(self, *args, **options):
            super().__init__(*args, **options)
            self.stdout.close()
            started.append(self)
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr("trainshed.cli.stage.subprocess.Popen", Interrupted)
    monkeypatch.setattr(Stage, "_start", lambda stage: None)

    with pytest.raises(KeyboardInterrupt), Stage(tmp_path / "home", project="p", region="r", stays=False) as stage:
        stage.command("sleep", "600")

    assert [process.poll() for process in started] == [-signal.SIGTERM]


def test_a_home_that_is_not_the_demos_is_not_touched(tmp_path):
    (tmp_path / "precious").write_text("mine")

    done = start(tmp_path)
    output, _ = done.communicate(timeout=200)

    assert done.returncode == 2
    assert "is not empty and not a demo's" in output
    assert (tmp_path / "precious").read_text() == "mine"


@pytest.mark.slow
def test_the_demo_tells_the_whole_loop(demonstrated):
    output = demonstrated.output

    assert demonstrated.exit_code == 0, output
    assert len(re.findall(r"^run.*SUCCEEDED", output, re.MULTILINE)) == 4
    assert len(re.findall(r"^run.*SKIPPED", output, re.MULTILINE)) == 1
    assert len(re.findall(r"^build of .*SUCCESS", output, re.MULTILINE)) == 3
    assert "says Adelie" in output
    accuracy = re.search(r"The pushed model: accuracy ([\d.]+)%", output)
    assert accuracy is not None
    assert float(accuracy[1]) > 90
    assert processes_of(demonstrated.home) == {}
