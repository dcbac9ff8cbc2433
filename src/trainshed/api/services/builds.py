"""google.devtools.cloudbuild.v1.CloudBuild over the builds feature. `builds_json` writes its messages."""

import base64
from collections.abc import Callable
from typing import Any

from trainshed import errors, names
from trainshed.api import deliveries, fields
from trainshed.api.descriptors import from_json, message, to_json
from trainshed.api.services.builds_json import build_message, trigger_json, trigger_message
from trainshed.builds import Build, Events, Service, Triggers
from trainshed.errors import FailedPrecondition, InvalidArgument, NotFound

_PACKAGE = "google.devtools.cloudbuild.v1"
_GLOBAL = "global"  # where a request without a location works, as at Google
_ENDINGS: dict[str, tuple[type[errors.TrainshedError], str]] = {
    "FAILURE": (errors.TrainshedError, "Build failed; check build logs for details"),
    "INTERNAL_ERROR": (errors.Unavailable, "Build failed because of an internal error; try again"),
    "TIMEOUT": (errors.DeadlineExceeded, "Build timed out"),
    "CANCELLED": (errors.Cancelled, "Build was cancelled"),
    "EXPIRED": (errors.DeadlineExceeded, "Build expired in the queue"),
}
_NO_POOLS = (
    "There are no private pools here: builds run on this machine, and `options.pool` is taken and ignored; leave "
    "--worker-pool away, or use --target gcp for a pool of Google Cloud."
)


