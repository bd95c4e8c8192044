"""What tasks get from the cluster: checked, and written as Kubernetes and Vertex want it."""

import pytest
import yaml

from tfx_automl.errors import ConfigError
from tfx_automl.kubeflow import platform
from tfx_automl.kubeflow.settings import KubeflowConfig, TaskSettings, settings_from_mapping

EVERYTHING = {
    "cpu": "4",
    "memory": "16Gi",
    "accelerator": "nvidia.com/gpu",
    "accelerators": 2,
    "node_selector": {"pool": "gpu"},
    "retries": 3,
    "env": {"ON": "yes"},
    "secret_env": {"TOKEN": ["hub", "token"]},
    "secret_volumes": {"/secrets/hub": "hub"},
    "volumes": {"/data": "claim"},
    "cache": False,
}


def test_every_setting_reaches_the_pipeline(compiled):
    import kubeflow_for_tests

    settings = {"Count": TaskSettings.from_mapping(EVERYTHING)}
    result = compiled(kubeflow_for_tests.make(), settings=settings)
    container = result.spec["deploymentSpec"]["executors"]["exec-count"]["container"]
    assert container["env"] == [{"name": "ON", "value": "yes"}]
    assert container["resources"] == {
        "cpuLimit": 4.0,
        "cpuRequest": 4.0,
        "resourceCpuLimit": "4",
        "resourceCpuRequest": "4",
        "memoryLimit": 17.179869184,
        "memoryRequest": 17.179869184,
        "resourceMemoryLimit": "16Gi",
        "resourceMemoryRequest": "16Gi",
        "accelerator": {
            "type": "nvidia.com/gpu",
            "count": "2",
            "resourceType": "nvidia.com/gpu",
            "resourceCount": "2",
        },
    }
    task = result.spec["root"]["dag"]["tasks"]["count"]
    assert task["retryPolicy"]["maxRetryCount"] == 3
    assert task["cachingOptions"] == {}
    hub = {"secretName": "hub", "secretNameParameter": {"runtimeValue": {"constant": "hub"}}, "optional": False}
    claim = {"constant": "claim", "pvcNameParameter": {"runtimeValue": {"constant": "claim"}}, "mountPath": "/data"}
    assert result.platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"] == {
        "exec-count": {
            "nodeSelector": {"labels": {"pool": "gpu"}},
            "secretAsEnv": [hub | {"keyToEnv": [{"envVar": "TOKEN", "secretKey": "token"}]}],
            "secretAsVolume": [hub | {"mountPath": "/secrets/hub"}],
            "pvcMount": [claim],
        }
    }
    assert len(list(yaml.safe_load_all(result.yaml()))) == 2


def test_nothing_asked_for_is_one_document(compiled):
    import kubeflow_for_tests

    result = compiled(kubeflow_for_tests.make())
    assert result.platform is None
    assert "resources" not in result.yaml()


def test_component_that_does_not_exist(compiled):
    import kubeflow_for_tests

    with pytest.raises(ConfigError, match=r"There is no component 'Cont'\. Did you mean 'Count'\?"):
        compiled(kubeflow_for_tests.make(), settings={"Cont": TaskSettings(cpu="1")})


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"cpu": "many"}, "cpu: expected cores as 4, 0.5 or 500m, got 'many'"),
        ({"cpu": 4.0, "memory": "16 GB"}, "memory: expected bytes as 16Gi, 16G or 17179869184, got '16 GB'"),
        ({"retries": -1}, "retries: expected 0 or more, got -1"),
        ({"retries": "3"}, "retries: expected a whole number, got '3'"),
        ({"retries": True}, "retries: expected a whole number, got True"),
        ({"accelerator": "nvidia.com/gpu", "accelerators": 0}, "accelerators: expected 1 or more"),
        ({"env": {"ON": True}}, "env: expected texts by text .numbers and yes in quotes."),
        ({"env": {"1A": "x"}}, "'1A' cannot be the name of a variable"),
        ({"env": {"A": "x"}, "secret_env": {"A": ("s", "k")}}, "env and secret_env both set A"),
        ({"secret_env": {"A": "hub"}}, r"expected a secret and a key by variable, as TOKEN: \[hub, token\]"),
        ({"volumes": {"data": "claim"}}, "a volume is mounted at an absolute path"),
        (
            {"volumes": {"/a": "c"}, "secret_volumes": {"/a": "s"}},
            "secret_volumes and volumes both mount something at /a",
        ),
        ({"cache": "yes"}, "cache: expected true or false, got 'yes'"),
        ({"gpu": 1}, "There is no setting 'gpu'"),
        ({"memry": "1Gi"}, "There is no setting 'memry'. Did you mean 'memory'?"),
        ({"backoff": -1}, "backoff: expected seconds, 0 or more"),
    ],
)
def test_wrong_settings(values, message):
    with pytest.raises(ConfigError, match=message):
        TaskSettings.from_mapping(values)


def test_defaults_complete_the_settings_of_components():
    defaults, found = settings_from_mapping({"default": {"cpu": 1, "retries": 2}, "Trainer": {"cpu": 8}})
    assert defaults == TaskSettings(cpu="1", retries=2)
    assert found == {"Trainer": TaskSettings(cpu="8", retries=2)}


def test_mistakes_of_several_components_come_at_once():
    with pytest.raises(ConfigError) as raised:
        settings_from_mapping({"default": {"cpu": "x"}, "A": {"cpu": "1", "memory": "x"}, "B": [1]})
    assert [problem.partition(":")[0] for problem in raised.value.problems] == ["default", "A", "B"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"target": "airflow"}, "--target: expected kubeflow or vertex, got 'airflow'"),
        ({"image": " "}, "--image: name the container image"),
        ({"pipeline_root": "bucket"}, "--pipeline-root: expected gs://, s3://, minio:// or an absolute path"),
        ({"target": "vertex", "pipeline_root": "minio://b"}, "Vertex keeps artifacts in gs:// only"),
    ],
)
def test_wrong_configuration(options, message):
    with pytest.raises(ConfigError, match=message):
        KubeflowConfig(**{"image": "image", "pipeline_root": "gs://b", **options})


@pytest.mark.parametrize("name", ["node_selector", "secret_env", "secret_volumes", "volumes"])
def test_vertex_has_no_kubernetes(name):
    settings = TaskSettings.from_mapping({name: EVERYTHING[name]})
    with pytest.raises(ConfigError, match=f"Trainer: {name} is for Kubernetes; Vertex has no such thing"):
        KubeflowConfig(image="i", pipeline_root="gs://b", target="vertex", settings={"Trainer": settings})
    with pytest.raises(ConfigError, match=f"every component: {name} is for Kubernetes"):
        KubeflowConfig(image="i", pipeline_root="gs://b", target="vertex", defaults=settings)


@pytest.mark.parametrize(
    ("text", "gigabytes"), [("1G", 1.0), ("1Gi", 1.073741824), ("500M", 0.5), ("1000000000", 1.0), ("0.5T", 500.0)]
)
def test_memory_in_gigabytes(text, gigabytes):
    made = platform.with_settings({"container": {}}, TaskSettings(memory=text), "vertex")
    assert made["container"]["resources"] == {"memoryLimit": gigabytes, "memoryRequest": gigabytes}


def test_half_a_core_on_vertex():
    made = platform.with_settings({"container": {}}, TaskSettings(cpu="500m"), "vertex")
    assert made["container"]["resources"] == {"cpuLimit": 0.5, "cpuRequest": 0.5}
