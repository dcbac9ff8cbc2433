"""Write `src/trainshed/api/surface.binpb`: Google's published interfaces, harvested from the pinned client packages.

The packages register messages but no service descriptors. Everything else is in them: paths and types of the RPCs
in the gRPC transports (read with a channel that records), HTTP rules in `rest_base.py`. From these the services are
synthesised, so that the server needs none of the packages. The output is the same for the same pinned versions.
"""

import importlib
import importlib.metadata
import importlib.util
import re
import typing
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import grpc
from google.api import annotations_pb2, http_pb2
from google.auth.credentials import AnonymousCredentials
from google.longrunning import operations_pb2
from google.protobuf import any_pb2, descriptor_pb2, empty_pb2
from google.protobuf.descriptor import Descriptor, FileDescriptor

OUTPUT = Path(__file__).parent.parent / "src/trainshed/api/surface.binpb"

# package to pin, module of the service, snake name of the service folder
SERVICES = (
    ("google-cloud-pubsub", "google.pubsub_v1", "publisher"),
    ("google-cloud-pubsub", "google.pubsub_v1", "subscriber"),
    ("google-cloud-pubsub", "google.pubsub_v1", "schema_service"),
    ("google-cloud-scheduler", "google.cloud.scheduler_v1", "cloud_scheduler"),
    ("google-cloud-build", "google.cloud.devtools.cloudbuild_v1", "cloud_build"),
    ("google-cloud-functions", "google.cloud.functions_v1", "cloud_functions_service"),
    ("google-cloud-functions", "google.cloud.functions_v2", "function_service"),
    ("google-cloud-aiplatform", "google.cloud.aiplatform_v1", "pipeline_service"),
    ("google-cloud-aiplatform", "google.cloud.aiplatform_v1", "schedule_service"),
    ("google-cloud-aiplatform", "google.cloud.aiplatform_v1", "metadata_service"),
    ("google-cloud-aiplatform", "google.cloud.aiplatform_v1", "job_service"),
    ("google-cloud-resource-manager", "google.cloud.resourcemanager_v3", "projects"),
    ("google-cloud-logging", "google.cloud.logging_v2", "logging_service_v2"),
)
# HTTP rules of packages that have no REST client, from their published interface definitions.
RULES = {
    "/google.logging.v2.LoggingServiceV2/ListLogEntries": {("post", "/v2/entries:list"): "*"},
    "/google.logging.v2.LoggingServiceV2/WriteLogEntries": {("post", "/v2/entries:write"): "*"},
    "/google.logging.v2.LoggingServiceV2/ListLogs": {("get", "/v2/{parent=projects/*}/logs"): ""},
    "/google.logging.v2.LoggingServiceV2/DeleteLog": {("delete", "/v2/{log_name=projects/*/logs/*}"): ""},
    "/google.logging.v2.LoggingServiceV2/TailLogEntries": {("post", "/v2/entries:tail"): "*"},
    "/google.logging.v2.LoggingServiceV2/ListMonitoredResourceDescriptors": {
        ("get", "/v2/monitoredResourceDescriptors"): ""
    },
}
# What operations and errors carry inside Any, beside what the methods name.
EXTRA_FILES = ("google/rpc/status.proto", "google/rpc/error_details.proto", "google/protobuf/wrappers.proto")

NOTICE = """surface.binpb holds interface descriptions (messages, methods, HTTP rules) of Google APIs, without comments.
They are derived from these packages, Copyright Google LLC, licensed under the Apache License, Version 2.0
(https://www.apache.org/licenses/LICENSE-2.0):

"""


@dataclass
class Method:
    """One RPC, as its transport tells it."""

    path: str
    request: Descriptor
    response: Descriptor
    client_streaming: bool
    server_streaming: bool
    rules: dict[tuple[str, str], str] = field(default_factory=dict)  # (verb, template) -> body


