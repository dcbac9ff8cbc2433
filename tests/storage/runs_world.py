"""A small world for tests of runs: blobs, environments that are only digests, a scripted runner, a builder of specs."""

import asyncio
import hashlib
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from trainshed.blobs import Blobs
from trainshed.environments import Binding, Environment
from trainshed.runners.scripted import Act, ScriptedRunner
from trainshed.runs import NewRun, Service, build_engine

PARENT = "projects/local-project/locations/us-central1"
LINES = 'python3 -m pip install --quiet \'kfp==2.14.3\' && "$0" "$@"'


class Environments:
    def __init__(self):
        self.bindings = {}
        self.built = []

    def key(self, lines, *, python="", base=""):
        return hashlib.sha256(repr((tuple(lines), base)).encode()).hexdigest()[:12]

    def ensure(self, lines, *, python="", base="", log=None):
        self.built.append(tuple(lines))
        log("building")
        digest = self.key(lines, base=base)
        return Environment(digest=digest, path=Path("/"), python=Path("/"), requirements=tuple(lines))

    def get(self, digest):
        return None

    def resolve(self, image):
        return self.bindings.get(image)

    def bind(self, image, environment="bound", **more):
        time = datetime(2026, 1, 1, tzinfo=UTC)
        self.bindings[image] = Binding(pattern=image, environment=environment, update_time=time, **more)


def python_executor(source="def f(): pass", **more):
    command = ["sh", "-c", LINES, "sh", "-ec", 'printf "%s" "$0" > "$program_path/ephemeral_component.py"', source]
    arguments = ["--executor_input", "{{$}}", "--function_to_execute", "f"]
    return {"container": {"image": "python:3.11", "command": command, "args": arguments, **more}}


def a_spec(tasks, *, parameters=None, outputs=None, name="example"):
    """tasks: name -> {after, params, artifacts, gives: {key: type}, makes: [key], …}"""
    components, executors, nodes = {}, {}, {}
    for key, t in tasks.items():
        executors[f"exec-{key}"] = t.get("executor") or python_executor(t.get("source", f"# {key}"))
        takes = {
            p: {"parameterType": v[0]} if isinstance(v, tuple) else {"parameterType": "STRING"}
            for p, v in t.get("params", {}).items()
        }
        artifact = {"artifactType": {"schemaTitle": "system.Dataset", "schemaVersion": "0.0.1"}}
        inputs = {"parameters": takes, "artifacts": dict.fromkeys(t.get("artifacts", {}), artifact)}
        made = {
            "parameters": {p: {"parameterType": kind} for p, kind in t.get("gives", {}).items()},
            "artifacts": dict.fromkeys(t.get("makes", ()), artifact),
        }
        components[f"comp-{key}"] = {
            "executorLabel": f"exec-{key}",
            "inputDefinitions": inputs,
            "outputDefinitions": made,
        }
        values = {p: _source(v[1] if isinstance(v, tuple) else v) for p, v in t.get("params", {}).items()}
        things = {
            k: {"taskOutputArtifact": {"producerTask": v.split(".")[0], "outputArtifactKey": v.split(".")[1]}}
            for k, v in t.get("artifacts", {}).items()
        }
        nodes[key] = {
            "taskInfo": {"name": key},
            "componentRef": {"name": f"comp-{key}"},
            "cachingOptions": {"enableCache": t.get("cache", True)},
            "inputs": {"parameters": values, "artifacts": things},
            "dependentTasks": t.get("after", []),
        }
        if "retries" in t:
            nodes[key]["retryPolicy"] = {"maxRetryCount": t["retries"], "backoffDuration": t.get("backoff", "0s")}
    dag = {"tasks": nodes}
    if outputs:
        dag["outputs"] = outputs
    declared = {
        "parameters": {key: {"parameterType": "STRING"} for key in (outputs or {}).get("parameters", {})},
        "artifacts": {
            key: {"artifactType": {"schemaTitle": "system.Dataset", "schemaVersion": "0.0.1"}}
            for key in (outputs or {}).get("artifacts", {})
        },
    }
    return {
        "schemaVersion": "2.1.0",
        "pipelineInfo": {"name": name},
        "root": {"dag": dag, "inputDefinitions": {"parameters": parameters or {}}, "outputDefinitions": declared},
        "components": components,
        "deploymentSpec": {"executors": executors},
    }


def _source(value):
    if isinstance(value, str) and value.startswith("@"):
        return {"componentInputParameter": value[1:]}
    if isinstance(value, str) and value.startswith("<"):
        task, key = value[1:].split(".")
        return {"taskOutputParameter": {"producerTask": task, "outputParameterKey": key}}
    return {"runtimeValue": {"constant": value}}


class World:
    """One home: service, engine, runner. `restart` is what a crash and a start make of it."""

    def __init__(self, db, clock, folder, script=None, *, workers=4):
        self.db, self.clock, self.folder, self.workers = db, clock, folder, workers
        self.environments = Environments()
        self.blobs = Blobs(folder / "buckets", clock)
        self.service = Service(
            db, clock, self.blobs, self.environments, folder=folder / "runs", secrets=folder / "secrets"
        )
        self.script = script or (lambda launch: Act())
        self.runner = ScriptedRunner(lambda launch: self.script(launch), clock)  # noqa: PLW0108  (a test may replace the script)
        self.engine = self.make_engine()

    def make_engine(self, reached=lambda _: None):
        engine = build_engine(
            self.service,
            self.runner,
            reach=lambda principal: {"REACH": principal},
            workers=self.workers,
            reached=reached,
        )
        self.duty = engine.duty(interval_seconds=3600)
        return engine

    def restart(self, reached=lambda _: None):
        self.runner = self.runner.successor()
        self.engine = self.make_engine(reached)

    def create(self, spec, cause=None, ordinal_of=lambda _: 0, **more):
        return self.service.create(NewRun(parent=PARENT, spec=spec, **more), cause, ordinal_of)

    async def settle(self):
        """Run the engine until nothing more happens by itself."""
        for _ in range(1000):
            await self.engine.run_once()
            for _ in range(3):
                await asyncio.sleep(0)
            pending = [t for t in self.engine._background._tasks if not t.done()]
            if pending:
                await asyncio.wait(pending, timeout=5)
            if not self.engine._inbox and not self.engine._background._tasks:
                return
        raise AssertionError("the engine does not come to rest")

    def finish(self, run):
        asyncio.run(self._finish())
        return self.service.get(run.name)

    async def _finish(self):
        await self.settle()
        await self.engine.close()
        await self.runner.close(end_attempts=False)
        self.restart()

    def states(self, run):
        return {t.name: t.state for t in self.service.describe(run.name).tasks}

    def launched(self):
        names = {t.id: t.name for r in self.service.list()[0] for t in self.service.describe(r.name).tasks}
        return Counter(names[k[0]] for k in self.runner._world.seen)

    def put(self, uri, data):
        bucket, name = uri.removeprefix("gs://").split("/", 1)

        def verb(conn):
            from trainshed.errors import NotFound

            try:
                self.blobs.get_bucket(conn, bucket)
            except NotFound:
                self.blobs.create_bucket(conn, bucket)
            self.blobs.commit(conn, staged, bucket, name)

        staged = self.blobs.stage_bytes(data)
        self.db.write(verb)
