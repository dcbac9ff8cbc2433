"""What Google's refusals mean: its own message, the reason, and the way out. Pure."""

from trainshed.errors import PermissionDenied, TrainshedError, Unauthenticated
from trainshed.targets.credentials import LOGIN
from trainshed.targets.permissions import role
from trainshed.targets.principals import needed
from trainshed.targets.requests import Call

_DISABLED = "SERVICE_DISABLED"


def refusal(call: Call, error: TrainshedError, *, project: str, principal: str) -> TrainshedError:
    """Answer the error to raise for one that Google answered: the same class, with what helps."""
    named = f" ({error.reason})" if error.reason not in {type(error).reason, error.code} else ""
    text = f"{error.message.rstrip().rstrip('.')}{named}."
    said = "; ".join(f"{v.field}: {v.description}" for v in error.violations if v.description not in text)
    text = f"{text} {said}" if said else text
    if isinstance(error, Unauthenticated):
        text = f"{text} {LOGIN}"
    elif error.reason == _DISABLED:
        api = error.metadata.get("service") or f"{call.api}.googleapis.com"
        text = f"{text} Enable it: gcloud services enable {api} --project {call.project or project}"
    elif isinstance(error, PermissionDenied):
        text = f"{text} {_grants(call, error, project, principal or 'user:YOUR_ACCOUNT')}".rstrip()
    return type(error)(text, reason=error.reason, metadata=error.metadata, violations=error.violations)


def _grants(call: Call, error: TrainshedError, project: str, principal: str) -> str:
    """Say which permissions the request needs, and the command that grants what is missing."""
    try:
        needs = needed(call, project)
    except KeyError:  # a method that the table does not have yet; Google's own words have to do
        needs = []
    told = error.metadata.get("permission", "")
    missing = [told] if told else [need.permission for need in needs]
    try:
        roles = sorted({role(permission) for permission in missing})
    except KeyError:
        roles = []
    where = call.project or project
    grant = "; ".join(
        f"gcloud projects add-iam-policy-binding {where} --member={principal} --role={name}" for name in roles
    )
    listed = ", ".join(f"{need.permission} on {need.resource}" for need in needs)
    if not told and not listed:
        return ""
    verb = "Missing" if told else "It needs"
    return f"{verb}: {told or listed}." + (f" Grant it: {grant}" if grant else "")
