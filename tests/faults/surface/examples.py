"""Whole requests to begin with: broken ones that differ in one place get further than random ones."""

import io
import zipfile

_TOPIC = "projects/local-project/topics/alpha"
_REGION = "projects/local-project/locations/us-central1"
_ARTIFACT = "google.cloud.aiplatform.v1.Artifact"
_EXECUTION = "google.cloud.aiplatform.v1.Execution"
_CONTEXT = "google.cloud.aiplatform.v1.Context"
_DATASET = {"schemaTitle": "system.Dataset", "schemaVersion": "0.0.1"}
_SPEC = {
    "components": {
        "comp-importer": {
            "executorLabel": "exec-importer",
            "inputDefinitions": {"parameters": {"uri": {"parameterType": "STRING"}}},
            "outputDefinitions": {"artifacts": {"artifact": {"artifactType": _DATASET}}},
        }
    },
    "deploymentSpec": {
        "executors": {
            "exec-importer": {
                "importer": {"artifactUri": {"runtimeParameter": "uri"}, "typeSchema": _DATASET, "reimport": True}
            }
        }
    },
    "pipelineInfo": {"name": "alpha"},
    "root": {
        "dag": {
            "tasks": {
                "importer": {
                    "componentRef": {"name": "comp-importer"},
                    "inputs": {"parameters": {"uri": {"runtimeValue": {"constant": "gs://alpha/a"}}}},
                    "taskInfo": {"name": "importer"},
                }
            }
        },
        "inputDefinitions": {"parameters": {"epochs": {"parameterType": "NUMBER_INTEGER", "isOptional": True}}},
    },
    "schemaVersion": "2.1.0",
    "sdkVersion": "kfp-2.14.6",
}
_JOB = {
    "displayName": "alpha",
    "labels": {"team": "alpha"},
    "runtimeConfig": {"gcsOutputDirectory": "gs://alpha/root", "parameterValues": {"epochs": 3}},
    "pipelineSpec": _SPEC,
}

EXAMPLES = {
    "google.pubsub.v1.Topic": {"name": _TOPIC, "labels": {"k": "v"}},
    "google.pubsub.v1.Subscription": {
        "name": "projects/local-project/subscriptions/alpha",
        "topic": _TOPIC,
        "ackDeadlineSeconds": 10,
        "messageRetentionDuration": "600s",
        "retryPolicy": {"minimumBackoff": "10s", "maximumBackoff": "600s"},
        "deadLetterPolicy": {"deadLetterTopic": "projects/local-project/topics/beta", "maxDeliveryAttempts": 5},
    },
    "google.pubsub.v1.PublishRequest": {
        "topic": _TOPIC,
        "messages": [{"data": "eA==", "attributes": {"k": "v"}}, {"data": "eQ=="}],
    },
    "google.pubsub.v1.PullRequest": {
        "subscription": "projects/local-project/subscriptions/alpha",
        "returnImmediately": True,
        "maxMessages": 10,
    },
    "google.pubsub.v1.Schema": {
        "name": "projects/local-project/schemas/alpha",
        "type": "AVRO",
        "definition": '{"type": "record", "name": "R", "fields": [{"name": "x", "type": "int"}]}',
    },
    "google.cloud.scheduler.v1.Job": {
        "name": f"{_REGION}/jobs/alpha",
        "schedule": "*/3 * * * *",
        "timeZone": "Europe/Berlin",
        "pubsubTarget": {"topicName": _TOPIC, "data": "eA=="},
        "retryConfig": {"retryCount": 3, "minBackoffDuration": "5s", "maxDoublings": 5},
    },
    "google.devtools.cloudbuild.v1.Build": {
        "steps": [
            {"id": "first", "name": "python:3.11", "args": ["--version"]},
            {"id": "second", "name": "bash", "args": ["-c", "echo $_X"], "waitFor": ["first"], "env": ["A=B"]},
        ],
        "substitutions": {"_X": "y"},
        "timeout": "60s",
        "tags": ["alpha"],
        "options": {"machineType": "E2_HIGHCPU_8", "env": ["C=D"]},
    },
    "google.devtools.cloudbuild.v1.BuildTrigger": {
        "name": "alpha",
        "build": {"steps": [{"name": "bash", "script": "true"}]},
        "pubsubConfig": {"topic": _TOPIC},
        "substitutions": {"_X": "$(body.message.data)"},
    },
    "google.cloud.functions.v1.CloudFunction": {
        "name": f"{_REGION}/functions/alpha",
        "runtime": "python311",
        "entryPoint": "main",
        "sourceArchiveUrl": "gs://alpha/source.zip",
        "eventTrigger": {"eventType": "google.pubsub.topic.publish", "resource": _TOPIC},
        "environmentVariables": {"A": "b"},
    },
    "google.cloud.functions.v2.Function": {
        "name": f"{_REGION}/functions/beta",
        "buildConfig": {
            "runtime": "python311",
            "entryPoint": "main",
            "source": {"storageSource": {"bucket": "alpha", "object": "source.zip"}},
        },
        "serviceConfig": {"availableMemory": "256M", "timeoutSeconds": 60, "environmentVariables": {"A": "b"}},
        "eventTrigger": {
            "eventType": "google.cloud.pubsub.topic.v1.messagePublished",
            "pubsubTopic": _TOPIC,
        },
    },
    "google.cloud.aiplatform.v1.PipelineJob": _JOB,
    "google.cloud.aiplatform.v1.Schedule": {
        "displayName": "alpha",
        "cron": "TZ=Europe/Berlin 0 3 * * *",
        "maxConcurrentRunCount": "1",
        "createPipelineJobRequest": {"parent": _REGION, "pipelineJob": _JOB},
    },
    "google.cloud.aiplatform.v1.CustomJob": {
        "displayName": "alpha",
        "jobSpec": {
            "workerPoolSpecs": [
                {
                    "machineSpec": {"machineType": "n1-standard-4"},
                    "replicaCount": "1",
                    "containerSpec": {"imageUri": "python:3.11", "command": ["true"], "args": ["x"]},
                }
            ]
        },
    },
    _ARTIFACT: {
        "displayName": "alpha",
        "uri": "gs://alpha/model",
        "schemaTitle": "system.Model",
        "schemaVersion": "0.0.1",
        "metadata": {"accuracy": 0.9},
    },
    _EXECUTION: {"displayName": "alpha", "schemaTitle": "system.Run", "state": "RUNNING"},
    _CONTEXT: {"displayName": "alpha", "schemaTitle": "system.Experiment"},
}


