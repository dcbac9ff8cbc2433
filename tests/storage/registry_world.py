"""Models on a store of their own, pushed as a pipeline pushes them."""

import json
import os
from types import SimpleNamespace

from storage.boundaries import end_at

from trainshed import lineage
from trainshed.blobs import Blobs, Upkeep
from trainshed.clock import VirtualClock
from trainshed.registry import Service
from trainshed.sql import Database

DIRECTORY = "gs://serving/models/penguins"
RUN = "projects/p/locations/r/pipelineJobs"
FILES = {"saved_model.pb": b"graph", "variables/variables.index": b"index", "variables/variables.data": b"weights"}


class World:
    """A bucket, lineage, and the registry over them."""

    def __init__(self, db, clock, folder):
        self.db, self.clock = db, clock
        self.blobs = Blobs(folder / "buckets", clock)
        self.upkeep = Upkeep(self.blobs, db, clock)
        self.service = Service(db, clock, self.blobs)
        if not self.db.read(lambda conn: conn.exec_driver_sql("SELECT 1 FROM buckets").first()):
            self.db.write(lambda conn: self.blobs.create_bucket(conn, "serving"))

    def put(self, name, data):
        staged = self.blobs.stage_bytes(data)
        self.db.write(lambda conn: self.blobs.commit(conn, staged, "serving", name))

    def names(self, prefix=""):
        return [o.name for o in self.db.read(lambda conn: list(self.blobs.list(conn, "serving", prefix)))]

    def content(self, name):
        obj = self.db.read(lambda conn: self.blobs.get(conn, "serving", name))
        with self.blobs.open(obj) as file:
            return file.read()

    def push(self, number, accuracy=0.9, *, directory=DIRECTORY, pointer=False, files=FILES):
        """Do what a Pusher does."""
        self.clock.advance(10)
        below = directory.removeprefix("gs://serving/")
        for name, data in files.items():
            self.put(f"{below}/{number}/{name}", data + str(number).encode())
        if pointer:
            said = {"version": int(number), "destination": f"{directory}/{number}", "metrics": {"accuracy": accuracy}}
            self.put(f"{below}/LATEST.json", json.dumps(said).encode())
        return self.db.write(lambda conn: self._record(conn, number, accuracy, directory))

    def _record(self, conn, number, accuracy, directory):
        now = self.clock.now()
        common = {"digest": "d", "now": now}
        model = lineage.add_artifact(
            conn, type={"schemaTitle": "system.Model"}, uri=f"gs://made/{number}/model", name="model",
            metadata={"loss": 0.1}, **common,
        )  # fmt: skip
        evaluation = lineage.add_artifact(
            conn, type={"schemaTitle": "system.Metrics"}, uri=f"gs://made/{number}/evaluation", name="evaluation",
            metadata={"accuracy": accuracy, "verdict": "good enough"}, **common,
        )  # fmt: skip
        pushed = lineage.add_artifact(
            conn, type={"schemaTitle": "system.Artifact"}, uri=f"gs://made/{number}/pushed", name="pushed_model",
            metadata={"pushed_version": str(number), "pushed_destination": f"{directory}/{number}"}, **common,
        )  # fmt: skip
        pusher = lineage.NewExecution(
            type="comp-pusher",
            name=f"{RUN}/j{number}/tasks/pusher",
            state="COMPLETE",
            properties={"inputs": {}, "outputs": {}},
            context_id=None,
            inputs=[("model", model), ("evaluation", evaluation)],
            outputs=[("pushed_model", pushed)],
        )
        lineage.record_execution(conn, pusher, now=now)
        return SimpleNamespace(model=model, evaluation=evaluation, pushed=pushed)


def roll_back_and_end(folder, boundary):
    """Roll back in this process, which ends without a trace at the given touch of the file system."""
    end_at(boundary)
    try:
        db = Database(folder / "trainshed.db")
        World(db, VirtualClock(), folder).service.rollback(DIRECTORY, "9", author="user", reason="worse")
    except BaseException:  # noqa: BLE001
        os._exit(1)
    os._exit(0)
