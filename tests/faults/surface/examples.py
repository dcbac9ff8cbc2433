"""Whole requests to begin with: broken ones that differ in one place get further than random ones."""

_TOPIC = "projects/local-project/topics/alpha"
_REGION = "projects/local-project/locations/us-central1"
_SPEC = {
    "components": {"comp-say": {"executorLabel": "exec-say"}},
    "deploymentSpec": {
        "executors": {"exec-say": {"container": {"image": "alpha:latest", "command": ["true"], "args": []}}}
    },
    "pipelineInfo": {"name": "alpha"},
    "root": {
        "dag": {"tasks": {"say": {"componentRef": {"name": "comp-say"}, "taskInfo": {"name": "say"}}}},
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
            {"id": "second", "name": "bash", "script": "echo $_X", "waitFor": ["first"], "env": ["A=B"]},
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
                    "containerSpec": {"imageUri": "alpha:latest", "command": ["true"], "args": ["x"]},
                }
            ]
        },
    },
    "google.cloud.aiplatform.v1.Artifact": {
        "displayName": "alpha",
        "uri": "gs://alpha/model",
        "schemaTitle": "system.Model",
        "schemaVersion": "0.0.1",
        "metadata": {"accuracy": 0.9},
    },
    "google.cloud.aiplatform.v1.Execution": {"displayName": "alpha", "schemaTitle": "system.Run", "state": "RUNNING"},
    "google.cloud.aiplatform.v1.Context": {"displayName": "alpha", "schemaTitle": "system.Experiment"},
}
