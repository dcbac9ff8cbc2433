"""What follows from a request for others than its caller: accounts that are given, agents that act. Pure.

One function for each kind of resource that names, or works through, somebody else.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from trainshed.targets.requests import Call

CALLER = "caller"
NUMBER = "PROJECT_NUMBER"  # `gcloud projects describe PROJECT --format='value(projectNumber)'` says it
_BUILD = "google.devtools.cloudbuild.v1.CloudBuild"
FUNCTION = "google.cloud.functions.v1.CloudFunctionsService"
FUNCTION_SECOND = "google.cloud.functions.v2.FunctionService"
_BUILDING = (  # the image of a function
    "logging.logEntries.create", "artifactregistry.repositories.uploadArtifacts", "storage.objects.get",
)  # fmt: skip
# A function's requirement → what code that asks for it does with its own account; the widest use is meant.
RUN_TRIGGER = "run trigger"  # the function that stands for one, which is known to do no more
_REQUIREMENTS: dict[str, tuple[str, ...]] = {
    RUN_TRIGGER: ("aiplatform.pipelineJobs.create", "storage.objects.get", "iam.serviceAccounts.actAs"),
    "google-cloud-aiplatform": (
        "aiplatform.pipelineJobs.create", "aiplatform.pipelineJobs.get", "storage.objects.get",
        "storage.objects.create", "iam.serviceAccounts.actAs",
    ),
    "google-cloud-build": ("cloudbuild.builds.create", "cloudbuild.builds.get"),
    "google-cloud-pubsub": ("pubsub.topics.publish",),
    "google-cloud-storage": ("storage.objects.get", "storage.objects.create", "storage.objects.list"),
}  # fmt: skip


@dataclass(frozen=True, kw_only=True, order=True)
class Need:
    """One permission that somebody needs on something."""

    principal: str  # caller, or serviceAccount:EMAIL
    permission: str
    resource: str  # projects/P, projects/P/topics/T, gs://BUCKET, EMAIL of a service account
    why: str = ""


def _agent(service: str) -> str:
    return f"serviceAccount:service-{NUMBER}@{service}.iam.gserviceaccount.com"


def _account(email: str) -> str:
    return f"serviceAccount:{email}"


def _default_account() -> str:
    return f"{NUMBER}-compute@developer.gserviceaccount.com"


def _subscription(call: Call, project: str) -> Iterator[Need]:
    """Say what Pub/Sub's own agent needs for pushing with a token, and for dead letters."""
    document = call.body.get("subscription", call.body)
    agent = _agent("gcp-sa-pubsub")
    token = document.get("pushConfig", {}).get("oidcToken", {})
    if email := token.get("serviceAccountEmail"):
        why = f"makes the token of what is pushed by {call.path.rpartition('/')[2]}"
        yield Need(principal=CALLER, permission="iam.serviceAccounts.actAs", resource=email, why="gives it to a push")
        yield Need(principal=agent, permission="iam.serviceAccounts.getOpenIdToken", resource=email, why=why)
        yield Need(
            principal=_account(email),
            permission="run.routes.invoke",
            resource=f"projects/{project}",
            why="is pushed to",
        )
    if topic := document.get("deadLetterPolicy", {}).get("deadLetterTopic"):
        name = document.get("name") or call.path.removeprefix("/v1/")
        yield Need(principal=agent, permission="pubsub.topics.publish", resource=topic, why="publishes dead letters")
        why = "acknowledges what became a dead letter"
        yield Need(principal=agent, permission="pubsub.subscriptions.consume", resource=name, why=why)


