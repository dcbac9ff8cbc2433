"""Documents to mutate: one with every feature, and real ones where they are."""

import json
import os
from pathlib import Path

import yaml

# other projects' test data, where it is
_SHARED = Path(os.environ.get("TRAINSHED_CONFORMANCE", Path(__file__).parents[4] / "shared" / "conformance"))


def _value(constant):
    return {"runtimeValue": {"constant": constant}}


def _inputs(**types):
    return {"parameters": {name: {"parameterType": kind} for name, kind in types.items()}}


def every_feature():
    """Make a document with a loop, a choice, an exit task, a selector and all kinds of executors."""
    body = {
        "dag": {
            "tasks": {
                "b": {
                    "componentRef": {"name": "leaf"},
                    "inputs": {
                        "parameters": {
                            "n": {
                                "componentInputParameter": "item",
                                "parameterExpressionSelector": 'parseJson(string_value)["a"]',
                            }
                        }
                    },
                    "retryPolicy": {"maxRetryCount": 2, "backoffDuration": "1s", "backoffFactor": 2.0},
                }
            },
            "outputs": {
                "parameters": {"o": {"valueFromParameter": {"producerSubtask": "b", "outputParameterKey": "o"}}},
                "artifacts": {"d": {"artifactSelectors": [{"producerSubtask": "b", "outputArtifactKey": "d"}]}},
            },
        },
        "inputDefinitions": _inputs(items="LIST", item="STRUCT"),
        "outputDefinitions": {
            "parameters": {"o": {"parameterType": "LIST"}},
            "artifacts": {"d": {"isArtifactList": True}},
        },
    }
    choice = {
        "dag": {
            "tasks": {
                "then": {"componentRef": {"name": "leaf"}, "inputs": {"parameters": {"n": _value(1)}}},
                "else": {"componentRef": {"name": "leaf"}, "inputs": {"parameters": {"n": _value({"a": [1, None]})}}},
            },
            "outputs": {
                "parameters": {
                    "o": {
                        "valueFromOneof": {
                            "parameterSelectors": [
                                {"producerSubtask": "then", "outputParameterKey": "o"},
                                {"producerSubtask": "else", "outputParameterKey": "o"},
                            ]
                        }
                    }
                }
            },
        },
        "outputDefinitions": {"parameters": {"o": {"parameterType": "STRING"}}},
    }
    tasks = {
        "loop": {
            "componentRef": {"name": "body"},
            "inputs": {"parameters": {"items": _value([{"a": 1}])}},
            "parameterIterator": {"itemInput": "item", "items": {"inputParameter": "items"}},
            "iteratorPolicy": {"parallelismLimit": 2},
        },
        "choice": {
            "componentRef": {"name": "choice"},
            "inputs": {"parameters": {"mode": {"componentInputParameter": "mode"}}},
            "triggerPolicy": {"condition": "inputs.parameter_values['mode'] == 'x'"},
            "dependentTasks": ["loop"],
        },
        "fetch": {"componentRef": {"name": "fetch"}, "inputs": {"parameters": {"uri": _value("gs://b/o")}}},
        "find": {"componentRef": {"name": "find"}},
        "far": {"componentRef": {"name": "far"}, "inputs": {"artifacts": {"d": _output("fetch", "artifact")}}},
        "last": {
            "componentRef": {"name": "exit"},
            "dependentTasks": ["choice", "far"],
            "inputs": {"parameters": {"status": {"taskFinalStatus": {"producerTask": "choice"}}}},
            "triggerPolicy": {"strategy": "ALL_UPSTREAM_TASKS_COMPLETED"},
            "cachingOptions": {"enableCache": True, "cacheKey": "k"},
        },
    }
    leaf = {
        "executorLabel": "exec",
        "inputDefinitions": _inputs(n="NUMBER_INTEGER"),
        "outputDefinitions": {
            "parameters": {"o": {"parameterType": "STRING"}},
            "artifacts": {"d": {"artifactType": {"schemaTitle": "system.Dataset", "schemaVersion": "0.0.1"}}},
        },
    }
    artifact = {"artifacts": {"artifact": {"artifactType": {"schemaTitle": "system.Model"}}}}
    return {
        "schemaVersion": "2.1.0",
        "sdkVersion": "kfp-2.16.0",
        "defaultPipelineRoot": "gs://b/root",
        "pipelineInfo": {"name": "everything"},
        "root": {
            "dag": {"tasks": tasks},
            "inputDefinitions": {
                "parameters": {"mode": {"parameterType": "STRING", "defaultValue": "x", "isOptional": True}}
            },
        },
        "components": {
            "leaf": leaf,
            "body": body,
            "choice": choice,
            "fetch": {
                "executorLabel": "fetch",
                "inputDefinitions": _inputs(uri="STRING"),
                "outputDefinitions": artifact,
            },
            "find": {"executorLabel": "find", "outputDefinitions": artifact},
            "far": {"executorLabel": "far", "inputDefinitions": {"artifacts": {"d": {}}}},
            "exit": {"executorLabel": "exec", "inputDefinitions": _inputs(status="TASK_FINAL_STATUS")},
        },
        "deploymentSpec": {"executors": _executors()},
    }


