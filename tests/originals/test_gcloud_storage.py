"""gsutil and gcloud storage, unmodified, on names that are hard. Skips, saying so, where they are not installed."""

import shlex
import shutil
import subprocess

import pytest
import requests

from trainshed.testing import server

needs_gcloud = pytest.mark.skipif(shutil.which("gcloud") is None, reason="gcloud is not on this machine")
needs_gsutil = pytest.mark.skipif(shutil.which("gsutil") is None, reason="gsutil is not on this machine")
FORBIDDEN = 403
FILES = {"a": b"one", "d/ü # ?%20.txt": b"two", "d/e/f.csv": b"three"}


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with server(tmp_path_factory.mktemp("tools") / "home") as made:
        lines = made.run("exec", "--print").stdout.splitlines()
        pairs = (line.removeprefix("export ").partition("=") for line in lines)
        made.variables = made.environment | {name: shlex.split(value)[0] for name, _, value in pairs}
        yield made


@pytest.fixture
def folder(tmp_path):
    for name, data in FILES.items():
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return tmp_path


def tool(running, folder, script):
    done = subprocess.run(
        ["bash", "-ec", script],
        env=running.variables,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def content(folder):
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.slow
@needs_gcloud
def test_gcloud_storage_copies_folders_and_composes(running, folder):
    running.json("storage", "buckets", "create", "gs://by-gcloud")
    tool(
        running,
        folder,
        "gcloud storage cp -r in/* gs://by-gcloud/\n"
        "gcloud storage objects compose gs://by-gcloud/a gs://by-gcloud/d/e/f.csv gs://by-gcloud/a\n"
        "mkdir out && gcloud storage rsync -r gs://by-gcloud out",
    )

    assert content(folder / "out") == FILES | {"a": b"onethree"}


@pytest.mark.slow
@needs_gsutil
def test_gsutil_copies_folders_and_its_signed_address_is_good_for_what_it_says(running, folder):
    running.json("storage", "buckets", "create", "gs://by-gsutil")
    printed = tool(
        running,
        folder,
        "gsutil -m cp -r in/* gs://by-gsutil/\n"
        "gsutil cat 'gs://by-gsutil/d/ü # ?%20.txt'\n"
        'gsutil signurl -d 10m "$GOOGLE_APPLICATION_CREDENTIALS" gs://by-gsutil/d/e/f.csv',
    )
    address = printed.split()[-1]
    trust = {"proxies": {"https": running.address}, "verify": running.variables["REQUESTS_CA_BUNDLE"], "timeout": 60}

    assert printed.startswith("two")
    assert requests.get(address, **trust).content == b"three"
    assert requests.get(address.replace("f.csv", "g.csv"), **trust).status_code == FORBIDDEN