def _schedule(call: Call, project: str) -> Iterator[Need]:  # noqa: ARG001  (the same signature for all)
    """Say what Cloud Scheduler's agent needs to publish, or to call as the account that a schedule names."""
    agent = _agent("gcp-sa-cloudscheduler")
    if topic := call.body.get("pubsubTarget", {}).get("topicName"):
        yield Need(principal=agent, permission="pubsub.topics.publish", resource=topic, why="publishes at due times")
    target = call.body.get("httpTarget", {})
    for kind, permission in (("oidcToken", "getOpenIdToken"), ("oauthToken", "getAccessToken")):
        if email := target.get(kind, {}).get("serviceAccountEmail"):
            yield Need(
                principal=CALLER, permission="iam.serviceAccounts.actAs", resource=email, why="gives it to a schedule"
            )
            yield Need(
                principal=agent,
                permission=f"iam.serviceAccounts.{permission}",
                resource=email,
                why="calls with its token",
            )


def _notification(call: Call, project: str) -> Iterator[Need]:  # noqa: ARG001  (the same signature for all)
    topic = str(call.body.get("topic", "")).removeprefix("//pubsub.googleapis.com/")
    agent = _agent("gs-project-accounts")
    yield Need(
        principal=agent, permission="pubsub.topics.publish", resource=topic, why="announces changes of the bucket"
    )


def _build(call: Call, project: str) -> Iterator[Need]:
    """Say what a build's account needs around its steps; what these do is theirs to say."""
    document = call.body.get("build", call.body)
    email = str(document.get("serviceAccount", "")).rpartition("/")[2] or _default_account()
    build = _account(email)
    yield Need(principal=CALLER, permission="iam.serviceAccounts.actAs", resource=email, why="runs a build as it")
    yield Need(
        principal=build, permission="logging.logEntries.create", resource=f"projects/{project}", why="logs of the build"
    )
    if source := document.get("source", {}).get("storageSource"):
        where = f"gs://{source['bucket']}"
        yield Need(principal=build, permission="storage.objects.get", resource=where, why="source of the build")
    logs = str(document.get("logsBucket", ""))
    where = f"gs://{logs.removeprefix('gs://').partition('/')[0]}" if logs else f"projects/{project}"
    yield Need(principal=build, permission="storage.objects.create", resource=where, why="log of the build")
    if location := document.get("artifacts", {}).get("objects", {}).get("location"):
        where = "gs://" + str(location).removeprefix("gs://").partition("/")[0]
        yield Need(principal=build, permission="storage.objects.create", resource=where, why="artifacts of the build")
    if document.get("images"):
        permission = "artifactregistry.repositories.uploadArtifacts"
        yield Need(principal=build, permission=permission, resource=f"projects/{project}", why="pushes images")


def _trigger(call: Call, project: str) -> Iterator[Need]:
    email = str(call.body.get("serviceAccount", "")).rpartition("/")[2] or _default_account()
    yield Need(principal=CALLER, permission="iam.serviceAccounts.actAs", resource=email, why="runs builds as it")
    yield Need(
        principal=_account(email), permission="logging.logEntries.create", resource=f"projects/{project}",
        why="logs of triggered builds",
    )  # fmt: skip


def _function(call: Call, project: str) -> Iterator[Need]:
    """Say what it takes to build the source and to give the function an account."""
    email = call.body.get("serviceAccountEmail") or f"{project}@appspot.gserviceaccount.com"
    builder = _account(_default_account())
    yield Need(principal=CALLER, permission="iam.serviceAccounts.actAs", resource=email, why="gives it to a function")
    for permission in _BUILDING:
        yield Need(principal=builder, permission=permission, resource=f"projects/{project}", why="builds the function")


def _function_second(call: Call, project: str) -> Iterator[Need]:
    """Say what a function of the second generation needs: it is a Cloud Run service that Eventarc calls."""
    email = _email_second(call.body)
    builder, where = _account(_default_account()), f"projects/{project}"
    yield Need(principal=CALLER, permission="iam.serviceAccounts.actAs", resource=email, why="gives it to a function")
    for permission in _BUILDING:
        yield Need(principal=builder, permission=permission, resource=where, why="builds the function")
    trigger = call.body.get("eventTrigger", {})
    if trigger:
        caller = _account(str(trigger.get("serviceAccountEmail") or _default_account()))
        yield Need(
            principal=caller, permission="run.routes.invoke", resource=where, why="brings events to the function"
        )
        yield Need(principal=caller, permission="eventarc.events.receiveEvent", resource=where, why="brings events")
    if trigger.get("eventFilters"):
        agent = _agent("gs-project-accounts")
        yield Need(
            principal=agent, permission="pubsub.topics.publish", resource=where, why="announces changes of the bucket"
        )


