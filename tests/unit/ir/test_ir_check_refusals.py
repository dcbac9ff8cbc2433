"""What no machine without Kubernetes has is refused by feature and task, with the way out; everything else is not."""

import pytest
from unit.ir.documents import a_document, a_loop, problems

from trainshed import ir


def with_settings(**settings):
    return {"platforms": {"kubernetes": {"deploymentSpec": {"executors": {"exec": settings}}}}}


@pytest.mark.parametrize(
    ("setting", "feature", "way_out"),
    [
        ({"pvcMount": [{"constant": "c", "mountPath": "/d"}]}, "a persistent volume (pvcMount)", "hand the files on as an artifact or under gs://"),
        ({"secretAsVolume": [{"secretName": "s", "mountPath": "/d"}]}, "a secret as files (secretAsVolume)", "secretAsEnv"),
        ({"configMapAsEnv": [{"configMapName": "m"}]}, "a cluster's ConfigMap (configMapAsEnv)", "give the values as parameters"),
        ({"configMapAsVolume": [{"configMapName": "m"}]}, "a cluster's ConfigMap as files (configMapAsVolume)", "under gs://"),
        ({"fieldPathAsEnv": [{"name": "N", "fieldPath": "metadata.name"}]}, "facts about its pod (fieldPathAsEnv)", "{{$.pipeline_task_name}}"),
        ({"emptyDirMounts": [{"mountPath": "/d"}]}, "a volume at a path of its own (emptyDirMounts)", "a temporary folder"),
        ({"genericEphemeralVolume": [{"mountPath": "/d"}]}, "a volume of a cluster (genericEphemeralVolume)", "a temporary folder"),
        ({"initContainers": [{"name": "n", "image": "i"}]}, "containers beside it (initContainers)", "tasks that it waits for"),
        ({"podResourceClaims": [{"resourceClaimTemplateName": "n"}]}, "a cluster's devices (podResourceClaims)", "an accelerator"),
    ],
)  # fmt: skip
def test_a_feature_of_a_cluster_is_refused_naming_task_and_way_out(setting, feature, way_out):
    (found,) = problems(a_document(), with_settings(**setting))

    (name,) = setting
    begin = f"platforms.kubernetes.deploymentSpec.executors.exec.{name}: task 'a' needs {feature}, which this machine "
    assert found.startswith(begin)
    assert way_out in found
    assert found.endswith("or run the pipeline on a target that is a Kubernetes cluster")


def test_all_reasons_come_at_once_with_every_task_that_has_them():
    settings = with_settings(pvcMount=[{"constant": "c"}], fieldPathAsEnv=[{"name": "N"}])
    document = a_document(["a", "b"], b={"dependentTasks": ["zz"]})

    found = problems(document, settings)

    assert len(found) == 3
    assert all("tasks 'a', 'b' need" in each for each in found[1:])


def test_a_refusal_of_a_feature_is_told_from_a_fault():
    document = ir.load_dict(a_document(), platform=with_settings(pvcMount=[{"constant": "c"}]))

    assert [f.anchor for f in ir.check(document)] == ["refused"]


@pytest.mark.parametrize(
    "setting",
    [
        {"imagePullPolicy": "Always"},
        {"imagePullSecret": [{"secretName": "s"}]},
        {"nodeSelector": {"labels": {"a": "b"}}},
        {"podMetadata": {"labels": {"a": "b"}, "annotations": {}}},
        {"tolerations": [{"key": "k", "operator": "Exists", "tolerationSeconds": 3}]},
        {"nodeAffinity": [{"matchExpressions": [{"key": "k", "operator": "In", "values": ["v"]}], "weight": 1}]},
        {"podAffinity": [{"topologyKey": "t", "anti": True}]},
        {"enabledSharedMemory": {"volumeName": "m", "size": "1Gi"}},
        {"securityContext": {"runAsUser": 1000, "runAsNonRoot": True}},
        {"activeDeadlineSeconds": 60},
        {"secretAsEnv": [{"secretNameParameter": {"runtimeValue": {"constant": "s"}}, "keyToEnv": [{"secretKey": "k", "envVar": "V"}]}]},
        {"secretAsVolume": [{"secretNameParameter": {"componentInputParameter": "n"}, "mountPath": "/d", "optional": True}]},
        {"configMapAsEnv": [{"configMapNameParameter": {"componentInputParameter": "n"}, "optional": True}]},
        {"pvcMount": []},
    ],
)  # fmt: skip
def test_settings_that_ask_for_nothing_that_is_missing_pass(setting):
    assert problems(a_document(), with_settings(**setting)) == []


def test_settings_of_an_executor_that_no_task_uses_pass():
    document = a_document()
    document["deploymentSpec"]["executors"]["other"] = {"container": {"image": "i"}}
    settings = with_settings()
    settings["platforms"]["kubernetes"]["deploymentSpec"]["executors"] = {"other": {"pvcMount": [{"constant": "c"}]}}

    assert problems(document, settings) == []


@pytest.mark.parametrize("image", ["argostub/createpvc", "argostub/deletepvc"])
def test_tasks_that_make_volumes_are_refused(image):
    document = a_document()
    document["deploymentSpec"]["executors"]["exec"]["container"]["image"] = image

    (found,) = problems(document)

    assert found.startswith("deploymentSpec.executors.exec.container.image: task 'a' needs a cluster that ")
    assert "persistent volumes" in found


def test_the_settings_of_a_pod_as_an_input_are_refused_unless_it_can_do_without():
    document = a_document()
    definitions = {"config": {"parameterType": "TASK_CONFIG"}}
    document["components"]["comp"]["inputDefinitions"] = {"parameters": definitions}

    (found,) = problems(document)
    definitions["config"]["isOptional"] = True

    assert "the input 'config' (TaskConfig)" in found
    assert problems(document) == []


def test_settings_of_a_platform_that_is_not_known_are_a_warning():
    document = ir.load_dict(a_document(), platform={"platforms": {"elsewhere": {"config": {}}}})

    (found,) = ir.check(document)

    assert (found.severity, found.path) == ("warning", "platforms.elsewhere")


def test_workspaces_loops_and_resolvers_are_executed():
    workspace = {"platforms": {"kubernetes": {"pipelineConfig": {"workspace": {"size": "1Gi"}}}}}
    document = a_loop()
    document["deploymentSpec"]["executors"]["exec"] = {
        "resolver": {"outputArtifactQueries": {"m": {"filter": 'schema_title="tfx.Model" AND state=LIVE'}}}
    }

    assert problems(document, workspace) == []


@pytest.mark.parametrize("pools", [[{"replicaCount": 2}], [{}, {"replicaCount": "3"}]])
def test_a_custom_job_of_several_workers_is_refused_and_of_one_is_not(pools):
    pools = [{"containerSpec": {"imageUri": "i"}} | pool for pool in pools]
    document = a_document()
    job = {"jobSpec": {"workerPoolSpecs": pools}}
    document["deploymentSpec"]["executors"]["exec"] = {"customJob": {"customJob": job}}

    (found,) = problems(document)
    job["jobSpec"]["workerPoolSpecs"] = [pools[0] | {"replicaCount": 1}]

    assert "task 'a' needs several workers at once (workerPoolSpecs)" in found
    assert problems(document) == []


def test_a_negative_deadline_of_a_pod_is_a_fault():
    assert problems(a_document(), with_settings(activeDeadlineSeconds=-1)) == [
        "platforms.kubernetes.deploymentSpec.executors.exec.activeDeadlineSeconds: it is negative; give a number from 1 on"
    ]
