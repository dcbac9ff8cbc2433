"""Who types gsutil's words is told ours."""

import pytest
from click.testing import CliRunner

from trainshed.cli.storage import command


@pytest.mark.parametrize(
    ("word", "said"),
    [("mb", "trainshed storage buckets create"), ("rb", "buckets delete"), ("rsync", "trainshed exec -- gsutil rsync")],
)
def test_a_word_of_gsutil_leads_to_ours(word, said):
    done = CliRunner().invoke(command, [word, "gs://b"])

    assert (done.exit_code, said in done.output) == (2, True)


def test_any_other_word_is_no_command():
    assert "No such command 'xyz'" in CliRunner().invoke(command, ["xyz"]).output
