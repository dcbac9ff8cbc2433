"""What the demo does, step by step: the whole loop on the penguin example, by commands that anybody can type."""

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import click

import trainshed
from trainshed.cli.stage import Stage, StepFailed
from trainshed.clock import SystemClock
from trainshed.errors import FailedPrecondition, TrainshedError

PIPELINE = "penguin-training"
TOPIC = f"trigger-{PIPELINE}"
FUNCTION = f"trigger-{PIPELINE}-fn"
SCHEDULE = "hourly-training"
BRANCH = "main"
_MINUTES = 60.0
_FINAL = {"PIPELINE_STATE_SUCCEEDED", "PIPELINE_STATE_FAILED", "PIPELINE_STATE_CANCELLED"}
_BAD = {"FAILED", "REFUSED"}
_MESSAGE = '{"num_epochs": "3", "learning_rate": "1e-2"}'
_LONGER = '{"num_epochs": "5", "learning_rate": "1e-2"}'


@dataclass(kw_only=True)
class Story:
    """One telling: where things are, and what has been seen so far."""

    stage: Stage
    example: Path
    runs: dict[str, str] = field(default_factory=dict)  # run name -> what started it
    prediction: str = ""

    @property
    def bucket(self) -> str:
        """Specs, modules, models."""
        return f"gs://{self.stage.project}-penguins"

    @property
    def data_bucket(self) -> str:
        """Data alone, so that an object there means new data."""
        return f"{self.bucket}-data"

    @property
    def spec(self) -> str:
        """The compiled pipeline."""
        return f"{self.bucket}/pipeline_root/{PIPELINE}.json"

    @property
    def serving(self) -> str:
        """Where models are pushed to."""
        return f"{self.bucket}/serving_model/{PIPELINE}"

    @property
    def module_root(self) -> str:
        """Where the trainer module is fetched from."""
        return f"{self.bucket}/pipeline_module/{PIPELINE}"

    @property
    def compiler_image(self) -> str:
        """The image that compiles and tests."""
        return f"gcr.io/{self.stage.project}/pipeline-compiler:1"

    @property
    def image(self) -> str:
        """The image in which tasks run."""
        return f"gcr.io/{self.stage.project}/{PIPELINE}:1"

    @property
    def repository(self) -> Path:
        """The bare repository, as a code host keeps it."""
        return self.stage.home / "penguins.git"

    @property
    def checkout(self) -> Path:
        """Where the developer works."""
        return self.stage.home / "work" / "penguins"

    def values(self) -> dict[str, str]:
        """Answer where everything is, as build configs ask for it."""
        return {
            "_PROJECT": self.stage.project,
            "_REGION": self.stage.region,
            "_PIPELINE_NAME": PIPELINE,
            "_PIPELINE_ROOT": f"{self.bucket}/pipeline_root",
            "_MODULE_ROOT": self.module_root,
            "_DATA_ROOT": f"{self.data_bucket}/penguins",
            "_SERVING_MODEL_DIR": self.serving,
            "_CICD_IMAGE_URI": self.compiler_image,
            "_TFX_IMAGE_URI": self.image,
        }


def repository(story: Story) -> None:
    """Put the example into a git repository."""
    shutil.copytree(story.example, story.checkout, ignore=shutil.ignore_patterns("__pycache__", ".git"))
    stage, work = story.stage, story.checkout
    stage.command("git", "init", "--quiet", "--initial-branch", BRANCH, folder=work)
    stage.command("git", "add", "--all", folder=work)
    stage.command("git", "commit", "--quiet", "--message", "Add the penguin pipeline", folder=work)
    stage.command("git", "clone", "--quiet", "--bare", ".", str(story.repository), folder=work)
    stage.command("git", "remote", "add", "origin", story.repository.as_uri(), folder=work)


def data(story: Story) -> None:
    """Make buckets; upload two seasons of data and the trainer module."""
    stage = story.stage
    stage.trainshed("storage", "buckets", "create", story.bucket, story.data_bucket)
    for year in (2007, 2008):
        file = f"data/seasons/penguins-{year}.csv"
        stage.trainshed("storage", "cp", file, f"{story.data_bucket}/penguins/", folder=story.checkout)
    stage.trainshed("storage", "cp", "trainer.py", f"{story.module_root}/trainer.py", folder=story.checkout)


