"""Which permissions each request needs, as Google's documentation of access control says it. Data.

Method → (permission, what it is needed on). `project` is the project of the request; anything else is a field of the
request or a part of its path: `topic`, `subscription`, `bucket`. What depends on the content of a request, such as a
service account that is given to a resource, is in `principals`.

Sources: cloud.google.com/pubsub/docs/access-control, /scheduler/docs/access-control, /build/docs/iam-roles-permissions,
/functions/docs/reference/iam/permissions, /storage/docs/access-control/iam-json, /vertex-ai/docs/general/access-control,
/logging/docs/access-control, /iam/docs/roles-permissions.
"""

from collections.abc import Mapping

Needs = tuple[tuple[str, str], ...]


def _service(service: str, methods: Mapping[str, Needs]) -> dict[str, Needs]:
    return {f"{service}/{name}": needs for name, needs in methods.items()}


_PUBLISHER = _service("google.pubsub.v1.Publisher", {
    "CreateTopic": (("pubsub.topics.create", "project"),),
    "UpdateTopic": (("pubsub.topics.update", "topic.name"),),
    "Publish": (("pubsub.topics.publish", "topic"),),
    "GetTopic": (("pubsub.topics.get", "topic"),),
    "ListTopics": (("pubsub.topics.list", "project"),),
    "ListTopicSubscriptions": (("pubsub.topics.get", "topic"),),
    "ListTopicSnapshots": (("pubsub.topics.get", "topic"),),
    "DeleteTopic": (("pubsub.topics.delete", "topic"),),
    "DetachSubscription": (("pubsub.topics.detachSubscription", "project"),),  # on the topic, which the request does not name
})  # fmt: skip
_SUBSCRIBER = _service("google.pubsub.v1.Subscriber", {
    "CreateSubscription": (("pubsub.subscriptions.create", "project"), ("pubsub.topics.attachSubscription", "topic")),
    "GetSubscription": (("pubsub.subscriptions.get", "subscription"),),
    "UpdateSubscription": (("pubsub.subscriptions.update", "subscription.name"),),
    "ListSubscriptions": (("pubsub.subscriptions.list", "project"),),
    "DeleteSubscription": (("pubsub.subscriptions.delete", "subscription"),),
    "Pull": (("pubsub.subscriptions.consume", "subscription"),),
    "Acknowledge": (("pubsub.subscriptions.consume", "subscription"),),
    "ModifyAckDeadline": (("pubsub.subscriptions.consume", "subscription"),),
    "ModifyPushConfig": (("pubsub.subscriptions.update", "subscription"),),
    "Seek": (("pubsub.subscriptions.consume", "subscription"), ("pubsub.snapshots.seek", "snapshot")),
    "CreateSnapshot": (("pubsub.snapshots.create", "project"), ("pubsub.subscriptions.consume", "subscription")),
    "GetSnapshot": (("pubsub.snapshots.get", "snapshot"),),
    "ListSnapshots": (("pubsub.snapshots.list", "project"),),
    "UpdateSnapshot": (("pubsub.snapshots.update", "snapshot.name"),),
    "DeleteSnapshot": (("pubsub.snapshots.delete", "snapshot"),),
})  # fmt: skip
_SCHEMAS = _service("google.pubsub.v1.SchemaService", {
    "CreateSchema": (("pubsub.schemas.create", "project"),),
    "GetSchema": (("pubsub.schemas.get", "name"),),
    "ListSchemas": (("pubsub.schemas.list", "project"),),
    "ListSchemaRevisions": (("pubsub.schemas.listRevisions", "name"),),
    "CommitSchema": (("pubsub.schemas.commit", "name"),),
    "RollbackSchema": (("pubsub.schemas.rollback", "name"),),
    "DeleteSchemaRevision": (("pubsub.schemas.delete", "name"),),
    "DeleteSchema": (("pubsub.schemas.delete", "name"),),
    "ValidateSchema": (("pubsub.schemas.validate", "project"),),
    "ValidateMessage": (("pubsub.schemas.validate", "project"),),
})  # fmt: skip
_SCHEDULER = _service("google.cloud.scheduler.v1.CloudScheduler", {
    "CreateJob": (("cloudscheduler.jobs.create", "project"),),
    "GetJob": (("cloudscheduler.jobs.get", "project"),),
    "ListJobs": (("cloudscheduler.jobs.list", "project"),),
    "UpdateJob": (("cloudscheduler.jobs.update", "project"),),
    "DeleteJob": (("cloudscheduler.jobs.delete", "project"),),
    "PauseJob": (("cloudscheduler.jobs.pause", "project"),),
    "ResumeJob": (("cloudscheduler.jobs.enable", "project"),),
    "RunJob": (("cloudscheduler.jobs.run", "project"),),
})  # fmt: skip
# Triggers have no permissions of their own: they are read and written with those of builds.
_BUILDS = _service("google.devtools.cloudbuild.v1.CloudBuild", {
    "CreateBuild": (("cloudbuild.builds.create", "project"),),
    "GetBuild": (("cloudbuild.builds.get", "project"),),
    "ListBuilds": (("cloudbuild.builds.list", "project"),),
    "CancelBuild": (("cloudbuild.builds.update", "project"),),
    "RetryBuild": (("cloudbuild.builds.create", "project"),),
    "ApproveBuild": (("cloudbuild.builds.approve", "project"),),
    "CreateBuildTrigger": (("cloudbuild.builds.create", "project"),),
    "GetBuildTrigger": (("cloudbuild.builds.get", "project"),),
    "ListBuildTriggers": (("cloudbuild.builds.list", "project"),),
    "UpdateBuildTrigger": (("cloudbuild.builds.update", "project"),),
    "DeleteBuildTrigger": (("cloudbuild.builds.update", "project"),),
    "RunBuildTrigger": (("cloudbuild.builds.create", "project"),),
})  # fmt: skip
_FUNCTIONS_ALIKE: Mapping[str, Needs] = {  # in both generations
    "GenerateUploadUrl": (("cloudfunctions.functions.sourceCodeSet", "project"),),
    "CreateFunction": (
        ("cloudfunctions.functions.create", "project"), ("cloudfunctions.functions.sourceCodeSet", "project"),
    ),
    "UpdateFunction": (
        ("cloudfunctions.functions.update", "function.name"),
        ("cloudfunctions.functions.sourceCodeSet", "function.name"),
    ),
    "GetFunction": (("cloudfunctions.functions.get", "name"),),
    "ListFunctions": (("cloudfunctions.functions.list", "project"),),
    "DeleteFunction": (("cloudfunctions.functions.delete", "name"),),
}  # fmt: skip
_FUNCTIONS = _service("google.cloud.functions.v2.FunctionService", _FUNCTIONS_ALIKE)
_FUNCTIONS |= _service("google.cloud.functions.v1.CloudFunctionsService", {
    **_FUNCTIONS_ALIKE,
    "CallFunction": (("cloudfunctions.functions.call", "name"),),
    "GetIamPolicy": (("cloudfunctions.functions.getIamPolicy", "resource"),),
    "SetIamPolicy": (("cloudfunctions.functions.setIamPolicy", "resource"),),
})  # fmt: skip
_PIPELINES = _service("google.cloud.aiplatform.v1.PipelineService", {
    "CreatePipelineJob": (("aiplatform.pipelineJobs.create", "project"),),
    "GetPipelineJob": (("aiplatform.pipelineJobs.get", "project"),),
    "ListPipelineJobs": (("aiplatform.pipelineJobs.list", "project"),),
    "CancelPipelineJob": (("aiplatform.pipelineJobs.cancel", "project"),),
    "DeletePipelineJob": (("aiplatform.pipelineJobs.delete", "project"),),
})  # fmt: skip
_SCHEDULES = _service("google.cloud.aiplatform.v1.ScheduleService", {
    "CreateSchedule": (("aiplatform.schedules.create", "project"), ("aiplatform.pipelineJobs.create", "project")),
    "GetSchedule": (("aiplatform.schedules.get", "project"),),
    "ListSchedules": (("aiplatform.schedules.list", "project"),),
    "UpdateSchedule": (("aiplatform.schedules.update", "project"),),
    "PauseSchedule": (("aiplatform.schedules.update", "project"),),
    "ResumeSchedule": (("aiplatform.schedules.update", "project"),),
    "DeleteSchedule": (("aiplatform.schedules.delete", "project"),),
})  # fmt: skip
_STORAGE: dict[str, Needs] = {
    "storage.buckets.list": (("storage.buckets.list", "project"),),
    "storage.buckets.insert": (("storage.buckets.create", "project"),),
    "storage.buckets.get": (("storage.buckets.get", "bucket"),),
    "storage.buckets.patch": (("storage.buckets.update", "bucket"),),
    "storage.buckets.delete": (("storage.buckets.delete", "bucket"),),
    "storage.objects.list": (("storage.objects.list", "bucket"),),
    # an object that is there already is replaced, which is a deletion
    "storage.objects.insert": (("storage.objects.create", "bucket"), ("storage.objects.delete", "bucket")),
    "storage.objects.get": (("storage.objects.get", "bucket"),),
    "storage.objects.delete": (("storage.objects.delete", "bucket"),),
    "storage.objects.rewrite": (
        ("storage.objects.get", "sourceBucket"), ("storage.objects.create", "destinationBucket"),
        ("storage.objects.delete", "destinationBucket"),
    ),
    "storage.notifications.list": (("storage.buckets.get", "bucket"),),
    "storage.notifications.insert": (("storage.buckets.update", "bucket"),),
    "storage.notifications.get": (("storage.buckets.get", "bucket"),),
    "storage.notifications.delete": (("storage.buckets.update", "bucket"),),
}  # fmt: skip
# An operation is read with the right to read what it is about.
OPERATIONS: dict[str, Needs] = {
    "cloudbuild": (("cloudbuild.operations.get", "project"),),
    "cloudfunctions": (("cloudfunctions.operations.get", "project"),),
    "aiplatform": (("aiplatform.pipelineJobs.get", "project"),),
}
PERMISSIONS: dict[str, Needs] = {
    **_PUBLISHER, **_SUBSCRIBER, **_SCHEMAS, **_SCHEDULER, **_BUILDS, **_FUNCTIONS, **_PIPELINES, **_SCHEDULES,
    **_STORAGE,
    "google.logging.v2.LoggingServiceV2/ListLogEntries": (("logging.logEntries.list", "project"),),
    "google.cloud.resourcemanager.v3.Projects/GetProject": (("resourcemanager.projects.get", "project"),),
}  # fmt: skip

