"""The figures of the overview, each worked out a second time from the store's rows, the buckets and the calendar."""

import json
import shutil
import sqlite3
import urllib.request
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from trainshed import costs
from trainshed.testing import server, wait_until

PLACE = "projects/local-project/locations/us-central1"
PRICES = json.loads(Path(costs.__file__).with_name("prices.json").read_text())
SCHEDULES = {  # due times on both sides of the day on which the clocks of a zone change, and in both halves of the world
    "summer": ("0 12 1 7 *", "Europe/Berlin"),
    "winter": ("0 12 15 1 *", "Europe/Berlin"),
    "south": ("30 9 15 1 *", "Australia/Sydney"),
    "half": ("15 6 1 7 *", "Asia/Kolkata"),
}
OFFSETS = {"summer": 2, "winter": 1, "south": 11, "half": 5.5}  # hours before UTC at those times


@pytest.fixture(scope="module")
def shed(demonstrated, tmp_path_factory):
    """A server on what the demo left, as if one of its runs and one of its builds had been before the last week."""
    home = tmp_path_factory.mktemp("figures") / "home"
    left_out = shutil.ignore_patterns("environments", "lock", "address", "logs")
    shutil.copytree(demonstrated.home, home, symlinks=True, ignore=left_out)
    (home / "environments").symlink_to((demonstrated.home / "environments").resolve())
    with closing(sqlite3.connect(home / "trainshed.db")) as store:
        for table in ("runs", "builds"):
            (first,) = store.execute(f"SELECT min(create_time) FROM {table}").fetchone()
            before = (datetime.now(UTC) - timedelta(days=8)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
            store.execute(f"UPDATE {table} SET create_time = ? WHERE create_time = ?", (before, first))
        store.commit()
    with server(home) as running:
        yield running


def ask(shed, path, document=None):
    data = None if document is None else json.dumps(document).encode()
    request = urllib.request.Request(shed.address + path, data, {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def rows(shed, part):
    (found,) = (each for each in ask(shed, "/?format=json")["parts"] if each["id"] == part)
    return found["rows"]


def figure(shed, name):
    (health,) = (each for each in ask(shed, "/?format=json")["parts"] if each["id"] == "health")
    return next((value, note) for label, value, note in health["figures"] if label == name)


def query(shed, statement, *values):
    with closing(sqlite3.connect(f"file:{shed.home}/trainshed.db?mode=ro", uri=True)) as store:
        return store.execute(statement, values).fetchall()


def seconds(start, end):
    return (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()


def test_the_week_costs_what_the_attempts_and_builds_of_its_rows_cost(shed):
    since = (datetime.now(UTC) - timedelta(days=7)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    runs = query(shed, "SELECT name FROM runs WHERE create_time >= ?", since)
    attempts = query(
        shed,
        "SELECT a.start_time, a.end_time FROM attempts a JOIN tasks t ON t.id = a.task_id JOIN runs r ON r.name = t.run "
        "WHERE r.create_time >= ?",
        since,
    )
    builds = query(shed, "SELECT resolved, start_time, end_time FROM builds WHERE create_time >= ?", since)
    machine = PRICES["machine_hour"][PRICES["default_machine"]]
    cloud = len(runs) * PRICES["pipeline_run"] + sum(seconds(*attempt) for attempt in attempts) / 3600 * machine
    for resolved, *times in builds:
        kind = json.loads(resolved).get("options", {}).get("machineType", "UNSPECIFIED")
        cloud += seconds(*times) / 60 * PRICES["build_minute"][kind]

    _, note = figure(shed, "Cost of 7 days")

    assert len(runs) == len(query(shed, "SELECT name FROM runs")) - 1
    assert len(builds) == len(query(shed, "SELECT id FROM builds")) - 1
    assert attempts
    assert f"{cloud:.4f} USD on Google Cloud; {len(runs)} runs that ended" in note


def test_each_model_is_as_fresh_as_its_newest_folder(shed):
    objects = ask(shed, "/storage/v1/b/local-project-penguins/o?prefix=serving_model/penguin-training/")["items"]
    folders = {item["name"].split("/")[2] for item in objects if item["name"].count("/") > 2}
    newest = max((name for name in folders if name.isdigit()), key=int)
    ((pushed,),) = query(
        shed,
        "SELECT create_time FROM artifacts WHERE json_extract(metadata, '$.pushed_destination') LIKE ?",
        f"%/penguin-training/{newest}",
    )

    (row,) = rows(shed, "models")

    assert row[0]["text"] == "penguin-training"
    assert row[1] == f"{newest} (live)"
    assert row[2]["when"] == pushed


def test_the_next_firings_are_those_of_the_calendar_in_their_zone_and_in_utc(shed):
    for name, (cron, zone) in SCHEDULES.items():
        target = {"topicName": "projects/local-project/topics/trigger-penguin-training", "data": "e30="}
        job = {"name": f"{PLACE}/jobs/{name}", "schedule": cron, "timeZone": zone, "pubsubTarget": target}
        ask(shed, f"/v1/{PLACE}/jobs", job)

    found = {row[0]["text"]: row for row in rows(shed, "next")}

    for name, (cron, zone) in SCHEDULES.items():
        local = next_of_year(cron, zone)
        utc = local.astimezone(UTC)
        assert local.utcoffset() == timedelta(hours=OFFSETS[name])
        _, due, in_zone, in_utc, *_ = found[name]
        assert datetime.fromisoformat(due["when"]) == utc
        assert in_zone == f"{local:%Y-%m-%d %H:%M} {zone}"
        assert in_utc == f"{utc:%Y-%m-%d %H:%M}"
    times = [row[1]["when"] for row in rows(shed, "next")]
    assert times == sorted(times)


def next_of_year(cron, zone):
    """Answer the next time of a cron line that names minute, hour, day and month, by the calendar alone."""
    minute, hour, day, month, _ = cron.split()
    now = datetime.now(UTC)
    times = [
        datetime(year, int(month), int(day), int(hour), int(minute), tzinfo=ZoneInfo(zone))
        for year in (now.year, now.year + 1)
    ]
    return next(time for time in times if time > now)


def test_what_is_at_work_is_what_the_store_has_open(shed, tmp_path):
    flag = tmp_path / "go"
    wait = f"while [ ! -e {flag} ]; do sleep 0.05; done"
    asked = [
        ask(shed, "/v1/projects/local-project/builds", {"steps": [{"name": "ubuntu", "script": wait}]})
        for _ in range(10)
    ]
    numbers = [answer["metadata"]["build"]["id"] for answer in asked]
    try:
        wait_until(lambda: figure(shed, "At work now")[0] == 10, what="the builds on the page")
        ((opened,),) = query(
            shed,
            "SELECT (SELECT count(*) FROM builds WHERE state IN ('QUEUED', 'WORKING')) "
            "+ (SELECT count(*) FROM runs WHERE state IN ('PENDING', 'RUNNING', 'CANCELLING'))",
        )
        (now,) = (part for part in ask(shed, "/?format=json")["parts"] if part["id"] == "now")
        assert opened == now["count"] == 10
        assert [cell["cells"][1]["text"] for cell, *_ in now["rows"]] == [number[:8] for number in numbers[:1:-1]]
    finally:
        flag.touch()
    wait_until(lambda: figure(shed, "At work now")[0] == 0, what="the end of the builds on the page")
    assert {query(shed, "SELECT state FROM builds WHERE id = ?", number)[0][0] for number in numbers} == {"SUCCESS"}


def test_more_than_is_listed_needs_somebody_and_the_figure_says_so(shed):
    target = {"topicName": "projects/local-project/topics/trigger-penguin-training", "data": "e30="}
    before = len(rows(shed, "waiting"))
    assert figure(shed, "Needs you")[0] == before < 8

    for count in range(before, 9):
        name = f"{PLACE}/jobs/rests-{count}"
        ask(
            shed,
            f"/v1/{PLACE}/jobs",
            {"name": name, "schedule": "0 3 * * *", "timeZone": "UTC", "pubsubTarget": target},
        )
        ask(shed, f"/v1/{name}:pause", {})
        wanted = count + 1 if count < 8 else "more than 8"
        assert (figure(shed, "Needs you")[0], len(rows(shed, "waiting"))) == (wanted, min(count + 1, 8))