def build(story: Story) -> None:
    """Build: clone, make the image and compile the pipeline at once, upload it."""
    stage = story.stage
    requirements = "requirements-compile.txt"
    values = {"_REPO_URL": story.repository.as_uri(), "_BRANCH": BRANCH, **story.values()}
    stage.trainshed("images", "bind", story.compiler_image, "--requirements", requirements, folder=story.checkout)
    stage.trainshed(
        "builds", "submit", "--no-source", "--timeout=60m", "--config", "cloudbuild.yaml",
        "--substitutions", pairs(values), "--machine-type=e2-highcpu-8", folder=story.checkout,
    )  # fmt: skip
    stage.trainshed("storage", "ls", "-l", f"{story.bucket}/pipeline_root/")


def function(story: Story) -> None:
    """Make a topic and deploy the function that turns its messages into runs."""
    stage = story.stage
    stage.trainshed("pubsub", "topics", "create", TOPIC)
    variables = {"PROJECT": stage.project, "REGION": stage.region, "GCS_PIPELINE_FILE_LOCATION": story.spec}
    stage.trainshed(
        "functions", "deploy", FUNCTION, f"--region={stage.region}", f"--trigger-topic={TOPIC}", "--runtime=python311",
        "--source=cloud_function", "--entry-point=trigger_pipeline", f"--stage-bucket={story.bucket}",
        f"--update-env-vars={pairs(variables)}", folder=story.checkout,
    )  # fmt: skip


def message(story: Story) -> None:
    """Publish hyperparameters: one message, one run."""
    story.stage.trainshed("pubsub", "topics", "publish", TOPIC, "--message", _MESSAGE)
    follow(story, "a message")


def schedule(story: Story) -> None:
    """Make a schedule and force one firing of it."""
    stage = story.stage
    stage.trainshed(
        "scheduler", "jobs", "create", "pubsub", SCHEDULE, "--schedule", hourly(SystemClock().now()), "--topic", TOPIC,
        "--message-body", _LONGER,
    )  # fmt: skip
    stage.trainshed("scheduler", "jobs", "run", SCHEDULE)
    follow(story, "a firing of the schedule")


def hourly(now: datetime) -> str:
    """Answer a cron line that fires each hour and not within this half: only what the demo forces is to happen in it."""
    return f"{(now.minute + 30) % 60} * * * *"


def nothing_changed(story: Story) -> None:
    """Fire again: nothing has changed, so nothing is trained, and a receipt says why."""
    stage = story.stage
    before = {receipt["receipt"] for receipt in skipped(story)}
    stage.trainshed("scheduler", "jobs", "run", SCHEDULE)
    stage.wait_for(
        "the receipt of a firing that starts nothing",
        lambda: next((r for r in skipped(story) if r["receipt"] not in before), None),
        timeout_seconds=_MINUTES,
    )
    story.runs |= dict.fromkeys((job["name"] for job in jobs(story) if job["name"] not in story.runs), "nothing new")
    stage.trainshed("receipts", "list", "--limit", "3")


def push(story: Story) -> None:
    """Push a changed trainer: it is tested and uploaded and a run starts; the planner sees that no image is needed."""
    stage, work = story.stage, story.checkout
    stage.trainshed(
        "builds", "triggers", "create", "on-push", "--repo", story.repository.as_uri(), "--branch-pattern", f"^{BRANCH}$",
        "--image-files", "Dockerfile,requirements.txt,utils/**,on-push/**", "--code-files", "*.py,build/**",
        "--module-files", "trainer.py", "--ignored-files", "**/*.md,data/**,tests/**",
        "--build-config", "on-push/$_PLAN.yaml", "--substitutions", pairs({**story.values(), "_TOPIC": TOPIC}),
    )  # fmt: skip
    trainer = work / "trainer.py"
    trainer.write_text(trainer.read_text().replace("HIDDEN_UNITS = (8, 8)", "HIDDEN_UNITS = (16, 16)"))
    stage.command("git", "commit", "--quiet", "--all", "--message", "Widen the hidden layers", folder=work)
    stage.command("git", "push", "--quiet", "origin", BRANCH, folder=work)
    follow(story, "a pushed commit")


def arrival(story: Story) -> None:
    """Let a season of data arrive: the bucket starts a run."""
    stage = story.stage
    bucket = story.data_bucket.removeprefix("gs://")
    stage.trainshed("pipelines", "triggers", "create", "new-data", "--bucket", bucket, "--spec", story.spec)
    file = "data/seasons/penguins-2009.csv"
    stage.trainshed("storage", "cp", file, f"{story.data_bucket}/penguins/", folder=story.checkout)
    follow(story, "new data")