# The narrowest predefined role that has a permission: the longest beginning that fits decides.
ROLES: dict[str, str] = {
    "pubsub.topics.publish": "roles/pubsub.publisher",
    "pubsub.topics.get": "roles/pubsub.viewer",
    "pubsub.topics.list": "roles/pubsub.viewer",
    "pubsub.topics.attachSubscription": "roles/pubsub.subscriber",
    "pubsub.subscriptions.consume": "roles/pubsub.subscriber",
    "pubsub.subscriptions.get": "roles/pubsub.viewer",
    "pubsub.subscriptions.list": "roles/pubsub.viewer",
    "pubsub.snapshots.seek": "roles/pubsub.subscriber",
    "pubsub.snapshots.get": "roles/pubsub.viewer",
    "pubsub.snapshots.list": "roles/pubsub.viewer",
    "pubsub.schemas.get": "roles/pubsub.viewer",
    "pubsub.schemas.list": "roles/pubsub.viewer",
    "pubsub.schemas.validate": "roles/pubsub.viewer",
    "pubsub.": "roles/pubsub.editor",
    "cloudscheduler.jobs.get": "roles/cloudscheduler.viewer",
    "cloudscheduler.jobs.list": "roles/cloudscheduler.viewer",
    "cloudscheduler.jobs.run": "roles/cloudscheduler.jobRunner",
    "cloudscheduler.": "roles/cloudscheduler.admin",
    "cloudbuild.builds.get": "roles/cloudbuild.builds.viewer",
    "cloudbuild.builds.list": "roles/cloudbuild.builds.viewer",
    "cloudbuild.operations.": "roles/cloudbuild.builds.viewer",
    "cloudbuild.builds.approve": "roles/cloudbuild.builds.approver",
    "cloudbuild.": "roles/cloudbuild.builds.editor",
    "cloudfunctions.functions.get": "roles/cloudfunctions.viewer",
    "cloudfunctions.functions.list": "roles/cloudfunctions.viewer",
    "cloudfunctions.operations.": "roles/cloudfunctions.viewer",
    "cloudfunctions.functions.getIamPolicy": "roles/cloudfunctions.admin",
    "cloudfunctions.functions.setIamPolicy": "roles/cloudfunctions.admin",
    "cloudfunctions.functions.invoke": "roles/cloudfunctions.invoker",
    "cloudfunctions.": "roles/cloudfunctions.developer",
    "aiplatform.pipelineJobs.get": "roles/aiplatform.viewer",
    "aiplatform.pipelineJobs.list": "roles/aiplatform.viewer",
    "aiplatform.schedules.get": "roles/aiplatform.viewer",
    "aiplatform.schedules.list": "roles/aiplatform.viewer",
    "aiplatform.": "roles/aiplatform.user",
    "storage.objects.create": "roles/storage.objectCreator",
    "storage.objects.get": "roles/storage.objectViewer",
    "storage.objects.list": "roles/storage.objectViewer",
    "storage.objects.": "roles/storage.objectUser",
    "storage.buckets.": "roles/storage.admin",
    "logging.logEntries.list": "roles/logging.viewer",
    "logging.logEntries.create": "roles/logging.logWriter",
    "artifactregistry.repositories.downloadArtifacts": "roles/artifactregistry.reader",
    "artifactregistry.": "roles/artifactregistry.writer",
    "iam.serviceAccounts.actAs": "roles/iam.serviceAccountUser",
    "iam.serviceAccounts.getOpenIdToken": "roles/iam.serviceAccountOpenIdTokenCreator",
    "iam.serviceAccounts.getAccessToken": "roles/iam.serviceAccountTokenCreator",
    "resourcemanager.projects.get": "roles/browser",
    "run.routes.invoke": "roles/run.invoker",
    "eventarc.events.receiveEvent": "roles/eventarc.eventReceiver",
    "serviceusage.services.use": "roles/serviceusage.serviceUsageConsumer",
}