class Recorder(grpc.Channel):
    """A channel that notes what stubs are asked of it."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, bool, bool]] = []

    def unary_unary(self, method: str, *_: object, **__: object) -> object:
        return self._note(method, False, False)

    def unary_stream(self, method: str, *_: object, **__: object) -> object:
        return self._note(method, False, True)

    def stream_unary(self, method: str, *_: object, **__: object) -> object:
        return self._note(method, True, False)

    def stream_stream(self, method: str, *_: object, **__: object) -> object:
        return self._note(method, True, True)

    def _note(self, method: str, client_streaming: bool, server_streaming: bool) -> object:
        self.calls.append((method, client_streaming, server_streaming))
        return lambda *_, **__: None

    def subscribe(self, callback: object, try_to_connect: bool = False) -> None: ...
    def unsubscribe(self, callback: object) -> None: ...
    def close(self) -> None: ...
    def __enter__(self) -> typing.Self:
        return self

    def __exit__(self, *_: object) -> None: ...


def descriptor(kind: type | None) -> Descriptor:
    """Answer the descriptor of a generated class, plain or proto-plus; None stands for Empty."""
    if kind in (None, type(None)):
        return empty_pb2.Empty.DESCRIPTOR
    return kind.pb().DESCRIPTOR if hasattr(kind, "pb") else kind.DESCRIPTOR


def harvest(module: str, folder: str) -> Iterator[Method]:
    """Read every method of one service, the mixins included."""
    transports = importlib.import_module(f"{module}.services.{folder}.transports.grpc")
    has_rest = importlib.util.find_spec(f"{module}.services.{folder}.transports.rest_base") is not None
    transport_class = next(v for k, v in vars(transports).items() if k.endswith("GrpcTransport"))
    rest_class = _rest_base(module, folder) if has_rest else None
    recorder = Recorder()
    transport = transport_class(channel=recorder, credentials=AnonymousCredentials())
    transport._logged_channel = recorder  # noqa: SLF001  (the wrapper around it would only ask at the first call)
    transport._stubs.clear()  # noqa: SLF001  (made while the transport was)
    for name, member in sorted(vars(transport_class).items()):
        if not isinstance(member, property) or name in {"kind", "grpc_channel", "operations_client"}:
            continue
        recorder.calls.clear()
        getattr(transport, name)
        ((path, client_streaming, server_streaming),) = recorder.calls
        requests, response = typing.get_args(typing.get_type_hints(member.fget, vars(transports))["return"])
        method = Method(path, descriptor(requests[0]), descriptor(response), client_streaming, server_streaming)
        method.rules |= rules(rest_class, path.rsplit("/", 1)[1]) if rest_class else RULES.get(path, {})
        yield method
    if has_rest:
        yield from operation_rules(module, folder)


def _rest_base(module: str, folder: str) -> type:
    rest = importlib.import_module(f"{module}.services.{folder}.transports.rest_base")
    return next(v for k, v in vars(rest).items() if re.fullmatch(r"_Base\w+RestTransport", k))


def operation_rules(module: str, folder: str) -> Iterator[Method]:
    """Read what the service's REST transport asks of google.longrunning.Operations while it waits."""
    rest = importlib.import_module(f"{module}.services.{folder}.transports.rest")
    transport_class = next(v for k, v in vars(rest).items() if re.fullmatch(r"[A-Z]\w+RestTransport", k))
    if not hasattr(transport_class, "operations_client"):
        return
    options = transport_class(credentials=AnonymousCredentials()).operations_client._transport._http_options  # noqa: SLF001
    service = operations_pb2.DESCRIPTOR.services_by_name["Operations"]
    for selector, bindings in sorted(options.items()):
        declared = service.methods_by_name[selector.rsplit(".", 1)[1]]
        method = Method(
            f"/{service.full_name}/{declared.name}", declared.input_type, declared.output_type, False, False
        )
        method.rules |= {
            (o["method"], o["uri"]): o.get("body", "") for o in bindings if not o["uri"].startswith("/ui/")
        }
        yield method


def rules(rest_class: type, rpc: str) -> dict[tuple[str, str], str]:
    """Read the HTTP rules of one RPC; those of Google's console (`/ui/`) are left out."""
    base = getattr(rest_class, f"_Base{rpc}", None)
    if base is None or not hasattr(base, "_get_http_options"):
        return {}
    options = base._get_http_options()  # noqa: SLF001  (the only place where the packages keep them)
    return {(o["method"], o["uri"]): o.get("body", "") for o in options if not o["uri"].startswith("/ui/")}


