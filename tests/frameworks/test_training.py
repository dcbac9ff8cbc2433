"""Every large framework trains in attempts that were forked from a worker which had imported it.

Not part of `make test`: environments take gigabytes and minutes. `make frameworks` runs them.
"""

import json
import sys
from pathlib import Path

import pytest
from kfp import compiler, dsl

from trainshed.testing import server, wait_until

sys.path.insert(0, str(Path(__file__).parent))
import components

RUNS = 3
FRAMEWORKS = {
    "torch": components.train_torch,
    "tensorflow": components.train_tensorflow,
    "sklearn": components.train_sklearn,
    "xgboost": components.train_xgboost,
}


@pytest.fixture(scope="module")
def trainshed(make_home):
    with server(make_home()) as running:
        yield running


def compiled(framework, folder):
    @dsl.pipeline(name=f"train-{framework}")
    def training(seed: int = 7) -> dict:
        task = FRAMEWORKS[framework](seed=seed)
        task.set_cpu_limit("2").set_memory_limit("6G")
        return task.output

    path = folder / f"{framework}.yaml"
    compiler.Compiler().compile(training, str(path))
    return path


def learned(home, framework):
    """Whether some worker of this home knows what to import ahead."""
    files = (home / "workers" / "learned").glob("*")
    return any(framework in json.loads(file.read_text())["frameworks"] for file in files)


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_framework_trains_in_a_worker_that_imported_it_ahead(framework, trainshed, tmp_path):
    spec = compiled(framework, tmp_path)
    told = []
    for seed in range(RUNS):
        outputs = tmp_path / f"{seed}.json"
        done = trainshed.run(
            *("pipelines", "run", str(spec), "--no-caching", "--parameter", f"seed={seed}"),
            *("--wait", "--outputs", str(outputs)),
            limit=900,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        told.append(json.loads(outputs.read_text())["Output"])
        wait_until(lambda: learned(trainshed.home, framework), what="that the worker learned")
    seconds = [round(each["import_seconds"], 3) for each in told]
    sys.stdout.write(f"{framework}: imported in {seconds} s, accuracy {[round(e['accuracy'], 3) for e in told]}\n")

    for each in told:
        assert each["losses"][-1] < 0.6 * each["losses"][0]
        assert each["accuracy"] > 0.9
    assert seconds[-1] < 0.25 * seconds[0], "the last one was forked from a worker that had imported it"