class CloudBuild:
    """Builds and build triggers."""

    SERVICE = "google.devtools.cloudbuild.v1.CloudBuild"

    def __init__(
        self,
        builds: Service,
        triggers: Triggers,
        events: Events,
        *,
        email: Callable[[], str],
        address: Callable[[], str],
    ) -> None:
        self._builds = builds
        self._triggers = triggers
        self._events = events
        self._email = email  # of whoever asks
        self._address = address  # of this server

    def CreateBuild(self, request: Any) -> Any:
        """Queue a build; the operation ends with it."""
        project, region = _place(request.parent, request.project_id)
        document = to_json(request.build)
        return self._operation(self._builds.create(document, project=project, region=region))

    def GetBuild(self, request: Any) -> Any:
        """Answer a build as it is now."""
        return self._message(self._builds.get(_build_id(request), project=_project(request)))

    def ListBuilds(self, request: Any) -> Any:
        """Answer builds, newest first."""
        project, region = _place(request.parent, request.project_id)
        found, token = self._builds.list(
            project=project,
            region=region,
            filter_text=request.filter,
            limit=fields.page_size(request.page_size),
            page_token=request.page_token,
        )
        return fields.listing(f"{_PACKAGE}.ListBuildsResponse", "builds", map(self._message, found), token)

    def CancelBuild(self, request: Any) -> Any:
        """End a build now."""
        return self._message(self._builds.cancel(_build_id(request), project=_project(request)))

    def RetryBuild(self, request: Any) -> Any:
        """Queue the same build again."""
        return self._operation(self._builds.retry(_build_id(request), project=_project(request)))

    def ApproveBuild(self, request: Any) -> Any:
        """Let a build that waits for approval go on, or end it, whose operation is done at once."""
        result = request.approval_result
        decisions = {1: True, 2: False}  # APPROVED, REJECTED
        if result.decision not in decisions:
            raise InvalidArgument.field("approval_result.decision", "is missing; decide APPROVED or REJECTED")
        build = self._builds.approve(
            names.short(request.name),
            project=_part(request.name, "projects"),
            approver=self._email(),
            is_approved=decisions[result.decision],
            comment=result.comment,
            url=result.url,
        )
        return self._operation(build)

    def CreateBuildTrigger(self, request: Any) -> Any:
        """Store a trigger."""
        project, region = _place(request.parent, request.project_id)
        return trigger_message(self._triggers.create(to_json(request.trigger), project=project, region=region))

    def GetBuildTrigger(self, request: Any) -> Any:
        """Answer a trigger by name or id."""
        return trigger_message(self._triggers.get(_trigger(request), project=_project(request)))

    def ListBuildTriggers(self, request: Any) -> Any:
        """Answer the triggers of a project."""
        project, region = _place(request.parent, request.project_id)
        found, token = self._triggers.page(
            project=project,
            region=region,
            limit=fields.page_size(request.page_size),
            page_token=request.page_token,
        )
        return fields.listing(f"{_PACKAGE}.ListBuildTriggersResponse", "triggers", map(trigger_message, found), token)

    def UpdateBuildTrigger(self, request: Any) -> Any:
        """Change a trigger."""
        trigger = request.trigger
        name = request.trigger_id or names.short(trigger.resource_name) or trigger.id or trigger.name
        project = request.project_id or _part(trigger.resource_name, "projects")
        current = from_json(f"{_PACKAGE}.BuildTrigger", trigger_json(self._triggers.get(name, project=project)))
        wanted = fields.update(current, trigger, request.update_mask)
        return trigger_message(self._triggers.update(name, to_json(wanted), project=project))

    def DeleteBuildTrigger(self, request: Any) -> None:
        """Remove a trigger."""
        self._triggers.delete(_trigger(request), project=_project(request))

    def RunBuildTrigger(self, request: Any) -> Any:
        """Build what a trigger builds, now."""
        source = request.source
        revision = source.branch_name or source.tag_name or source.commit_sha
        build = self._triggers.run(
            _trigger(request), project=_project(request), revision=revision, substitutions=dict(source.substitutions)
        )
        return self._operation(build)

    def ReceiveTriggerWebhook(self, request: Any) -> Any:
        """Take what is posted for a webhook trigger; its secret is the proof."""
        name = request.trigger or names.short(request.name)
        trigger = self._triggers.get(name, project=_project(request))
        self._events.receive(trigger, request.body.data, secret=request.secret, delivery=deliveries.current())
        return message(f"{_PACKAGE}.ReceiveTriggerWebhookResponse")

    def GetDefaultServiceAccount(self, request: Any) -> Any:
        """Name the account that builds run as where they name none."""
        project = _part(request.name, "projects")
        email = f"{self._builds.project_number}@cloudbuild.gserviceaccount.com"
        return message(
            f"{_PACKAGE}.DefaultServiceAccount",
            name=request.name,
            service_account_email=f"projects/{project}/serviceAccounts/{email}",
        )

    def ListWorkerPools(self, request: Any) -> Any:
        """There are none."""
        names.parse("projects/{project}/locations/{location}", request.parent, field="parent")
        return message(f"{_PACKAGE}.ListWorkerPoolsResponse")

    def GetWorkerPool(self, request: Any) -> Any:
        """There is none."""
        raise NotFound(f"There is no worker pool {request.name!r}. {_NO_POOLS}", reason="NO_WORKER_POOLS")

    def CreateWorkerPool(self, request: Any) -> Any:
        """Refuse: builds run on this machine."""
        raise FailedPrecondition(
            f"{request.worker_pool_id or 'A pool'} cannot be made. {_NO_POOLS}", reason="NO_WORKER_POOLS"
        )

    def UpdateWorkerPool(self, request: Any) -> Any:
        """There is none."""
        raise NotFound(f"There is no worker pool {request.worker_pool.name!r}. {_NO_POOLS}", reason="NO_WORKER_POOLS")

    def DeleteWorkerPool(self, request: Any) -> Any:
        """There is none."""
        if request.allow_missing:
            return fields.operation(f"{request.name}/operations/none", done=True)
        raise NotFound(f"There is no worker pool {request.name!r}. {_NO_POOLS}", reason="NO_WORKER_POOLS")

    def find_operation(self, name: str) -> Any:
        """Answer the operation of a build; None for a name that is not a build's."""
        build = self._build_of(name)
        return None if build is None else self._operation(build)

    def cancel_operation(self, name: str) -> bool:
        """Cancel the build of an operation; False for a name that is not a build's."""
        build = self._build_of(name)
        if build is not None:
            self._builds.cancel(build.build_id, project=build.project)
        return build is not None

    def _build_of(self, name: str) -> Build | None:
        prefix, _, hidden = name.rpartition("/")
        if not prefix.startswith("operations/build/"):
            return None
        try:
            build_id = base64.urlsafe_b64decode(hidden.encode() + b"==").decode()
        except ValueError as error:
            raise NotFound(f"There is no operation {name!r}.", reason="OPERATION_NOT_FOUND") from error
        return self._builds.get(build_id, project=prefix.rpartition("/")[2])

    def _message(self, build: Build) -> Any:
        return build_message(build, address=self._address())

    def _operation(self, build: Build) -> Any:
        """Make the operation of a build; it is done when the build has ended."""
        made = self._message(build)
        hidden = base64.urlsafe_b64encode(build.build_id.encode()).decode().rstrip("=")
        kind, said = _ENDINGS.get(build.state, (None, ""))
        return fields.operation(
            f"operations/build/{build.project}/{hidden}",
            done=build.is_final,
            response=made if build.state == "SUCCESS" else None,
            error=kind(said) if kind is not None else None,
            metadata=message(f"{_PACKAGE}.BuildOperationMetadata", build=made),
        )


def _place(parent: str, project_id: str) -> tuple[str, str]:
    """Answer project and region of a request that has either a parent or a project id."""
    return _part(parent, "projects") or project_id, _part(parent, "locations") or _GLOBAL


def _build_id(request: Any) -> str:
    found = request.id or names.short(request.name)
    if not found:
        raise InvalidArgument.field("id", "is missing; name the build")
    return str(found)


def _trigger(request: Any) -> str:
    found = request.trigger_id or names.short(request.name)
    if not found:
        raise InvalidArgument.field("trigger_id", "is missing; name the trigger")
    return str(found)


def _project(request: Any) -> str:
    return str(request.project_id or _part(request.name, "projects"))


def _part(name: str, collection: str) -> str:
    parts = name.split("/")
    return parts[parts.index(collection) + 1] if collection in parts[:-1] else ""
