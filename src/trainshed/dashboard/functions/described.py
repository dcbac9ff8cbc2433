"""What a function is: details and versions, variables, trigger, permissions. Secret values are never among it."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from trainshed import functions, names
from trainshed.dashboard import links
from trainshed.dashboard.asked import Asked
from trainshed.dashboard.cells import Badge, Cell, Code, Link, Several, Size, time
from trainshed.dashboard.page import Action, Actions, Empty, Facts, Notice, Part, Table, Text

MASK = "••••••••"
_LOOKS_SECRET = re.compile(r"secret|token|password|passwd|credential|private|api_?key|access_?key", re.IGNORECASE)
_SHORT = 12  # characters of a digest that tell it from others
_PERMITS = (
    "Everybody who reaches this server may call it: policies are kept and shown here, and decide on Google Cloud."
)


def details(
    function: functions.Function,
    version: functions.Version | None,
    versions: Sequence[functions.Version],
    asked: Asked,
) -> list[Part]:
    """Show how it is configured, and its versions."""
    wanted = version.configuration if version else function.requested
    address = functions.url(function.name) if wanted.generation == 1 else functions.uri(function.name)
    pairs: list[tuple[str, Cell]] = [
        ("Name", Code(text=function.name, may_copy=True)),
        ("Description", wanted.description),
        ("Generation", wanted.generation),
        ("Runtime", wanted.runtime),
        ("Entry point", Code(text=wanted.entry_point)),
        ("Signature type", version.signature if version else None),
        ("Memory", Size(count=wanted.memory_bytes)),
        ("Timeout", f"{wanted.timeout_seconds:g} s"),
        ("Instances", f"{wanted.min_instances} to {wanted.most_instances}"),
        ("Service account", wanted.service_account),
        ("Labels", ", ".join(f"{key}={value}" for key, value in sorted(wanted.labels.items()))),
        ("URL", Code(text=address, may_copy=True) if wanted.http else None),
        ("Source came from", Code(text=wanted.source_url) if "://" in wanted.source_url else "an upload"),
        ("Digest of its packages", Code(text=version.environment[:_SHORT]) if version else None),
        ("Created", time(function.create_time)),
        ("Updated", time(function.update_time)),
    ]
    serves = function.version.number if function.version else None
    return [
        Facts(id="details", pairs=pairs),
        Table(
            id="versions",
            heading="Versions",
            columns=("Version", "State", "Deployed", "Digest of its source", "Digest of its packages", "Runtime"),
            rows=[_version(v, asked, serves) for v in versions],
            nothing=Empty(text="No version was deployed well yet."),
        ),
        *([Text(id="said", heading="What the last deployment said", text=function.error)] if function.error else []),
        Actions(id="actions", actions=_actions(function, version), copies_address=True),
    ]


def variables(wanted: functions.Configuration) -> list[Part]:
    """Name the variables of its environment. Values of secrets are not read; what looks like one is masked."""
    rows: list[Sequence[Cell]] = []
    for name, value in sorted(wanted.variables.items()):
        is_masked = bool(_LOOKS_SECRET.search(name)) and bool(value)
        rows.append(
            (
                Code(text=name),
                Code(text=MASK if is_masked else value),
                "given at deployment, masked" if is_masked else "given at deployment",
            )
        )
    for name, (secret, version) in sorted(wanted.secrets.items()):
        rows.append((Code(text=name), Code(text=MASK), f"secret {secret}, version {version}"))
    nothing = Empty(
        text="It has no variables of its own. They are given when it is deployed.",
        command="trainshed functions deploy NAME --update-env-vars KEY=VALUE",
    )
    return [Table(id="variables", columns=("Name", "Value", "Where from"), rows=rows, nothing=nothing)]


def trigger(function: functions.Function, version: functions.Version | None) -> list[Part]:
    """Show what calls it, and what happens to an event that it fails on."""
    wanted = version.configuration if version else function.requested
    fed = functions.fed_by(version) if version else ""
    subscription = links.link(fed) if fed else None
    pairs: list[tuple[str, Cell]]
    if wanted.topic:
        pairs = [("Kind", "Pub/Sub message"), ("Topic", links.link(wanted.topic)), ("Subscription", subscription)]
    elif wanted.bucket:
        pairs = [
            ("Kind", "object in a bucket"),
            ("Bucket", Link(text=wanted.bucket, href=links.href("/buckets", wanted.bucket))),
            ("Told of", wanted.object_event),
            ("Through topic", links.link(functions.topic_of(version)) if version else None),
            ("Subscription", subscription),
        ]
    else:
        url = functions.url(function.name) if wanted.generation == 1 else functions.uri(function.name)
        pairs = [
            ("Kind", "HTTP request"),
            ("On this machine", Code(text=f"/trainshed/v1/{function.name}:invoke", may_copy=True)),
            ("On Google Cloud", Code(text=url, may_copy=True)),
        ]
    if not wanted.http:
        again = "yes: until it succeeds, or the message is too old"
        pairs.append(
            ("Retried", again if wanted.retry else "no: a failed event waits in its receipt and can be replayed")
        )
        receipts = Link(text="its receipts", href=f"/receipts?trigger={function.name}")
        pairs.append(("What became of its events", receipts))
    return [Facts(id="trigger", pairs=pairs)]


def permissions(function: functions.Function, policy_of: Callable[[str], Mapping[str, Any]]) -> list[Part]:
    """Show who was allowed what. A function of the second generation is called through its service, which has its own."""
    resources = {function.name: "the function"}
    if function.generation > 1:
        resources[functions.service_name(function.name)] = "its service"
    rows = [
        (Code(text=binding["role"]), _members(binding["members"]), words, _condition(binding))
        for resource, words in resources.items()
        for binding in policy_of(resource).get("bindings", ())
    ]
    nothing = Empty(
        text="No role was given to anybody.",
        command=f"gcloud functions add-iam-policy-binding {names.short(function.name)} --member=allUsers "
        "--role=roles/cloudfunctions.invoker",
    )
    return [
        Notice(id="permits", text=_PERMITS),
        Table(id="permissions", columns=("Role", "Principals", "On", "Condition"), rows=rows, nothing=nothing),
    ]


def _actions(function: functions.Function, version: functions.Version | None) -> list[Action]:
    path = f"/trainshed/v1/{function.name}"
    delete = Action(
        label="Delete",
        method="DELETE",
        path=path,
        confirm=f"Delete {names.short(function.name)}? Its versions and its trigger go with it, its calls and receipts "
        "stay.",
        then="/functions",
    )
    if version is None:
        return [delete]
    label = f"Deploy version {version.number} again"
    return [Action(label=label, path=f"{path}:redeploy", body={"version": version.number}), delete]


def _version(version: functions.Version, asked: Asked, serves: int | None) -> tuple[Cell, ...]:
    return (
        Link(text=str(version.number), href=asked.href(version=str(version.number), tab="details")),
        Badge(state="ACTIVE", note="serves") if version.number == serves else None,
        time(version.deploy_time),
        Link(text=version.source[:_SHORT], href=asked.href(version=str(version.number), tab="source")),
        Code(text=version.environment[:_SHORT]),
        version.configuration.runtime,
    )


def _members(members: Sequence[str]) -> Cell:
    return Several(cells=[Code(text=member) for member in members])


def _condition(binding: Mapping[str, Any]) -> Cell:
    condition = binding.get("condition") or {}
    return str(condition.get("title") or condition.get("expression") or "")