def things():
    """Answer path and document, or bytes, of requests that make things with the names that `values` knows."""
    yield "/trainshed/v1/images:bind", {"image": "python:3.11", "packages": []}
    schema = {k: v for k, v in EXAMPLES["google.pubsub.v1.Schema"].items() if k != "name"}
    yield "/v1/projects/local-project/schemas?schemaId=alpha", schema
    for name in ("alpha", "beta"):
        topic = f"projects/local-project/topics/{name}"
        yield f"/v1/{topic}", {}
        subscription = EXAMPLES["google.pubsub.v1.Subscription"] | {"topic": topic}
        yield f"/v1/projects/local-project/subscriptions/{name}", {k: v for k, v in subscription.items() if k != "name"}
        yield f"/v1/{topic}:publish", {"messages": [{"data": "eA=="}] * 5}
        yield "/storage/v1/b?project=local-project", {"name": name}
        yield f"/upload/storage/v1/b/{name}/o?uploadType=media&name=a", {"x": 1}
        job = EXAMPLES["google.cloud.scheduler.v1.Job"] | {"name": f"{_REGION}/jobs/{name}"}
        yield f"/v1/{_REGION}/jobs", job
        yield f"/v1/{_REGION}/metadataStores/default/artifacts?artifactId={name}", EXAMPLES[_ARTIFACT]
        yield f"/v1/{_REGION}/metadataStores/default/contexts?contextId={name}", EXAMPLES[_CONTEXT]
        yield f"/v1/{_REGION}/metadataStores/default/executions?executionId={name}", EXAMPLES[_EXECUTION]
        trigger = EXAMPLES["google.devtools.cloudbuild.v1.BuildTrigger"] | {"name": name}
        yield "/v1/projects/local-project/triggers", trigger
    yield "/upload/storage/v1/b/alpha/o?uploadType=media&name=source.zip", _source()
    yield f"/v1/{_REGION}/functions", EXAMPLES["google.cloud.functions.v1.CloudFunction"]
    yield "/v1/projects/local-project/builds", EXAMPLES["google.devtools.cloudbuild.v1.Build"]


def _source():
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as folder:
        folder.writestr("main.py", "def main(event, context):\n    print(event)\n")
    return archive.getvalue()