def methods() -> dict[str, Method]:
    """Harvest all services; the rules of a mixin are the union of what each service gives it."""
    found: dict[str, Method] = {}
    for _, module, folder in SERVICES:
        for method in harvest(module, folder):
            found.setdefault(method.path, method).rules.update(method.rules)
    return dict(sorted(found.items()))


def service_file(service: str, members: list[Method]) -> descriptor_pb2.FileDescriptorProto:
    """Synthesise the file that declares one service."""
    package, _, name = service.rpartition(".")
    file = descriptor_pb2.FileDescriptorProto(name=f"trainshed/{service}.proto", package=package, syntax="proto3")
    files = {d.file.name for m in members for d in (m.request, m.response)}
    file.dependency.extend(sorted(files | {"google/api/annotations.proto"}))
    declared = file.service.add(name=name)
    for member in members:
        method = declared.method.add(
            name=member.path.rsplit("/", 1)[1],
            input_type=f".{member.request.full_name}",
            output_type=f".{member.response.full_name}",
        )
        if member.client_streaming:
            method.client_streaming = True
        if member.server_streaming:
            method.server_streaming = True
        http = [http_pb2.HttpRule(body=body, **{verb: uri}) for (verb, uri), body in member.rules.items()]
        if http:
            http[0].additional_bindings.extend(http[1:])
            method.options.Extensions[annotations_pb2.http].CopyFrom(http[0])
    return file


def closure(roots: list[FileDescriptor]) -> list[FileDescriptor]:
    """Answer the files and everything they import, imports first."""
    ordered: dict[str, FileDescriptor] = {}

    def visit(file: FileDescriptor) -> None:
        if file.name not in ordered:
            for dependency in sorted(file.dependencies, key=lambda d: d.name):
                visit(dependency)
            ordered[file.name] = file

    for root in roots:
        visit(root)
    return list(ordered.values())


def message_files(found: dict[str, Method]) -> list[FileDescriptor]:
    """Answer the files of all messages that the methods and the packages' own types need."""
    roots = {d.file.name: d.file for m in found.values() for d in (m.request, m.response)}
    for _, module, _ in SERVICES:
        if module != "google.cloud.aiplatform_v1":  # 200 modules, of which the methods name what is needed
            types = importlib.import_module(f"{module}.types")
            for value in vars(types).values():
                if isinstance(value, type) and hasattr(value, "pb"):
                    file = descriptor(value).file
                    roots[file.name] = file
    pool = any_pb2.Any.DESCRIPTOR.file.pool
    importlib.import_module("google.rpc.error_details_pb2")
    importlib.import_module("google.protobuf.wrappers_pb2")
    for name in ("google/api/annotations.proto", *EXTRA_FILES):
        roots[name] = pool.FindFileByName(name)
    return closure([roots[name] for name in sorted(roots)])


def main() -> None:
    found = methods()
    surface = descriptor_pb2.FileDescriptorSet()
    for file in message_files(found):
        declared = surface.file.add()
        file.CopyToProto(declared)
        declared.ClearField("service")  # every service is synthesised below, with the rules of all packages
        if not declared.public_dependency:  # the packages list imports in the order of a set
            declared.dependency.sort()
    services: dict[str, list[Method]] = {}
    for path, method in found.items():
        services.setdefault(path.split("/")[1], []).append(method)
    for service, members in services.items():
        surface.file.append(service_file(service, members))
    OUTPUT.write_bytes(surface.SerializeToString(deterministic=True))
    packages = sorted({p for p, _, _ in SERVICES} | {"googleapis-common-protos", "grpc-google-iam-v1"})
    notice = "".join(f"- {package} {importlib.metadata.version(package)}\n" for package in packages)
    OUTPUT.with_suffix(".NOTICE").write_text(NOTICE + notice)
    print(
        f"{OUTPUT.name}: {len(services)} services, {len(found)} methods, {len(surface.file)} files, {OUTPUT.stat().st_size} bytes"
    )


if __name__ == "__main__":
    main()