# Role → the roles whose permissions of this table it has as well.
COVERS: dict[str, frozenset[str]] = {
    "roles/pubsub.editor": frozenset(["roles/pubsub.publisher", "roles/pubsub.subscriber", "roles/pubsub.viewer"]),
    "roles/cloudscheduler.admin": frozenset(["roles/cloudscheduler.viewer", "roles/cloudscheduler.jobRunner"]),
    "roles/cloudbuild.builds.editor": frozenset(["roles/cloudbuild.builds.viewer"]),
    "roles/cloudbuild.builds.approver": frozenset(["roles/cloudbuild.builds.viewer"]),
    "roles/cloudfunctions.developer": frozenset(["roles/cloudfunctions.viewer"]),
    "roles/cloudfunctions.admin": frozenset(["roles/cloudfunctions.viewer", "roles/cloudfunctions.developer"]),
    "roles/aiplatform.user": frozenset(["roles/aiplatform.viewer"]),
    "roles/storage.objectUser": frozenset(["roles/storage.objectCreator", "roles/storage.objectViewer"]),
    "roles/storage.admin": frozenset(
        ["roles/storage.objectCreator", "roles/storage.objectViewer", "roles/storage.objectUser"]
    ),
    "roles/artifactregistry.writer": frozenset(["roles/artifactregistry.reader"]),
}


def role(permission: str) -> str:
    """Answer the narrowest predefined role that has a permission. Raises KeyError for one that is not listed."""
    fitting = [
        start for start in ROLES if permission == start or (start.endswith(".") and permission.startswith(start))
    ]
    return ROLES[max(fitting, key=len)] if fitting else ROLES[permission]