def _email_second(document: Mapping[str, Any]) -> str:
    return str(document.get("serviceConfig", {}).get("serviceAccountEmail") or _default_account())


def of_code(document: Mapping[str, Any], project: str, packages: Iterable[str]) -> Iterator[Need]:
    """Say what a function's own account needs for what its code asks for."""
    is_second = "serviceConfig" in document
    first = document.get("serviceAccountEmail") or f"{project}@appspot.gserviceaccount.com"
    email = _email_second(document) if is_second else first
    for package in packages:
        for permission in _REQUIREMENTS.get(package, ()):
            is_account = permission == "iam.serviceAccounts.actAs"
            resource = _default_account() if is_account else f"projects/{project}"
            why = f"code of {document['name'].rpartition('/')[2]} ({package})"
            yield Need(principal=_account(email), permission=permission, resource=resource, why=why)


def _pipeline(call: Call, project: str) -> Iterator[Need]:
    """Say what the account of a run needs, as which its tasks run and keep what they make."""
    email = call.body.get("serviceAccount") or _default_account()
    yield Need(principal=CALLER, permission="iam.serviceAccounts.actAs", resource=email, why="runs tasks as it")
    root = str(call.body.get("runtimeConfig", {}).get("gcsOutputDirectory", ""))
    bucket = "gs://" + root.removeprefix("gs://").partition("/")[0]
    account, where = _account(email), f"projects/{project}"
    for verb in ("create", "get", "list"):
        yield Need(principal=account, permission=f"storage.objects.{verb}", resource=bucket, why="artifacts of tasks")
    for permission in ("aiplatform.customJobs.create", "aiplatform.metadataStores.get", "aiplatform.executions.create"):
        yield Need(
            principal=account, permission=permission, resource=where, why="runs tasks and records what they made"
        )
    yield Need(principal=account, permission="logging.logEntries.create", resource=where, why="logs of tasks")
    if any("-docker.pkg.dev/" in image for image in _images(call.body.get("pipelineSpec", {}))):
        permission = "artifactregistry.repositories.downloadArtifacts"
        yield Need(principal=account, permission=permission, resource=where, why="images of tasks")


def _images(spec: Mapping[str, Any]) -> Iterator[str]:
    for executor in spec.get("deploymentSpec", {}).get("executors", {}).values():
        yield str(executor.get("container", {}).get("image", ""))


FOLLOWS: dict[str, Callable[[Call, str], Iterator[Need]]] = {
    "google.pubsub.v1.Subscriber/CreateSubscription": _subscription,
    "google.pubsub.v1.Subscriber/UpdateSubscription": _subscription,
    "google.pubsub.v1.Subscriber/ModifyPushConfig": _subscription,
    "google.cloud.scheduler.v1.CloudScheduler/CreateJob": _schedule,
    "google.cloud.scheduler.v1.CloudScheduler/UpdateJob": _schedule,
    "storage.notifications.insert": _notification,
    f"{_BUILD}/CreateBuild": _build,
    f"{_BUILD}/CreateBuildTrigger": _trigger,
    f"{_BUILD}/UpdateBuildTrigger": _trigger,
    f"{FUNCTION}/CreateFunction": _function,
    f"{FUNCTION}/UpdateFunction": _function,
    f"{FUNCTION_SECOND}/CreateFunction": _function_second,
    f"{FUNCTION_SECOND}/UpdateFunction": _function_second,
    "google.cloud.aiplatform.v1.PipelineService/CreatePipelineJob": _pipeline,
}
