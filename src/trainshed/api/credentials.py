"""The environment that brings unmodified Google clients, gcloud and gsutil to this server, and the files it names."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from trainshed.api.tokens import Key, write_private
from trainshed.settings import Settings

_TOKEN_FILE_SECONDS = 365 * 24 * 3600  # gcloud reads the file as it is and never renews it
_DIRECT = ("127.0.0.1", "localhost")


@dataclass(frozen=True)
class Issuer:
    """The server, as far as credentials name it."""

    settings: Settings
    address: str
    key: Key  # of the service accounts


def environment(issuer: Issuer, email: str, authorities: Path) -> dict[str, str]:
    """Write the files of a principal and answer the variables; `authorities` is a file with those to trust."""
    folder = issuer.settings.home / "credentials" / email
    bundle = str(authorities)
    account, token, boto = folder / "account.json", folder / "token", folder / "boto"
    write_private(account, account_file(issuer, email))
    write_private(token, issuer.key.access_token(email, lifetime_seconds=_TOKEN_FILE_SECONDS).encode())
    write_private(boto, _boto(issuer, account, authorities))
    gcloud = folder / "gcloud"
    gcloud.mkdir(mode=0o700, exist_ok=True)
    direct = ",".join([*_DIRECT, *_inherited()])
    return {
        "https_proxy": issuer.address,  # gRPC reads the lower-case name only
        "HTTPS_PROXY": issuer.address,
        "no_proxy": direct,
        "NO_PROXY": direct,
        "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": bundle,  # the only one that gRPC honours
        "REQUESTS_CA_BUNDLE": bundle,
        "CURL_CA_BUNDLE": bundle,
        "SSL_CERT_FILE": bundle,
        "HTTPLIB2_CA_CERTS": bundle,
        "GOOGLE_APPLICATION_CREDENTIALS": str(account),
        "GOOGLE_CLOUD_PROJECT": issuer.settings.project,
        "NO_GCE_CHECK": "true",
        "CLOUDSDK_CONFIG": str(gcloud),
        "CLOUDSDK_CORE_PROJECT": issuer.settings.project,
        "CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE": bundle,
        "CLOUDSDK_CORE_CHECK_GCE_METADATA": "false",
        "CLOUDSDK_CORE_DISABLE_PROMPTS": "true",
        "CLOUDSDK_CORE_DISABLE_USAGE_REPORTING": "true",
        "CLOUDSDK_COMPONENT_MANAGER_DISABLE_UPDATE_CHECK": "true",
        "CLOUDSDK_AUTH_ACCESS_TOKEN_FILE": str(token),
        "BOTO_CONFIG": str(boto),
        "TRAINSHED_ADDRESS": issuer.address,
        "TRAINSHED_HOME": str(issuer.settings.home),
    }


def account_file(issuer: Issuer, email: str) -> bytes:
    """Answer the key file of a service account, as GOOGLE_APPLICATION_CREDENTIALS names one."""
    document = {
        "type": "service_account",
        "project_id": issuer.settings.project,
        "private_key_id": issuer.key.id,
        "private_key": issuer.key.pem.decode(),
        "client_email": email,
        "client_id": str(int(issuer.key.id[:15], 16)),
        "auth_uri": f"{issuer.address}/o/oauth2/auth",
        "token_uri": f"{issuer.address}/token",
        "universe_domain": "googleapis.com",
    }
    return json.dumps(document, indent=2).encode()


def _boto(issuer: Issuer, account: Path, authorities: Path) -> bytes:
    at = urlsplit(issuer.address)
    return (
        f"[Credentials]\ngs_service_key_file = {account}\n"
        f"[Boto]\nproxy = {at.hostname}\nproxy_port = {at.port}\n"
        f"ca_certificates_file = {authorities}\nhttps_validate_certificates = True\n"
        f"[GSUtil]\ndefault_project_id = {issuer.settings.project}\nsoftware_update_check_period = 0\n"
    ).encode()


def _inherited() -> list[str]:
    """Answer the hosts that the machine's owner exempts from proxies, but none of those that are answered here."""
    names = (os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or "").split(",")
    ours = ("googleapis.com", "cloudfunctions.net", "run.app")
    kept = (name.strip() for name in names)
    return [n for n in kept if n and n != "*" and n not in _DIRECT and not any(n.endswith(o) for o in ours)]
