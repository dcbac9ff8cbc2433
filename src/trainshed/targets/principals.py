"""Who needs which permission for a list of requests: the caller, service accounts, Google's service agents. Pure.

What a request needs of its caller is in `permissions`; what follows from its content is here, one function for each
kind of resource. Everything is the least that works: narrow roles, on the resource where IAM allows that.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from trainshed.targets import permissions
from trainshed.targets.requests import Call

CALLER = "caller"
_AGENT = re.compile(r":(?:service-)?(\d{5,})(?:-compute)?@")
_OWNER = "roles/owner"
NUMBER = "PROJECT_NUMBER"  # `gcloud projects describe PROJECT --format='value(projectNumber)'` says it
_BUILD = "google.devtools.cloudbuild.v1.CloudBuild"
_FUNCTION = "google.cloud.functions.v1.CloudFunctionsService"
_OPERATIONS = "google.longrunning.Operations"
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


@dataclass(frozen=True, kw_only=True)
class Binding:
    """A role, or the permissions of a custom role, of a principal on a resource."""

    principal: str
    resource: str
    permissions: tuple[str, ...]
    role: str  # the narrowest predefined one; the permissions alone make a narrower custom role
    why: str


def needed(call: Call, project: str) -> list[Need]:
    """Answer what a request needs of its caller. Raises KeyError for a request that no documentation covers."""
    service = call.method.rpartition("/")[0]
    needs = permissions.OPERATIONS[call.api] if service == _OPERATIONS else permissions.PERMISSIONS[call.method]
    found = [_of_caller(call, permission, where, project) for permission, where in needs]
    return [need for need in found if need.resource]


def everybody(calls: Iterable[Call], project: str, *, requirements: Mapping[str, Iterable[str]]) -> list[Need]:
    """Answer what all requests need of all principals; `requirements` are those of functions, by resource name."""
    found: set[Need] = set()
    for call in calls:
        found.update(needed(call, project))
        follows = _FOLLOWS.get(call.method)
        if follows is not None and call.body is not None:
            found.update(follows(call, project))
        name = str((call.body or {}).get("name", "")) if isinstance(call.body, dict) else ""
        if call.method.startswith(f"{_FUNCTION}/") and name in requirements:
            found.update(_of_code(call.body, project, requirements[name]))
    return sorted(found)


def bindings(needs: Iterable[Need], project: str) -> list[Binding]:
    """Join needs into bindings: the fewest of narrow roles, each on the resource that it is needed on."""
    wanted = [(need, permissions.role(need.permission)) for need in needs]
    places = {(need.principal, need.resource, role) for need, role in wanted}
    joined: dict[tuple[str, str, str], list[Need]] = {}
    for need, role in wanted:
        place = _widest((need.principal, need.resource, role), places, f"projects/{project}")
        joined.setdefault(place, []).append(need)
    return [
        Binding(
            principal=principal,
            resource=resource,
            permissions=tuple(sorted({need.permission for need in found})),
            role=role,
            why="; ".join(sorted({need.why for need in found if need.why})),
        )
        for (principal, resource, role), found in sorted(joined.items())
    ]


def _widest(place: tuple[str, str, str], places: set[tuple[str, str, str]], project: str) -> tuple[str, str, str]:
    """Answer a binding that is needed anyway, on the resource or its project, and includes this one; or this one."""
    principal, resource, role = place
    own = "/".join(resource.split("/")[:2]) if resource.startswith("projects/") else project
    for where in dict.fromkeys((resource, own)):
        roles = [r for p, on, r in places if p == principal and on == where]
        including = sorted(r for r in roles if role in permissions.COVERS.get(r, ()))
        if including:
            return _widest((principal, where, including[0]), places, project)
        if where != resource and role in roles:
            return (principal, where, role)
    return place


def is_granted(binding: Binding, policy: Mapping[str, Any], caller: str) -> bool:
    """Whether a project's policy (`gcloud projects get-iam-policy`) has a binding, or one that includes it.

    Policies of single resources are not in that file: what is granted there is not seen.
    """
    member = (caller if binding.principal == CALLER else binding.principal).replace(NUMBER, number_in(policy))
    wider = [role for role, covered in permissions.COVERS.items() if binding.role in covered]
    roles = {binding.role, _OWNER, *wider}
    return any(
        entry.get("role") in roles and member in entry.get("members", ()) for entry in policy.get("bindings", ())
    )


def number_in(policy: Mapping[str, Any]) -> str:
    """Answer the project's number, which the names of its service agents have; its placeholder where there is none."""
    members = (member for entry in policy.get("bindings", ()) for member in entry.get("members", ()))
    found = Counter(number[1] for member in members if (number := _AGENT.search(member)))
    return found.most_common(1)[0][0] if found else NUMBER


