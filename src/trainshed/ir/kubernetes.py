"""The platform spec that follows a pipeline spec: its published fields, and those of kfp-kubernetes' executor settings.

kfp-kubernetes is not installed, so its messages are listed here and made into descriptors; they are then read as the
published ones are. In the list, `*` is a list and a name after `:` another message or type; everything else is text.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool

from trainshed.ir import proto
from trainshed.ir.findings import Findings, Trail

_INPUT = "ml_pipelines.TaskInputsSpec.InputParameterSpec"
_MESSAGES = {
    "KubernetesExecutorConfig": (
        "secret_as_volume:SecretAsVolume* secret_as_env:SecretAsEnv* pvc_mount:PvcMount* node_selector:NodeSelector "
        "pod_metadata:PodMetadata image_pull_secret:ImagePullSecret* image_pull_policy "
        "config_map_as_volume:ConfigMapAsVolume* config_map_as_env:ConfigMapAsEnv* active_deadline_seconds:integer "
        "field_path_as_env:FieldPathAsEnv* tolerations:Toleration* generic_ephemeral_volume:GenericEphemeralVolume* "
        "node_affinity:NodeAffinityTerm* pod_affinity:PodAffinityTerm* enabled_shared_memory:EnabledSharedMemory "
        "empty_dir_mounts:EmptyDirMount* security_context:SecurityContext init_containers:InitContainer* "
        "pod_resource_claims:PodResourceClaim*"
    ),
    "SecretAsVolume": "secret_name mount_path optional:boolean secret_name_parameter:input",
    "SecretAsEnv": "secret_name key_to_env:SecretKey* optional:boolean secret_name_parameter:input",
    "SecretKey": "secret_key env_var",
    "PvcMount": (
        "task_output_parameter:produced constant component_input_parameter mount_path pvc_name_parameter:input sub_path"
    ),
    "NodeSelector": "labels:mapping node_selector_json:input",
    "PodMetadata": "labels:mapping annotations:mapping",
    "ImagePullSecret": "secret_name secret_name_parameter:input",
    "ConfigMapAsVolume": "config_map_name mount_path optional:boolean config_map_name_parameter:input",
    "ConfigMapAsEnv": ("config_map_name key_to_env:ConfigMapKey* optional:boolean config_map_name_parameter:input"),
    "ConfigMapKey": "config_map_key env_var",
    "FieldPathAsEnv": "name field_path",
    "Toleration": "key operator value effect toleration_seconds:integer toleration_json:input",
    "GenericEphemeralVolume": (
        "volume_name mount_path access_modes* size default_storage_class:boolean storage_class_name metadata:PodMetadata"
    ),
    "NodeAffinityTerm": (
        "match_expressions:Requirement* match_fields:Requirement* weight:integer node_affinity_json:input"
    ),
    "PodAffinityTerm": (
        "match_pod_expressions:Requirement* match_pod_labels:mapping topology_key namespaces* "
        "match_namespace_expressions:Requirement* match_namespace_labels:mapping weight:integer anti:boolean"
    ),
    "Requirement": "key operator values*",
    "EnabledSharedMemory": "volume_name size",
    "EmptyDirMount": "volume_name mount_path medium size_limit",
    "SecurityContext": (
        "run_as_user:integer run_as_group:integer run_as_non_root:boolean privileged:boolean "
        "add_capabilities* drop_capabilities*"
    ),
    "InitContainer": (
        "name image command* args* env:Variable* volume_mounts:VolumeMount* restart_policy resources:mapping"
    ),
    "Variable": "name value",
    "VolumeMount": "volume_name mount_path",
    "PodResourceClaim": "resource_claim_template_name resource_claim_json:input",
}
_FOREIGN = {
    "input": f".{_INPUT}",
    "produced": f".{_INPUT}.TaskOutputParameterSpec",
    "mapping": ".google.protobuf.Struct",
}


def read(platform: Any, trail: Trail | None, findings: Findings) -> dict[str, Any]:
    """Read a platform spec; Kubernetes settings of executors included."""
    result = proto.read(platform, "PlatformSpec", trail, findings)
    settings = result.get("platforms", {}).get("kubernetes", {}).get("deploymentSpec", {})
    path: Trail | None = trail
    for key in ("platforms", "kubernetes", "deploymentSpec", "executors"):
        path = (path, key)
    for label, given in settings.get("executors", {}).items():
        settings["executors"][label] = proto.read_as(given, _executor_settings(), (path, label), findings)
    return result


@cache
def _executor_settings() -> Any:
    pool = descriptor_pool.DescriptorPool()
    published = proto.messages().DESCRIPTOR
    _add(pool, published, set())
    file = descriptor_pb2.FileDescriptorProto(
        name="trainshed/kubernetes.proto", package="trainshed.kubernetes", syntax="proto3",
        dependency=[published.name, "google/protobuf/struct.proto"],
    )  # fmt: skip
    for message, fields in _MESSAGES.items():
        made = file.message_type.add(name=message)
        for number, text in enumerate(fields.split(), start=1):
            _add_field(made, number, text)
    pool.Add(file)
    return pool.FindMessageTypeByName("trainshed.kubernetes.KubernetesExecutorConfig")


def _add(pool: Any, file: Any, added: set[str]) -> None:
    if file.name not in added:
        added.add(file.name)
        for dependency in file.dependencies:
            _add(pool, dependency, added)
        pool.AddSerializedFile(file.serialized_pb)


def _add_field(message: Any, number: int, text: str) -> None:
    kinds = descriptor_pb2.FieldDescriptorProto
    name, _, of = text.removesuffix("*").partition(":")
    label = kinds.LABEL_REPEATED if text.endswith("*") else kinds.LABEL_OPTIONAL
    field = message.field.add(name=name, number=number, label=label)
    scalars: Mapping[str, Any] = {"": kinds.TYPE_STRING, "integer": kinds.TYPE_INT32, "boolean": kinds.TYPE_BOOL}
    field.type = scalars.get(of, kinds.TYPE_MESSAGE)
    if of not in scalars:
        field.type_name = _FOREIGN.get(of, f".trainshed.kubernetes.{of}")