def _output(task, key):
    return {"taskOutputArtifact": {"producerTask": task, "outputArtifactKey": key}}


def _executors():
    pool = {"containerSpec": {"imageUri": "i", "args": ["x"]}, "machineSpec": {"acceleratorCount": 1}}
    job = {"jobSpec": {"workerPoolSpecs": [pool], "scheduling": {"timeout": "60s"}}}
    return {
        "exec": {
            "container": {
                "image": "i",
                "command": ["x", "{{$.inputs.parameters['n']}}"],
                "args": ['{"IfPresent": {"InputName": "n", "Then": ["--n"]}}'],
                "env": [{"name": "A", "value": "b"}],
                "resources": {"resourceCpuLimit": "500m", "memoryLimit": 2.5, "accelerator": {"resourceCount": "1"}},
                "lifecycle": {"preCacheCheck": {"command": ["y"]}},
            }
        },
        "fetch": {
            "importer": {"artifactUri": {"runtimeParameter": "uri"}, "typeSchema": {"schemaTitle": "system.Model"}}
        },
        "find": {"resolver": {"outputArtifactQueries": {"artifact": {"filter": 'schema_title="system.Model"'}}}},
        "far": {"customJob": {"customJob": job}},
    }


def platform():
    """Make a platform spec with settings of every kind."""
    settings = {
        "secretAsEnv": [{"secretName": "s", "keyToEnv": [{"secretKey": "k", "envVar": "V"}]}],
        "secretAsVolume": [{"secretNameParameter": {"componentInputParameter": "mode"}, "optional": True}],
        "nodeSelector": {"labels": {"a": "b"}},
        "tolerations": [{"key": "k", "tolerationSeconds": 5}],
        "activeDeadlineSeconds": 60,
    }
    kubernetes = {"deploymentSpec": {"executors": {"exec": settings}}, "pipelineConfig": {"workspace": {"size": "1Gi"}}}
    return {"platforms": {"kubernetes": kubernetes}}


def texts():
    """Answer the texts to mutate: YAML and JSON, bare and wrapped, and what other projects have."""
    spec = every_feature()
    job = {
        "pipelineSpec": spec,
        "displayName": "x",
        "labels": {"a": "b"},
        "runtimeConfig": {"parameterValues": {"mode": "y"}},
    }
    own = [
        yaml.safe_dump(spec, sort_keys=False),
        yaml.safe_dump_all([spec, platform()]),
        json.dumps(spec),
        json.dumps(job, indent=1),
    ]
    found = sorted(p for p in _SHARED.glob("*/**/*") if p.suffix in {".yaml", ".json"} and p.name != "cases.json")
    return own + [p.read_text(encoding="utf-8") for p in found if "container" not in p.parent.name]
