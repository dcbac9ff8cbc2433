import os
import subprocess
import sys
import threading

import pytest

from trainshed.errors import FailedPrecondition
from trainshed.home import Home, read_address


def test_second_owner_is_refused_and_told_who_has_it(tmp_path):
    first = Home(tmp_path / "home")
    first.acquire()
    first.publish_address("http://127.0.0.1:1")

    with pytest.raises(FailedPrecondition, match=f"process {os.getpid()}, http://127.0.0.1:1.*--home"):
        Home(tmp_path / "home").acquire()
    first.release()


def test_address_is_readable_only_while_the_owner_lives(tmp_path):
    home = Home(tmp_path)
    home.acquire()
    home.publish_address("http://127.0.0.1:1")
    assert read_address(tmp_path) == "http://127.0.0.1:1"

    home.release()
    assert read_address(tmp_path) == ""
    assert read_address(tmp_path / "missing") == ""


def test_home_of_a_killed_owner_is_free(tmp_path):
    code = (
        "import sys, os; from pathlib import Path; from trainshed.home import Home;"
        "h = Home(Path(sys.argv[1])); h.acquire(); h.publish_address('http://127.0.0.1:1'); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)

    assert (tmp_path / "address").exists()
    assert read_address(tmp_path) == ""
    Home(tmp_path).acquire()


def test_home_that_cannot_be_made_is_a_clear_error(tmp_path):
    (tmp_path / "file").write_text("")

    with pytest.raises(FailedPrecondition, match="cannot be used: Not a directory"):
        Home(tmp_path / "file" / "home").acquire()


def test_server_that_is_still_starting_is_waited_for(tmp_path):
    home = Home(tmp_path)
    home.acquire()
    late = threading.Timer(0.2, home.publish_address, ["http://127.0.0.1:1"])
    late.start()

    assert read_address(tmp_path) == ""
    assert read_address(tmp_path, patience_seconds=30) == "http://127.0.0.1:1"
    late.join()
    home.release()


def test_a_folder_full_of_other_things_is_refused_and_left_as_it_is(tmp_path):
    for name in ("thesis.tex", "data", "notes", "photos", ".git"):
        (tmp_path / name).mkdir()

    with pytest.raises(FailedPrecondition) as caught:
        Home(tmp_path).acquire()

    assert caught.value.reason == "HOME_FOREIGN"
    assert caught.value.message == (
        f"The folder {tmp_path} is no home of Trainshed: it holds other things (.git, data, notes and 2 more). "
        f"Choose a new or an empty folder with --home or TRAINSHED_HOME, such as {tmp_path}/.trainshed."
    )
    assert sorted(entry.name for entry in tmp_path.iterdir()) == [".git", "data", "notes", "photos", "thesis.tex"]


@pytest.mark.parametrize(
    "names",
    [
        (),
        ("trainshed.db", "what somebody put beside it"),
        ("environments", "secrets", "buckets", "logs", "lock"),  # before a server was there
        ("lost+found",),  # a new disk
        ("up.log", "up.pid", ".DS_Store"),  # of the shell that starts the server
    ],
)
def test_a_folder_that_is_a_home_or_may_become_one_is_taken(tmp_path, names):
    for name in names:
        (tmp_path / name).touch()

    home = Home(tmp_path)
    home.acquire()
    home.release()


def test_a_folder_that_is_missing_is_made(tmp_path):
    home = Home(tmp_path / "some" / "where")
    home.acquire()
    home.release()

    assert (tmp_path / "some" / "where" / "lock").exists()


def test_a_lock_that_was_removed_or_replaced_is_not_held(tmp_path):
    home = Home(tmp_path)
    assert not home.is_held()
    home.acquire()
    assert home.is_held()

    (tmp_path / "lock").unlink()
    assert not home.is_held()

    (tmp_path / "lock").touch()
    assert not home.is_held()
    home.release()
