from pathlib import Path

import pytest

from trainshed import settings
from trainshed.errors import InvalidArgument


def test_given_beats_environment_beats_default():
    environ = {"TRAINSHED_PORT": "9000", "TRAINSHED_PROJECT": "mine"}

    found = settings.load(environ, port=9001)

    assert (found.port, found.project, found.region) == (9001, "mine", "us-central1")


def test_home_is_absolute_and_holds_the_store():
    found = settings.load({"TRAINSHED_HOME": "~/x"})

    assert found.home == Path.home() / "x"
    assert found.database == found.home / "trainshed.db"


def test_value_of_the_wrong_type_names_its_variable():
    with pytest.raises(InvalidArgument, match="TRAINSHED_PORT: 'many' is not a whole number, such as 8484"):
        settings.load({"TRAINSHED_PORT": "many"})


def test_socket_folder_is_short_and_belongs_to_one_home():
    one, other = settings.runtime_folder(Path("/a" * 100)), settings.runtime_folder(Path("/b" * 100))

    assert one != other
    assert len(str(one)) < 70
