"""What the probe cannot see: fields that come back and have no effect here, and fields that are written later.

A field that is dropped without a note makes the page fail: no field of a request disappears in silence.
"""

# Written once there is something to say: when the resource ends, fails, pauses, has run.
LATER: dict[str, tuple[str, ...]] = {
    "Subscription": ("detached", "topicMessageRetentionDuration"),
    "Job": ("status", "scheduleTime", "lastAttemptTime"),
    "Build": (
        "statusDetail",
        "startTime",
        "finishTime",
        "sourceProvenance",
        "buildTriggerId",
        "timing",
        "approval",
        "warnings",
        "failureInfo",
    ),
    "BuildStep": ("timing", "pullTiming", "exitCode", "status"),
    "CloudFunction (v1)": ("versionId", "buildId"),
    "Function (v2)": ("stateMessages",),
    "PipelineJob": ("startTime", "endTime", "error", "scheduleName"),
    "Schedule": ("startedRunCount", "lastPauseTime", "lastResumeTime", "catchUp", "lastScheduledRunResponse"),
    "CustomJob": ("startTime", "endTime", "error"),
    "Context": ("parentContexts",),
}

_KEPT = ("partly", "kept and shown; without effect on one machine")
_ONE_MACHINE = ("no", "one machine has no such thing; never set")

# Resource → field path → (what is there: partly or no, why).
NOTES: dict[str, dict[str, tuple[str, str]]] = {
    "Topic": {"satisfiesPzs": _ONE_MACHINE},
    "Subscription": {"analyticsHubSubscriptionInfo": _ONE_MACHINE},
    "Schema": {"compiledProtoSchema": ("yes", "of PROTOCOL_BUFFER schemas, in the place of the definition")},
    "Job": {
        "attemptDeadline": ("yes", "of HTTP targets; Pub/Sub targets ignore it, as at Google"),
    },
    "Build": {
        "options.sourceProvenanceHash": _KEPT,
        "options.requestedVerifyOption": _KEPT,
        "options.machineType": ("partly", "sets the price that is told; steps run on this machine"),
        "options.diskSizeGb": _KEPT,
        "options.logStreamingOption": ("partly", "the log is always streamed"),
        "options.workerPool": ("partly", "kept and shown; builds run on this machine"),
        "options.pool": ("partly", "kept and shown; builds run on this machine"),
        "options.defaultLogsBucketBehavior": _KEPT,
        "options.enableStructuredLogging": _KEPT,
        "serviceAccount": ("partly", "kept and shown; access is not decided by it"),
        "secrets": ("partly", "there is no KMS: values come from the local secret provider by the variable's name"),
    },
    "CloudFunction (v1)": {
        "sourceUploadUrl": ("yes", "an address that GenerateUploadUrl gave, once something was uploaded there"),
        "buildName": ("no", "functions are not built by Cloud Build here"),
        "sourceToken": ("no", "there is no image to keep"),
        "automaticUpdatePolicy": _ONE_MACHINE,
        "onDeployUpdatePolicy": _ONE_MACHINE,
        "serviceAccountEmail": ("partly", "kept and shown; the function acts as itself"),
        **dict.fromkeys(
            (
                "network",
                "vpcConnector",
                "vpcConnectorEgressSettings",
                "ingressSettings",
                "kmsKeyName",
                "buildWorkerPool",
                "dockerRepository",
                "dockerRegistry",
                "buildServiceAccount",
                "httpsTrigger.securityLevel",
            ),
            _KEPT,
        ),
    },
    "Function (v2)": {
        "satisfiesPzs": _ONE_MACHINE,
        "buildConfig.build": ("no", "functions are not built by Cloud Build here"),
        "serviceConfig.revision": ("no", "there is one revision: the newest"),
        **dict.fromkeys(
            (
                "buildConfig.automaticUpdatePolicy",
                "buildConfig.onDeployUpdatePolicy",
                "buildConfig.sourceProvenance",
                "buildConfig.workerPool",
                "buildConfig.dockerRegistry",
                "buildConfig.dockerRepository",
                "buildConfig.serviceAccount",
                "serviceConfig.availableCpu",
                "serviceConfig.vpcConnector",
                "serviceConfig.vpcConnectorEgressSettings",
                "serviceConfig.ingressSettings",
                "serviceConfig.serviceAccountEmail",
                "serviceConfig.allTrafficOnLatestRevision",
                "serviceConfig.securityLevel",
                "serviceConfig.binaryAuthorizationPolicy",
                "eventTrigger.serviceAccountEmail",
                "eventTrigger.channel",
                "kmsKeyName",
            ),
            _KEPT,
        ),
    },
    "PipelineJob": {
        "runtimeConfig.inputArtifacts": ("yes", "of pipelines that take artifacts, by their ids in the metadata store"),
        "runtimeConfig.parameters": ("yes", "read as parameterValues, by schema 2.0.0; shown as those"),
        "serviceAccount": ("partly", "kept and shown; access is not decided by it"),
        **dict.fromkeys(
            (
                "encryptionSpec",
                "network",
                "reservedIpRanges",
                "pscInterfaceConfig",
                "templateMetadata",
                "preflightValidations",
            ),
            _KEPT,
        ),
    },
    "CustomJob": {
        "encryptionSpec": _KEPT,
        "webAccessUris": _ONE_MACHINE,
        "satisfiesPzs": _ONE_MACHINE,
        "satisfiesPzi": _ONE_MACHINE,
        **dict.fromkeys(
            (
                "jobSpec.serviceAccount",
                "jobSpec.network",
                "jobSpec.reservedIpRanges",
                "jobSpec.pscInterfaceConfig",
                "jobSpec.protectedArtifactLocationId",
                "jobSpec.enableWebAccess",
                "jobSpec.enableDashboardAccess",
                "jobSpec.models",
            ),
            _KEPT,
        ),
    },
    "Artifact": {"etag": ("no", "the last writer wins")},
    "Execution": {"etag": ("no", "the last writer wins")},
    "Context": {"etag": ("no", "the last writer wins")},
}
