"""The resources whose fields are tried: how each is made and read again, and values that its fields take."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from faults.surface.examples import EXAMPLES

PROJECT = "projects/local-project"
REGION = f"{PROJECT}/locations/us-central1"
_PUBSUB, _VERTEX = "google.pubsub.v1", "google.cloud.aiplatform.v1"
_V1, _V2 = "google.cloud.functions.v1", "google.cloud.functions.v2"
_BUILD = "google.devtools.cloudbuild.v1"
_SECRETS = {"secretManager": [{"versionName": f"{PROJECT}/secrets/s/versions/latest", "env": "S"}]}
_STEP = {"name": "bash", "args": ["-c", "true"]}
_ENCRYPTION = {"kmsKeyName": f"{REGION}/keyRings/r/cryptoKeys/k"}


@dataclass(frozen=True, kw_only=True)
class Resource:
    """One kind of resource. `make` answers verb, path and body of a request that makes one with an identifier."""

    message: str
    make: Callable[[str, dict[str, Any]], tuple[str, str, dict[str, Any]]]
    read: str  # path, with {id}, or with {name} for what the answer to the making names
    example: dict[str, Any]
    output: tuple[str, ...] = ()  # fields that only the server writes
    values: dict[str, Any] = field(default_factory=dict)  # by field path, where a made-up value would say nothing
    beside: dict[str, dict[str, Any]] = field(
        default_factory=dict
    )  # what else the request needs, or (None) must not have

    @property
    def title(self) -> str:
        """The short name of the message, with its version where there are two."""
        *_, version, name = self.message.split(".")
        return f"{name} ({version})" if "functions" in self.message else name


def _named(path: str) -> Callable[[str, dict[str, Any]], tuple[str, str, dict[str, Any]]]:
    return lambda identifier, document: ("PUT", f"/v1/{PROJECT}/{path}/{identifier}", document)


def _posted(path: str) -> Callable[[str, dict[str, Any]], tuple[str, str, dict[str, Any]]]:
    return lambda identifier, document: ("POST", path.format(id=identifier), document)


def _own_name(path: str, collection: str) -> Callable[[str, dict[str, Any]], tuple[str, str, dict[str, Any]]]:
    return lambda identifier, document: ("POST", path, document | {"name": f"{REGION}/{collection}/{identifier}"})


def _around(step: dict[str, Any]) -> dict[str, Any]:
    """Answer a build in which a step may have anything."""
    first = {"name": "bash", "id": "a", "args": ["-c", "true"], "volumes": step.get("volumes", [])}
    return {"steps": [first, step]} | ({"availableSecrets": _SECRETS} if "secretEnv" in step else {})


def _example(message: str, *without: str) -> dict[str, Any]:
    return {name: value for name, value in EXAMPLES[message].items() if name not in {"name", *without}}


RESOURCES = (
    Resource(
        message=f"{_PUBSUB}.Topic",
        make=_named("topics"),
        read=f"/v1/{PROJECT}/topics/{{id}}",
        example={},
        output=("name", "satisfiesPzs", "state"),
        values={
            "schemaSettings": {"schema": f"{PROJECT}/schemas/alpha", "encoding": "JSON"},
            "schemaSettings.schema": f"{PROJECT}/schemas/alpha",
            "messageRetentionDuration": "600s",
            "messageStoragePolicy": {"allowedPersistenceRegions": ["us-central1"]},
            "ingestionDataSourceSettings": {"awsKinesis": {"streamArn": "a", "consumerArn": "b"}},
        },
    ),
    Resource(
        message=f"{_PUBSUB}.Subscription",
        make=_named("subscriptions"),
        read=f"/v1/{PROJECT}/subscriptions/{{id}}",
        example={"topic": f"{PROJECT}/topics/alpha"},
        output=("name", "detached", "state", "topicMessageRetentionDuration", "analyticsHubSubscriptionInfo"),
        values={
            "topic": f"{PROJECT}/topics/alpha",
            "ackDeadlineSeconds": 30,
            "messageRetentionDuration": "700s",
            "filter": 'attributes.k = "v"',
            "pushConfig": {"pushEndpoint": "http://127.0.0.1:9/x"},
            "pushConfig.pushEndpoint": "http://127.0.0.1:9/x",
            "pushConfig.oidcToken": {"serviceAccountEmail": "a@b.c", "audience": "d"},
            "pushConfig.noWrapper": {"writeMetadata": True},
            "pushConfig.attributes": {"x-goog-version": "v1"},
            "deadLetterPolicy": {"deadLetterTopic": f"{PROJECT}/topics/beta", "maxDeliveryAttempts": 7},
            "deadLetterPolicy.deadLetterTopic": f"{PROJECT}/topics/beta",
            "deadLetterPolicy.maxDeliveryAttempts": 7,
            "retryPolicy.minimumBackoff": "11s",
            "retryPolicy.maximumBackoff": "500s",
            "expirationPolicy": {"ttl": "100000s"},
            "expirationPolicy.ttl": "100000s",
            "bigqueryConfig": {"table": "p.d.t"},
            "cloudStorageConfig": {"bucket": "alpha"},
        },
    ),
    Resource(
        message=f"{_PUBSUB}.Schema",
        make=_posted(f"/v1/{PROJECT}/schemas?schemaId={{id}}"),
        read=f"/v1/{PROJECT}/schemas/{{id}}",
        example=_example(f"{_PUBSUB}.Schema"),
        output=("name", "revisionId", "revisionCreateTime"),
        values={"definition": EXAMPLES[f"{_PUBSUB}.Schema"]["definition"], "type": "AVRO"},
    ),
    Resource(
        message="google.cloud.scheduler.v1.Job",
        make=_own_name(f"/v1/{REGION}/jobs", "jobs"),
        read=f"/v1/{REGION}/jobs/{{id}}",
        example=_example("google.cloud.scheduler.v1.Job"),
        output=("name", "userUpdateTime", "state", "status", "scheduleTime", "lastAttemptTime"),
        values={
            "schedule": "1 2 3 4 *",
            "timeZone": "Europe/Berlin",
            "attemptDeadline": "60s",
            "pubsubTarget": {"topicName": f"{PROJECT}/topics/alpha", "data": "eA=="},
            "pubsubTarget.topicName": f"{PROJECT}/topics/beta",
            "httpTarget": {"uri": "https://aiplatform.googleapis.com/x", "httpMethod": "POST"},
            "httpTarget.uri": "http://127.0.0.1:9/y",
            "httpTarget.body": "eA==",
            "httpTarget.oidcToken": {"serviceAccountEmail": "a@b.c", "audience": "d"},
            "httpTarget.oauthToken": {
                "serviceAccountEmail": "a@b.c",
                "scope": "https://www.googleapis.com/auth/cloud-platform",
            },
            "appEngineHttpTarget": {"relativeUri": "/x"},
            "retryConfig": {"retryCount": 3},
            "retryConfig.retryCount": 3,
            "retryConfig.maxRetryDuration": "100s",
            "retryConfig.minBackoffDuration": "6s",
            "retryConfig.maxBackoffDuration": "1000s",
            "retryConfig.maxDoublings": 4,
        },
    ),
    Resource(
        message=f"{_BUILD}.Build",
        make=_posted(f"/v1/{PROJECT}/builds"),
        read=f"/v1/{PROJECT}/builds/{{build}}",
        example={"steps": [{"name": "bash", "args": ["-c", "true"]}]},
        output=(
            "name",
            "id",
            "projectId",
            "status",
            "statusDetail",
            "results",
            "createTime",
            "startTime",
            "finishTime",
            "sourceProvenance",
            "buildTriggerId",
            "logUrl",
            "timing",
            "approval",
            "warnings",
            "failureInfo",
        ),
        values={
            "steps": [{"name": "bash", "args": ["-c", "true"]}],
            "source": {"storageSource": {"bucket": "alpha", "object": "source.zip"}},
            "source.storageSource": {"bucket": "alpha", "object": "source.zip"},
            "source.repoSource": {"repoName": "r", "branchName": "main"},
            "source.gitSource": {"url": "https://127.0.0.1:9/r.git"},
            "source.connectedRepository": {"repository": f"{REGION}/connections/c/repositories/r"},
            "source.storageSourceManifest": {"bucket": "alpha", "object": "m.json"},
            "timeout": "77s",
            "queueTtl": "88s",
            "images": ["alpha:latest"],
            "artifacts": {"objects": {"location": "gs://alpha/out/", "paths": ["*.txt"]}},
            "artifacts.images": ["alpha:latest"],
            "artifacts.objects": {"location": "gs://alpha/out/", "paths": ["*.txt"]},
            "artifacts.mavenArtifacts": [
                {"repository": "https://x", "path": "a.jar", "artifactId": "a", "groupId": "g", "version": "1"}
            ],
            "artifacts.pythonPackages": [{"repository": "https://x", "paths": ["*.whl"]}],
            "artifacts.npmPackages": [{"repository": "https://x", "packagePath": "."}],
            "artifacts.goModules": [{"repositoryName": "r", "modulePath": "m", "moduleVersion": "v1"}],
            "artifacts.genericArtifacts": [{"folder": "f", "registryPath": "r"}],
            "logsBucket": "gs://alpha",
            "substitutions": {"_UNUSED": "x"},
            "secrets": [{"kmsKeyName": _ENCRYPTION["kmsKeyName"], "secretEnv": {"S": "eA=="}}],
            "availableSecrets": {
                "secretManager": [{"versionName": f"{PROJECT}/secrets/s/versions/latest", "env": "S"}]
            },
            "availableSecrets.secretManager": [{"versionName": f"{PROJECT}/secrets/s/versions/latest", "env": "S"}],
            "availableSecrets.inline": [{"kmsKeyName": _ENCRYPTION["kmsKeyName"], "envMap": {"T": "eA=="}}],
            "serviceAccount": f"{PROJECT}/serviceAccounts/a@b.c",
            "options.env": ["A=b"],
            "options.secretEnv": ["S"],
            "options.volumes": [{"name": "vol", "path": "/vol"}],
            "options.pool": {"name": f"{REGION}/workerPools/p"},
            "options.workerPool": f"{REGION}/workerPools/p",
            "options.machineType": "E2_HIGHCPU_8",
            "options.diskSizeGb": 200,
            "options.logging": "GCS_ONLY",
            "options.sourceProvenanceHash": ["SHA256"],
            "gitConfig": {"http": {"proxySecretVersionName": f"{PROJECT}/secrets/s/versions/1"}},
            "dependencies": [{"gitSource": {"repository": {"url": "https://127.0.0.1:9/r.git"}, "destPath": "x"}}],
        },
        beside={
            "availableSecrets": {"steps": [_STEP | {"secretEnv": ["S"]}]},
            "availableSecrets.inline": {"steps": [_STEP | {"secretEnv": ["S", "T"]}]},
            "secrets": {"steps": [_STEP | {"secretEnv": ["S"]}]},
            "options.secretEnv": {"availableSecrets": _SECRETS},
            "options.volumes": {"steps": [_STEP, _STEP]},
            "substitutions": {"options": {"substitutionOption": "ALLOW_LOOSE"}},
        },
    ),
    Resource(
        message=f"{_BUILD}.BuildStep",
        make=lambda _, step: ("POST", f"/v1/{PROJECT}/builds", _around(step)),
        read=f"/v1/{PROJECT}/builds/{{build}}",
        example={"name": "bash", "args": ["-c", "true"]},
        output=("timing", "pullTiming", "status", "exitCode", "results"),
        values={
            "name": "python",
            "args": ["--version"],
            "env": ["A=b"],
            "id": "second",
            "waitFor": ["a"],
            "dir": "sub",
            "entrypoint": "bash",
            "secretEnv": ["S"],
            "volumes": [{"name": "vol", "path": "/vol"}],
            "timeout": "30s",
            "allowExitCodes": [3],
            "script": "true",
        },
        beside={"script": {"args": None}},
    ),
    Resource(
        message=f"{_BUILD}.BuildTrigger",
        make=lambda identifier, document: ("POST", f"/v1/{PROJECT}/triggers", document | {"name": identifier}),
        read=f"/v1/{PROJECT}/triggers/{{answered}}",
        example={
            "build": {"steps": [{"name": "bash", "args": ["-c", "true"]}]},
            "sourceToBuild": {"uri": "https://127.0.0.1:9/r.git", "ref": "refs/heads/main", "repoType": "GITHUB"},
        },
        output=("resourceName", "id", "createTime"),
        values={
            "triggerTemplate": {"repoName": "r", "branchName": "main"},
            "github": {"owner": "o", "name": "n", "push": {"branch": "^main$"}},
            "pubsubConfig": {"topic": f"{PROJECT}/topics/alpha"},
            "pubsubConfig.topic": f"{PROJECT}/topics/beta",
            "webhookConfig.secret": f"{PROJECT}/secrets/s/versions/1",
            "webhookConfig": {"secret": f"{PROJECT}/secrets/s/versions/1"},
            "repositoryEventConfig": {
                "repository": f"{REGION}/connections/c/repositories/r",
                "push": {"branch": "^main$"},
            },
            "developerConnectEventConfig": {"gitRepositoryLink": "x", "push": {"branch": "^main$"}},
            "sourceToBuild": {"uri": "https://127.0.0.1:9/r.git", "ref": "refs/heads/main", "repoType": "GITHUB"},
            "gitFileSource": {
                "path": "cloudbuild.yaml",
                "uri": "https://127.0.0.1:9/r.git",
                "revision": "refs/heads/main",
                "repoType": "GITHUB",
            },
            "build": {"steps": [{"name": "bash", "args": ["-c", "true"]}]},
            "filename": "cloudbuild.yaml",
            "substitutions": {"_X": "y"},
            "ignoredFiles": ["docs/**"],
            "includedFiles": ["src/**"],
            "filter": "true",
            "approvalConfig": {"approvalRequired": True},
            "serviceAccount": f"{PROJECT}/serviceAccounts/a@b.c",
            "includeBuildLogs": "INCLUDE_BUILD_LOGS_WITH_STATUS",
        },
    ),
    Resource(
        message=f"{_V1}.CloudFunction",
        make=_own_name(f"/v1/{REGION}/functions", "functions"),
        read=f"/v1/{REGION}/functions/{{id}}",
        example=_example(f"{_V1}.CloudFunction"),
        output=(
            "name",
            "status",
            "updateTime",
            "versionId",
            "buildId",
            "buildName",
            "sourceToken",
            "automaticUpdatePolicy",
            "onDeployUpdatePolicy",
        ),
        values={
            "sourceArchiveUrl": "gs://alpha/source.zip",
            "sourceRepository": {"url": "https://source.developers.google.com/projects/p/repos/r"},
            "sourceUploadUrl": "https://storage.googleapis.com/alpha/source.zip",
            "httpsTrigger": {"securityLevel": "SECURE_ALWAYS"},
            "eventTrigger": {"eventType": "google.pubsub.topic.publish", "resource": f"{PROJECT}/topics/alpha"},
            "eventTrigger.eventType": "google.pubsub.topic.publish",
            "eventTrigger.resource": f"{PROJECT}/topics/beta",
            "eventTrigger.service": "pubsub.googleapis.com",
            "eventTrigger.failurePolicy": {"retry": {}},
            "entryPoint": "main",
            "runtime": "python311",
            "timeout": "55s",
            "availableMemoryMb": 512,
            "serviceAccountEmail": "a@b.c",
            "vpcConnector": f"{REGION}/connectors/c",
            "secretEnvironmentVariables": [{"key": "S", "secret": "s", "version": "latest"}],
            "secretVolumes": [{"mountPath": "/s", "secret": "s"}],
        },
    ),
    Resource(
        message=f"{_V2}.Function",
        make=_posted(f"/v2/{REGION}/functions?functionId={{id}}"),
        read=f"/v2/{REGION}/functions/{{id}}",
        example=_example(f"{_V2}.Function"),
        output=("name", "state", "updateTime", "stateMessages", "url", "satisfiesPzs", "createTime"),
        values={
            "environment": "GEN_2",
            "buildConfig.runtime": "python311",
            "buildConfig.entryPoint": "main",
            "buildConfig.source": {"storageSource": {"bucket": "alpha", "object": "source.zip"}},
            "buildConfig": EXAMPLES[f"{_V2}.Function"]["buildConfig"],
            "eventTrigger": EXAMPLES[f"{_V2}.Function"]["eventTrigger"],
            "serviceConfig.availableMemory": "512M",
            "serviceConfig.availableCpu": "1",
            "serviceConfig.timeoutSeconds": 77,
            "serviceConfig.secretEnvironmentVariables": [
                {"key": "S", "projectId": "local-project", "secret": "s", "version": "latest"}
            ],
            "serviceConfig.secretVolumes": [{"mountPath": "/s", "projectId": "local-project", "secret": "s"}],
            "serviceConfig.vpcConnector": f"{REGION}/connectors/c",
            "serviceConfig.serviceAccountEmail": "a@b.c",
            "eventTrigger.eventType": "google.cloud.pubsub.topic.v1.messagePublished",
            "eventTrigger.pubsubTopic": f"{PROJECT}/topics/beta",
            "eventTrigger.retryPolicy": "RETRY_POLICY_RETRY",
            "eventTrigger.serviceAccountEmail": "a@b.c",
            "eventTrigger.triggerRegion": "us-central1",
            "eventTrigger.eventFilters": [
                {"attribute": "type", "value": "google.cloud.pubsub.topic.v1.messagePublished"}
            ],
        },
    ),
    Resource(
        message=f"{_VERTEX}.PipelineJob",
        make=_posted(f"/v1/{REGION}/pipelineJobs?pipelineJobId={{id}}"),
        read=f"/v1/{REGION}/pipelineJobs/{{id}}",
        example=_example(f"{_VERTEX}.PipelineJob"),
        output=(
            "name",
            "createTime",
            "startTime",
            "endTime",
            "updateTime",
            "state",
            "jobDetail",
            "error",
            "scheduleName",
        ),
        values={
            "pipelineSpec": EXAMPLES[f"{_VERTEX}.PipelineJob"]["pipelineSpec"],
            "encryptionSpec": _ENCRYPTION,
            "serviceAccount": "a@b.c",
            "network": f"{PROJECT}/global/networks/n",
            "runtimeConfig": {"gcsOutputDirectory": "gs://alpha/root", "parameterValues": {"epochs": 4}},
            "runtimeConfig.gcsOutputDirectory": "gs://alpha/root",
            "runtimeConfig.parameterValues": {"epochs": 4},
            "runtimeConfig.parameters": {"epochs": {"intValue": "4"}},
            "runtimeConfig.failurePolicy": "PIPELINE_FAILURE_POLICY_FAIL_FAST",
            "runtimeConfig.inputArtifacts": {"x": {"artifactId": "alpha"}},
            "runtimeConfig.defaultRuntime": {"persistentResourceRuntimeDetail": {"persistentResourceName": "p"}},
            "templateUri": "https://us-kfp.pkg.dev/p/r/t/v1",
            "templateMetadata": {"version": "sha256:1"},
        },
    ),
    Resource(
        message=f"{_VERTEX}.Schedule",
        make=_posted(f"/v1/{REGION}/schedules"),
        read="/v1/{name}",
        example=_example(f"{_VERTEX}.Schedule"),
        output=(
            "name",
            "startedRunCount",
            "state",
            "createTime",
            "updateTime",
            "nextRunTime",
            "lastPauseTime",
            "lastResumeTime",
            "lastScheduledRunResponse",
            "catchUp",
        ),
        values={
            "cron": "TZ=Europe/Berlin 1 2 * * *",
            "startTime": "2030-01-01T00:00:00Z",
            "endTime": "2031-01-01T00:00:00Z",
            "maxRunCount": "7",
            "maxConcurrentRunCount": "2",
            "createPipelineJobRequest": EXAMPLES[f"{_VERTEX}.Schedule"]["createPipelineJobRequest"],
            "createPipelineJobRequest.parent": REGION,
            "createPipelineJobRequest.pipelineJob": EXAMPLES[f"{_VERTEX}.PipelineJob"],
            "createNotebookExecutionJobRequest": {"parent": REGION, "notebookExecutionJob": {"displayName": "n"}},
        },
    ),
    Resource(
        message=f"{_VERTEX}.CustomJob",
        make=_posted(f"/v1/{REGION}/customJobs"),
        read="/v1/{name}",
        example=_example(f"{_VERTEX}.CustomJob"),
        output=("name", "state", "createTime", "startTime", "endTime", "updateTime", "error", "webAccessUris"),
        values={
            "jobSpec": EXAMPLES[f"{_VERTEX}.CustomJob"]["jobSpec"],
            "jobSpec.workerPoolSpecs": EXAMPLES[f"{_VERTEX}.CustomJob"]["jobSpec"]["workerPoolSpecs"],
            "jobSpec.baseOutputDirectory": {"outputUriPrefix": "gs://alpha/out"},
            "jobSpec.scheduling": {"timeout": "100s"},
            "jobSpec.serviceAccount": "a@b.c",
            "jobSpec.network": f"{PROJECT}/global/networks/n",
            "jobSpec.tensorboard": f"{REGION}/tensorboards/1",
            "jobSpec.experiment": f"{REGION}/metadataStores/default/contexts/alpha",
            "encryptionSpec": _ENCRYPTION,
        },
    ),
    *(
        Resource(
            message=f"{_VERTEX}.{kind}",
            make=_posted(f"/v1/{REGION}/metadataStores/default/{kind.lower()}s?{kind.lower()}Id={{id}}"),
            read=f"/v1/{REGION}/metadataStores/default/{kind.lower()}s/{{id}}",
            example=_example(f"{_VERTEX}.{kind}"),
            output=("name", "createTime", "updateTime", "parentContexts"),
            values={"schemaTitle": title, "schemaVersion": "0.0.1", "state": state, "etag": "x", "uri": "gs://alpha/m"},
        )
        for kind, title, state in (
            ("Artifact", "system.Model", "LIVE"),
            ("Execution", "system.Run", "COMPLETE"),
            ("Context", "system.Experiment", ""),
        )
    ),
)
