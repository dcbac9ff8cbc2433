"""Builds with their triggers and logs, and buckets with objects."""

import sqlite3
from collections.abc import Sequence
from pathlib import Path

from large_store.numbers import PROJECT, REGION, Calendar, moment, pick, share, uuid
from large_store.of_events import BUILD_TRIGGERS
from large_store.scale import Scale
from large_store.sheets import Sheets, text
from trainshed.blobs import store as blobs
from trainshed.builds import store
from trainshed.builds.triggers import store as triggers
from trainshed.sql.lifecycle import history_table

LOGS = "100000000001.cloudbuild-logs.googleusercontent.com"
MODELS = "local-project-models"
_ENDS = (("SUCCESS", 0.85), ("FAILURE", 0.10), ("TIMEOUT", 0.02), ("CANCELLED", 0.03))
_STEPS = (("Clone Repository", "git"), ("Build Image", "docker"), ("Compile Pipeline", "python"), ("Upload", "gsutil"))
_WITH_LOG = 50  # of the newest builds
_LINE = 'Step #{0} - "{1}": {2:09} epoch {3} loss {4:.5f} \x1b[32mok\x1b[0m https://localhost/metrics/{2}\n'
_LINES_AT_ONCE = 20_000


def write(
    connection: sqlite3.Connection, scale: Scale, calendar: Calendar, home: Path, pushed: Sequence[tuple[str, float]]
) -> str:
    """Write every build; answer the one with the long log, the newest."""
    sheets = Sheets(connection)
    _triggers(sheets, calendar)
    steps = [{"name": f"gcr.io/cloud-builders/{tool}", "id": label, "args": ["do", label]} for label, tool in _STEPS]
    document = {"steps": steps, "images": ["gcr.io/local-project/training:1"], "timeout": "3600s"}
    results = text({"images": [{"name": "gcr.io/local-project/training:1", "digest": f"sha256:{'88cf6feb' * 8}"}]})
    build = sheets.of(
        store.builds, "id", "substitutions", "trigger", "trigger_id", "create_time", "start_time", "expire_time",
        "results", "timing", "log_uri", "state", "end_time", project=PROJECT, region=REGION, document=document,
        resolved=document, warnings=[],
    )  # fmt: skip
    step = sheets.of(store.build_steps, "build_id", "number", "step_id", "name", "start_time", "exit_code", "state",
                     "end_time")  # fmt: skip
    history = sheets.of(history_table, "noun", "resource", "transition", "state", "time")
    for number in range(scale.builds):
        build_id, begin = uuid(number, 40), calendar.place(number, scale.builds)
        state, place = pick(_ENDS, number, 5), number % (2 * len(BUILD_TRIGGERS))
        trigger = BUILD_TRIGGERS[place] if place < len(BUILD_TRIGGERS) else ""
        failed = len(_STEPS) if state == "SUCCESS" else 2
        at = begin + 0.1
        for position, (label, tool) in enumerate(_STEPS):
            lasts = 5 + 60 * share(number + position, 6)
            ended = "SUCCESS" if position < failed else "FAILURE" if position == failed else "CANCELLED"
            code = 0 if ended == "SUCCESS" else 1 if ended == "FAILURE" else None
            step.add(
                build_id, position, label, f"gcr.io/cloud-builders/{tool}", moment(at), code, ended, moment(at + lasts)
            )
            at += lasts
        words = {"PROJECT_ID": PROJECT, "BUILD_ID": build_id, "COMMIT_SHA": f"{number:040x}", "BRANCH_NAME": "main"}
        timing = text({"BUILD": {"startTime": moment(begin + 0.1), "endTime": moment(at)}})
        build.add(build_id, text(words), trigger, uuid(place, 44) if trigger else "", moment(begin), moment(begin + 0.05),
                  moment(begin + 3600), results if state == "SUCCESS" else None, timing, f"gs://{LOGS}/log-{build_id}.txt",
                  state, moment(at))  # fmt: skip
        for transition, reached, when in (
            ("created", "PENDING", begin),
            ("start", "WORKING", begin),
            ("end", state, at),
        ):
            history.add("build", build_id, transition, reached, moment(when))
        if number >= scale.builds - _WITH_LOG:
            _log(home / "builds" / build_id / "log.txt", scale.log_bytes if number == scale.builds - 1 else 5_000)
    _objects(sheets, scale, calendar, home, pushed)
    sheets.flush()
    return uuid(scale.builds - 1, 40)


def _triggers(sheets: Sheets, calendar: Calendar) -> None:
    sheet = sheets.of(triggers.triggers, "id", "name", project=PROJECT, region=REGION,
                      document={"filename": "cloudbuild.yaml", "disabled": True}, create_time=moment(calendar.start))  # fmt: skip
    for number, name in enumerate(BUILD_TRIGGERS):
        sheet.add(uuid(number, 44), name.rpartition("/")[2])


def _log(path: Path, size: int) -> None:
    path.parent.mkdir(parents=True)
    written = number = 0
    with path.open("w", encoding="utf-8") as file:
        while written < size:
            label = number // _LINES_AT_ONCE % len(_STEPS)
            lines = [
                _LINE.format(label, _STEPS[label][0], n, n // 1000, 1 / (1 + n % 1000))
                for n in range(number, number + min(_LINES_AT_ONCE, 1 + (size - written) // 90))
            ]
            number += len(lines)
            written += file.write("".join(lines))


def _objects(sheets: Sheets, scale: Scale, calendar: Calendar, home: Path, pushed: Sequence[tuple[str, float]]) -> None:
    bucket = sheets.of(blobs.buckets, "name", properties={}, create_time=moment(calendar.start),
                       update_time=moment(calendar.start))  # fmt: skip
    found = sheets.of(blobs.objects, "name", "generation", "create_time", "update_time", "path", "stamp", "changed",
                      bucket=MODELS, size=8, crc32c="AAAAAA==", md5="", content_type="text/plain", metadata={},
                      properties={})  # fmt: skip
    for name in (LOGS, MODELS):
        bucket.add(name)
        (home / "buckets" / name).mkdir(parents=True)
    data = [
        (f"data/part-{number // 500:03}/{number:06}.txt", calendar.place(number, scale.objects))
        for number in range(scale.objects)
    ]
    models = [(f"{where.removeprefix(f'gs://{MODELS}/')}/saved_model.pb", when) for where, when in pushed]
    for number, (name, seconds) in enumerate([*data, *models]):
        path, when = home / "buckets" / MODELS / name, moment(seconds)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{number:08}")
        status = path.stat()
        stamp = f"{status.st_size}:{status.st_mtime_ns}:{status.st_ino}"
        generation = int(seconds * 1_000_000)
        found.add(name, generation, when, when, f"{MODELS}/{name}", stamp, str(status.st_ctime_ns))
