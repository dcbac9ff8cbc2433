"""A message on the topic starts a run of the compiled pipeline with the message's parameters."""

import base64
import json
import os

from google.cloud import aiplatform, storage


def trigger_pipeline(event, context):  # noqa: ARG001  (the signature of a background function)
    """Check the settings and the compiled pipeline, read the message, submit the run."""
    project = setting("PROJECT")
    region = setting("REGION")
    location = setting("GCS_PIPELINE_FILE_LOCATION")
    require_object(location)
    text = base64.b64decode(event.get("data", "")).decode("utf-8")
    print(f"Event data: {text}")
    job = aiplatform.PipelineJob(
        display_name=location.rsplit("/", 1)[-1].removesuffix(".json"),
        template_path=location,
        parameter_values=json.loads(text) if text else {},
        enable_caching=True,
        project=project,
        location=region,
    )
    job.submit()
    print(f"Submitted {job.resource_name}.")


def setting(variable):
    """Answer a variable that the deployment has to set."""
    value = os.environ.get(variable)
    if not value:
        raise ValueError(f"The environment variable {variable} is not set; deploy with --update-env-vars {variable}=….")
    return value


def require_object(location):
    """Fail where the compiled pipeline is not in its bucket, so that the message is not taken for done."""
    bucket, _, name = location.removeprefix("gs://").partition("/")
    if not storage.Client().bucket(bucket).blob(name).exists():
        raise FileNotFoundError(f"{location} does not exist; GCS_PIPELINE_FILE_LOCATION names the compiled pipeline.")
