"""What is typed wrong is answered with the way to type it."""

import pytest
from click.testing import CliRunner

from trainshed import cli
from trainshed.cli import doctor, explain, pipelines_request, pipelines_runs
from trainshed.cli.pipelines_compile import compile_file
from trainshed.cli.pubsub_flags import is_moment
from trainshed.cli.pubsub_subscriptions import seek
from trainshed.cli.storage_objects import Objects
from trainshed.cli.storage_paths import Address
from trainshed.errors import InvalidArgument, NotFound


def test_python_is_no_spec_and_the_command_that_makes_one_is_named(tmp_path):
    source = tmp_path / "trainer.py"
    source.write_text("import os\n")

    with pytest.raises(
        InvalidArgument, match=r"is Python; compile it: trainshed pipelines compile .*trainer.py -o .*json"
    ):
        pipelines_request.body(
            str(source), {"parameters_file": "", "parameters": (), "no_caching": False, "job_id": "", "root": ""}
        )


def test_what_is_not_python_is_not_compiled(tmp_path):
    with pytest.raises(InvalidArgument, match=r"FILE: .*tides.json is not Python; name the .py file"):
        compile_file(tmp_path / "tides.json", tmp_path / "out.json", function_name="", packages=())


@pytest.mark.parametrize("time", ["yesterday", "2026-01-31", "2026-01-31T12:00:00"])
def test_a_time_to_seek_to_has_an_example(time):
    done = CliRunner().invoke(seek, ["s", "--time", time])

    assert done.exit_code == 2
    assert f"--time: {time!r} is no time; write it like 2026-01-31T12:00:00Z." in done.output
    assert is_moment("2026-01-31T12:00:00Z")


def test_advice_is_a_command_also_where_it_is_about_something():
    account = {"title": "Run r", "state": "SKIPPED", "says": "It was skipped.", "steps": []}
    about = ["projects/p/locations/r/pipelineJobs/1", "projects/p/topics/t", ""]
    account["advice"] = [{"text": "Look", "command": "", "about": {"name": name}} for name in about]

    assert list(explain.lines(account))[2:] == [
        "  → Look: trainshed explain projects/p/locations/r/pipelineJobs/1",
        "  → Look: trainshed pubsub topics describe projects/p/topics/t",
        "  → Look",
    ]


def test_a_folder_is_called_by_its_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    said = CliRunner().invoke(doctor.command, ["."], standalone_mode=False).output

    assert f"No known defect in {tmp_path}." in said


def test_a_home_after_the_command_is_told_where_it_stands(capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main(["explain", "r", "--home", "/elsewhere"])

    assert ended.value.code == 2
    assert "--home stands before the command: trainshed --home DIR explain …" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("typed", "meant"), [("pipline", "pipelines"), ("recipts", "receipts"), ("explian", "explain")]
)
def test_a_mistyped_group_is_told_what_was_meant(typed, meant, capsys):
    with pytest.raises(SystemExit):
        cli.main([typed, "list"])

    assert f"No such command {typed!r}. Did you mean {meant!r}?" in capsys.readouterr().err


def test_an_account_breaks_no_address_at_the_end_of_a_line():
    address = "gs://local-project-penguins-data/penguins/penguins-2009.csv"
    says = f"It succeeded, and it was started because of the object {address}."
    step = {"heading": "The event", "says": says, "time": "", "state": "", "facts": [], "columns": [], "rows": []}

    told = list(explain.lines({"title": "Run r", "state": "SUCCEEDED", "says": says, "advice": [], "steps": [step]}))

    assert [f"{address}." in line for line in told].count(True) == 2


def test_a_limit_of_nothing_is_refused():
    done = CliRunner().invoke(pipelines_runs.list_, ["--limit", "0"])

    assert done.exit_code == 2
    assert "'--limit': 0 is not in the range x>=1" in done.output


class _Empty:
    """A client of a server whose buckets are empty."""

    def call(self, method, path):
        if "/o/" in path:
            raise NotFound(f"{method} {path}")
        return {}

    def pages(self, path, key, *, query):
        return iter(())


def test_a_copy_between_local_files_names_both_sides():
    with pytest.raises(InvalidArgument, match=r"SRC: neither 'a.csv' nor DST \('gs:/b'\) is a gs:// address"):
        Objects(_Empty()).plan(("a.csv",), "gs:/b", recursive=False)


def test_what_matches_no_object_may_be_a_folder_and_a_pattern_may_not():
    objects = Objects(_Empty())

    with pytest.raises(NotFound, match=r"No object matches gs://b/x. Of a folder, add /\* to the address"):
        list(objects.matching(Address(bucket="b", name="x"), recursive=False))
    with pytest.raises(NotFound, match=r"No object matches gs://b/x\*.$"):
        list(objects.matching(Address(bucket="b", name="x*"), recursive=False))