def grant(binding: Binding, project: str, caller: str) -> str:
    """Write the gcloud command that grants a binding."""
    member = caller if binding.principal == CALLER else binding.principal
    end = f"--member={member} --role={binding.role}"
    kind, name = _kind(binding.resource)
    if kind == "project":
        return f"gcloud projects add-iam-policy-binding {name or project} {end}"
    words = {
        "topic": f"pubsub topics add-iam-policy-binding {name}",
        "subscription": f"pubsub subscriptions add-iam-policy-binding {name}",
        "bucket": f"storage buckets add-iam-policy-binding {name}",
        "account": f"iam service-accounts add-iam-policy-binding {name}",
        "repository": f"projects add-iam-policy-binding {project}",
    }
    return f"gcloud {words[kind]} {end}"


def _kind(resource: str) -> tuple[str, str]:
    if resource.startswith("gs://"):
        return "bucket", resource
    if found := re.fullmatch(r"projects/([^/]+)", resource):
        return "project", found[1]
    if re.fullmatch(r"projects/[^/]+/topics/[^/]+", resource):
        return "topic", resource
    if re.fullmatch(r"projects/[^/]+/subscriptions/[^/]+", resource):
        return "subscription", resource
    if "@" in resource:
        return "account", resource
    return "project", resource.split("/")[1] if resource.startswith("projects/") else ""


def _of_caller(call: Call, permission: str, where: str, project: str) -> Need:
    return Need(principal=CALLER, permission=permission, resource=_resource(call, where, project))


def _resource(call: Call, where: str, project: str) -> str:
    if where == "project":
        return f"projects/{call.project or project}"
    if where in call.bindings:
        found = str(call.bindings[where])
        return f"gs://{found}" if "ucket" in where else found
    value: Any = call.message
    for part in where.split("."):
        value = getattr(value, part, "")
    return str(value)


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
    for permission in (
        "logging.logEntries.create",
        "artifactregistry.repositories.uploadArtifacts",
        "storage.objects.get",
    ):
        yield Need(principal=builder, permission=permission, resource=f"projects/{project}", why="builds the function")


def _of_code(document: Mapping[str, Any], project: str, packages: Iterable[str]) -> Iterator[Need]:
    email = document.get("serviceAccountEmail") or f"{project}@appspot.gserviceaccount.com"
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


_FOLLOWS: dict[str, Callable[[Call, str], Iterator[Need]]] = {
    "google.pubsub.v1.Subscriber/CreateSubscription": _subscription,
    "google.pubsub.v1.Subscriber/UpdateSubscription": _subscription,
    "google.cloud.scheduler.v1.CloudScheduler/CreateJob": _schedule,
    "google.cloud.scheduler.v1.CloudScheduler/UpdateJob": _schedule,
    "storage.notifications.insert": _notification,
    f"{_BUILD}/CreateBuild": _build,
    f"{_BUILD}/CreateBuildTrigger": _trigger,
    f"{_BUILD}/UpdateBuildTrigger": _trigger,
    f"{_FUNCTION}/CreateFunction": _function,
    f"{_FUNCTION}/UpdateFunction": _function,
    "google.cloud.aiplatform.v1.PipelineService/CreatePipelineJob": _pipeline,
}
