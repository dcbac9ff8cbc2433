import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from trainshed.dashboard import asked as query
from trainshed.dashboard.document import plain
from trainshed.dashboard.functions import described, logs, measured, source, trying
from trainshed.dashboard.functions.one import WORDS
from trainshed.errors import InvalidArgument, NotFound
from trainshed.functions import Configuration, Function, Version

NAME = "projects/p/locations/us-central1/functions/f"
NOW = datetime(2026, 1, 1, tzinfo=UTC)
CONFIGURATION = Configuration(entry_point="handle", topic="projects/p/topics/t")


def asked(text=""):
    return query.read(f"/functions/{NAME}", {"name": NAME}, text, WORDS)


def a_version(signature="event", **changes):
    return Version(
        function=NAME, number=1, source="a" * 64, environment="b" * 64, python=Path("python"), signature=signature,
        configuration=replace(CONFIGURATION, **changes), deploy_time=NOW,
    )  # fmt: skip


def a_function(version):
    requested = version.configuration if version else CONFIGURATION
    return Function(
        name=NAME, state="ACTIVE", version=version, requested=requested, error="", create_time=NOW, update_time=NOW
    )


def written(parts):
    return json.dumps(plain(parts), ensure_ascii=False)


def test_values_that_look_secret_are_masked_and_secrets_are_not_even_read():
    wanted = replace(
        CONFIGURATION,
        variables={"MODE": "fast", "DB_PASSWORD": "hush", "EMPTY_TOKEN": ""},
        secrets={"KEY": ("key", "3")},
    )

    (table,) = described.variables(wanted)

    assert "hush" not in written(table)
    assert [row[0].text for row in table.rows] == ["DB_PASSWORD", "EMPTY_TOKEN", "MODE", "KEY"]
    assert table.rows[2][1].text == "fast"
    assert table.rows[3][1:] == (described.Code(text=described.MASK), "secret key, version 3")


@pytest.mark.parametrize(
    ("signature", "changes", "fields", "body"),
    [
        ("event", {}, ["data.data", "data.attributes"], {"data": {}}),
        (
            "cloudevent",
            {},
            ["data.message.data", "data.message.attributes"],
            {"data": {"subscription": "projects/p/subscriptions/gcf-f-us-central1-t"}},
        ),
        ("http", {"topic": "", "http": True}, ["data"], None),
        ("cloudevent", {"topic": "", "bucket": "b"}, ["data"], None),
    ],
)
def test_an_event_has_the_form_of_its_trigger(signature, changes, fields, body):
    _, form, _ = trying.parts(a_function(a_version(signature, **changes)))

    assert [field.name for field in form.fields] == fields
    assert form.action.body == body
    assert form.action.path == f"/trainshed/v1/{NAME}:call"


def test_what_never_worked_cannot_be_called():
    assert "nothing to call" in trying.parts(a_function(None))[0].text


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "gcf-f-us-central1-t"),
        ({"retry": True}, "yes: until it succeeds"),
        ({"topic": "", "bucket": "b"}, "gcf-bucket-b"),
        ({"topic": "", "http": True}, "cloudfunctions.net/f"),
        ({"topic": "", "http": True, "generation": 2}, "a.run.app"),
    ],
)
def test_a_trigger_says_where_events_come_from(changes, words):
    version = a_version(**changes)

    assert words in written(described.trigger(a_function(version), version))


def test_permissions_of_the_second_generation_are_also_those_of_its_service():
    version = a_version(generation=2, topic="", http=True)
    policy = {"bindings": [{"role": "roles/run.invoker", "members": ["allUsers"], "condition": {"title": "by day"}}]}

    found = described.permissions(a_function(version), lambda name: policy if "/services/" in name else {})

    assert [row[2:] for row in found[1].rows] == [("its service", "by day")]