def predict(story: Story) -> None:
    """Ask the pushed model about one bird, inside the image."""
    values = {"_TFX_IMAGE_URI": story.image, "_SERVING_MODEL_DIR": story.serving}
    output = story.stage.trainshed(
        "builds", "submit", "--no-source", "--config", "predict.yaml", "--substitutions", pairs(values),
        folder=story.checkout,
    )  # fmt: skip
    story.prediction = next((line.rpartition('": ')[2] for line in output.splitlines() if " says " in line), "")
    if not story.prediction:
        raise StepFailed("The build ran and no prediction is in its log.", exit_code=3)


STEPS: tuple[Callable[[Story], None], ...] = (
    repository, data, build, function, message, schedule, nothing_changed, push, arrival, predict,
)  # fmt: skip


def follow(story: Story, cause: str) -> None:
    """Wait for a run that is new and for its end; show it. Raises StepFailed where it does not succeed."""
    stage = story.stage

    def new() -> str | None:
        _refuse_failures(story)
        return next((job["name"] for job in jobs(story) if job["name"] not in story.runs), None)

    name = stage.wait_for(f"the run that {cause} starts", new, timeout_seconds=2 * _MINUTES)
    story.runs[name] = cause

    def ended() -> Mapping[str, Any] | None:
        job: Mapping[str, Any] = stage.client.call("GET", f"/v1/{name}")
        return job if job["state"] in _FINAL else None

    job = stage.wait_for(f"the end of the run that {cause} started", ended, timeout_seconds=10 * _MINUTES)
    stage.trainshed("pipelines", "describe", name.rsplit("/", 1)[-1])
    if job["state"] != "PIPELINE_STATE_SUCCEEDED":
        reason = job.get("error", {}).get("message", "its log says why")
        raise StepFailed(f"The run that {cause} started ended as {job['state']}: {reason}", exit_code=1)


def _refuse_failures(story: Story) -> None:
    for receipt in receipts(story):
        if receipt["state"] in _BAD:
            raise StepFailed(f"Receipt {receipt['receipt']} is {receipt['state']}: {receipt['reason']}", exit_code=1)


def jobs(story: Story) -> list[dict[str, Any]]:
    """Every run, as Vertex lists them."""
    parent = f"projects/{story.stage.project}/locations/{story.stage.region}"
    return list(story.stage.client.pages(f"/v1/{parent}/pipelineJobs", "pipelineJobs"))


def described(story: Story) -> list[dict[str, Any]]:
    """Every run with its tasks."""
    return [story.stage.client.call("GET", f"/v1/{job['name']}") for job in jobs(story)]


def builds(story: Story) -> list[dict[str, Any]]:
    """Every build, as Cloud Build lists them."""
    return list(story.stage.client.pages(f"/v1/projects/{story.stage.project}/builds", "builds"))


def receipts(story: Story) -> list[dict[str, Any]]:
    """Every receipt, newest first."""
    return list(story.stage.client.pages("/trainshed/v1/receipts", "receipts"))


def skipped(story: Story) -> list[dict[str, Any]]:
    """Answer the receipts of events that started no run because nothing was new."""
    return [receipt for receipt in receipts(story) if receipt["state"] == "SKIPPED" and receipt["kind"] != "commit"]


def served(story: Story) -> dict[str, Any]:
    """Read what the serving directory says of its latest model."""
    document: dict[str, Any] = json.loads(story.stage.trainshed("storage", "cat", f"{story.serving}/LATEST.json"))
    return document


def pairs(values: Mapping[str, str]) -> str:
    """Write gcloud's K=V,K=V."""
    return ",".join(f"{key}={value}" for key, value in values.items())


def example_folder() -> Path:
    """Find the penguin example: in the checkout, or where the package was installed. Raises FailedPrecondition."""
    package = Path(trainshed.__file__).resolve().parent
    for root in (package.parents[1] / "examples", package.parent / "trainshed_examples"):
        if (root / "penguins" / "pipeline.py").is_file():
            return root / "penguins"
    raise FailedPrecondition("The penguin example is not installed with this copy of Trainshed.")


def tell(story: Story) -> None:
    """Take every step. Raises StepFailed."""
    for number, step in enumerate(STEPS, 1):
        click.secho(f"\n[{number}/{len(STEPS)}] {(step.__doc__ or '').strip()}", fg="cyan", bold=True)
        try:
            step(story)
        except TrainshedError as error:
            raise StepFailed(f"({error.code}) {error.message}", exit_code=3) from error
