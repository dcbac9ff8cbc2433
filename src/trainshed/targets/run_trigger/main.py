"""Start a run of a compiled pipeline for each event: made for a run trigger by `trainshed apply --target gcp`.

The run's id is made from the event's, so that an event that is delivered again finds the run that it started.
"""

import base64
import json
import os
import re
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import google.auth
import yaml
from google.auth.transport.requests import AuthorizedSession

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
AGAIN = {408, 425, 429, 500, 502, 503, 504}  # what another try may find changed
LEGACY = {"INT": "intValue", "DOUBLE": "doubleValue", "STRING": "stringValue"}


def start(event: dict[str, Any], context: Any) -> None:
    """Start the run; raising makes Cloud Functions deliver the event again."""
    session: Any = AuthorizedSession(google.auth.default(scopes=[SCOPE])[0])  # type: ignore[no-untyped-call]
    address = os.environ["PIPELINE_SPEC"]
    spec = read(session, address)
    try:
        fixed = json.loads(os.environ.get("PARAMETERS") or "{}")
        body = job(spec, {**fixed, **parameters_of(event, spec)}, address)
    except ValueError as error:
        print(f"Refused: event {context.event_id} is not one that a run can be made of: {error}")
        return
    name = job_id(spec, context.event_id)
    region = os.environ["REGION"]
    parent = f"projects/{os.environ['PROJECT']}/locations/{region}"
    url = f"https://{region}-aiplatform.googleapis.com/v1/{parent}/pipelineJobs"
    answer = session.post(url, params={"pipelineJobId": name}, json=body, timeout=60)
    if answer.status_code == HTTPStatus.CONFLICT:
        print(f"Joined: event {context.event_id} had started run {name} before")
    elif answer.status_code in AGAIN:
        answer.raise_for_status()
    elif not answer.ok:
        print(f"Refused: run {name} is not taken: {answer.text[:2000]}")
    else:
        print(f"Started run {name} for event {context.event_id}")


def read(session: Any, address: str) -> dict[str, Any]:
    """Read the compiled pipeline from its bucket."""
    bucket, _, name = address.removeprefix("gs://").partition("/")
    url = f"https://storage.googleapis.com/storage/v1/b/{bucket}/o/{quote(name, safe='')}"
    answer = session.get(url, params={"alt": "media"}, timeout=60)
    answer.raise_for_status()
    document = yaml.safe_load(answer.text)
    spec: dict[str, Any] = document.get("pipelineSpec", document)
    return spec


def parameters_of(event: dict[str, Any], spec: dict[str, Any]) -> dict[str, Any]:
    """Answer what a message's body, or the name of an object, gives the run."""
    if "bucket" in event and "name" in event:
        known = {
            "bucket": event["bucket"],
            "object": event["name"],
            "object_uri": f"gs://{event['bucket']}/{event['name']}",
            "generation": str(event.get("generation", "")),
        }
        return {name: value for name, value in known.items() if name in declared(spec)}
    text = base64.b64decode(event.get("data") or "").decode("utf-8")
    found = json.loads(text) if text.strip() else {}
    if not isinstance(found, dict):
        raise ValueError("the body is not a JSON object of parameters")  # noqa: TRY004  (as what is no JSON at all)
    return found


def declared(spec: dict[str, Any]) -> dict[str, Any]:
    """Answer the parameters that the pipeline declares."""
    found: dict[str, Any] = spec.get("root", {}).get("inputDefinitions", {}).get("parameters", {})
    return found


def job(spec: dict[str, Any], given: dict[str, Any], address: str) -> dict[str, Any]:
    """Make the PipelineJob."""
    known = declared(spec)
    if unknown := sorted(set(given) - set(known)):
        raise ValueError(f"the pipeline has no parameter {', '.join(unknown)}")
    config: dict[str, Any] = {"gcsOutputDirectory": root(spec, address)}
    if str(spec.get("schemaVersion", "")).startswith("2.0"):
        config["parameters"] = {
            name: {LEGACY.get(known[name].get("type"), "stringValue"): value} for name, value in given.items()
        }
    else:
        config["parameterValues"] = {name: typed(value, known[name]) for name, value in given.items()}
    labels = {"managed-by": "trainshed", "trainshed-trigger": os.environ["TRIGGER"]}
    name = spec.get("pipelineInfo", {}).get("name", "pipeline")
    return {"displayName": name, "labels": labels, "pipelineSpec": spec, "runtimeConfig": config}


def typed(value: Any, definition: dict[str, Any]) -> Any:
    """Give a text the type that the pipeline declares for it."""
    kind = definition.get("parameterType", "STRING")
    if not isinstance(value, str) or kind in {"STRING", "TASK_FINAL_STATUS"}:
        return value
    found = json.loads(value)
    if kind == "NUMBER_INTEGER" and (isinstance(found, bool) or found != int(found)):
        raise ValueError(f"{value!r} is not an integer")
    return found


def root(spec: dict[str, Any], address: str) -> str:
    """Answer where tasks keep what they make: the pipeline's own root, or beside the compiled file."""
    own: str = spec.get("defaultPipelineRoot", "")
    bucket = address.removeprefix("gs://").partition("/")[0]
    return own if own.startswith("gs://") else f"gs://{bucket}/runs"


def job_id(spec: dict[str, Any], event_id: str) -> str:
    """Make the run's id: the same for the same event of the same trigger, whose name is the function's."""
    pipeline = slug(spec.get("pipelineInfo", {}).get("name", "run"))[:48].rstrip("-")
    made = f"{pipeline}-{slug(os.environ['TRIGGER'])[:32].rstrip('-')}-{slug(str(event_id))[-40:].lstrip('-')}"
    return made if made[0].isalpha() else f"run-{made}"


def slug(text: str) -> str:
    """Write a text with the letters that an id may have."""
    return re.sub(r"[^-a-z0-9]+", "-", text.lower()).strip("-")