def test_only_listed_files_are_opened(tmp_path):
    (tmp_path / "outside.txt").write_text("hush")
    folder = tmp_path / "source"
    (folder / "deep").mkdir(parents=True)
    (folder / "main.py").write_text("print(1)\n")
    (folder / "a.bin").write_bytes(b"\0\1")
    (folder / "deep" / "x.py").write_text("")
    (folder / "link.txt").symlink_to(tmp_path / "outside.txt")

    files, shown = source.parts(folder, asked())

    assert [row[0].text if hasattr(row[0], "text") else row[0] for row in files.rows] == [
        "main.py",
        "a.bin",
        "deep/x.py",
    ]
    assert shown.text == "print(1)\n"
    assert "not text" in source.parts(folder, asked("file=a.bin"))[1].text
    assert "empty file" in source.parts(folder, asked("file=deep/x.py"))[1].text
    for name in ("../outside.txt", "link.txt", str(tmp_path / "outside.txt"), "nothing"):
        with pytest.raises(NotFound, match="has no file"):
            source.parts(folder, asked(f"file={name}"))


def test_a_large_file_is_cut_and_says_so(tmp_path):
    (tmp_path / "main.py").write_text("x" * 300_000)

    _, notice, shown = source.parts(tmp_path, asked())

    assert "256 KiB" in notice.text
    assert len(shown.text) == 256 << 10


LINE = {"time": "2026-01-01T00:00:00.123456Z", "severity": "ERROR", "executionId": "e", "version": 1, "text": "no"}


def test_a_line_of_the_log_is_written_for_people():
    raw = json.dumps(LINE).encode()

    assert logs.shown(raw) == b"2026-01-01T00:00:00.123Z \x1b[31mERROR   \x1b[0m no"
    assert logs.shown(raw, execution="other") is None
    assert logs.shown(raw, lowest=6) is None
    assert logs.shown(raw, lowest=5, execution="e") is not None
    assert logs.shown(b'{"half') is None
    assert logs.shown(b"[1]") is None
    assert logs.shown(b'{"severity": "INFO", "text": "no time", "executionId": "e"}') is None
    assert logs.shown(json.dumps(LINE | {"text": "half \ud83d"}).encode()).endswith(b" half ?")


def test_a_wrong_word_of_the_query_is_named():
    with pytest.raises(InvalidArgument, match="window"):
        measured.window(asked("window=2y"))
    with pytest.raises(InvalidArgument, match="severity"):
        logs.parts(NAME, asked("severity=LOUD"))


@pytest.mark.parametrize(
    ("text", "length", "words"),
    [("", timedelta(hours=1), "last hour"), ("window=7d", timedelta(days=7), "last 7 days")],
)
def test_a_window_is_a_word_of_the_query(text, length, words):
    assert measured.window(asked(text)) == length
    assert measured.window_words(asked(text)) == words


def test_a_figure_reads_the_same_in_the_chart_below_it():
    percentiles = {"p50": 755.5, "p95": 892.0, "p99": 894.4}
    found = {
        "since": NOW, "until": NOW + timedelta(hours=1), "stepSeconds": 60, "invocations": 4, "ok": 4, "crash": 0,
        "okPerSecond": 4 / 3600, "crashPerSecond": 0.0, "executionMillis": percentiles, "activeInstances": 1, "series": [],
        "memoryBytes": dict.fromkeys(percentiles, 249_036_800),
    }  # fmt: skip

    figures, *charts = measured.charts(found, 1, "last hour")

    said = {label: value for label, value, _ in figures.figures}
    legends = {chart.id: [series.said for series in chart.series] for chart in charts}
    assert said["Execution time"] == "756 / 892 / 894 ms"
    assert legends["time"] == ["756 ms", "892 ms", "894 ms"]
    assert said["Invocations per second"] == "0.00111 / 0"
    assert legends["rate"] == ["0.00111/s", "0/s"]
    assert (said["Memory per call"], legends["memory"]) == ("238 / 238 / 238 MiB", ["238 MiB"] * 3)
