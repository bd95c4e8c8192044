"""Manifests: the fields that KServe and Kubernetes document, in YAML that every reader understands alike."""

import pytest
import yaml

from tfx_automl.errors import ConfigError
from tfx_automl.kubeflow.client.manifest import Serving

URI = "gs://bucket/serving/penguins"


def loaded(serving: Serving) -> list:
    return list(yaml.safe_load_all(serving.yaml()))


def test_kserve():
    (service,) = loaded(Serving(model_uri=URI, name="penguins", namespace="team-a", service_account="reader"))
    amount = {"cpu": "1", "memory": "2Gi"}
    assert service == {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": {"name": "penguins", "namespace": "team-a", "labels": {"app": "penguins"}},
        "spec": {
            "predictor": {
                "minReplicas": 1,
                "serviceAccountName": "reader",
                "model": {
                    "modelFormat": {"name": "tensorflow"},
                    "storageUri": URI,
                    "resources": {"requests": amount, "limits": amount},
                },
            }
        },
    }


@pytest.mark.parametrize("uri", [f"{URI}/1767225600", f"{URI}/1767225600/", f"{URI}/"])
@pytest.mark.parametrize("kind", ["kserve", "tf-serving"])
def test_folder_of_the_versions_is_served(uri, kind):
    assert Serving(model_uri=uri, name="p", kind=kind).yaml() == Serving(model_uri=URI, name="p", kind=kind).yaml()


def test_tf_serving():
    deployment, service = loaded(Serving(model_uri=URI, name="penguins", kind="tf-serving", replicas=2, cpu="500m"))
    assert (deployment["apiVersion"], deployment["kind"]) == ("apps/v1", "Deployment")
    assert (service["apiVersion"], service["kind"]) == ("v1", "Service")
    assert deployment["spec"]["replicas"] == 2
    pod = deployment["spec"]["template"]
    labels = deployment["spec"]["selector"]["matchLabels"]
    assert labels == pod["metadata"]["labels"] == service["spec"]["selector"]
    (container,) = pod["spec"]["containers"]
    assert container["image"].startswith("tensorflow/serving:")
    assert container["args"] == [
        "--port=8500",
        "--rest_api_port=8501",
        "--model_name=penguins",
        f"--model_base_path={URI}",
    ]
    assert container["resources"]["limits"] == container["resources"]["requests"] == {"cpu": "500m", "memory": "2Gi"}
    assert container["readinessProbe"]["httpGet"] == {"path": "/v1/models/penguins", "port": 8501}
    exposed = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert exposed == {port["name"]: port["targetPort"] for port in service["spec"]["ports"]}
    assert exposed == {"grpc": 8500, "rest": 8501}
    assert "volumes" not in pod["spec"]


def test_tf_serving_from_a_volume():
    deployment, _ = loaded(Serving(model_uri="pvc://claim/a/serving/7", name="p", kind="tf-serving"))
    pod = deployment["spec"]["template"]["spec"]
    (volume,), (container,) = pod["volumes"], pod["containers"]
    assert volume["persistentVolumeClaim"] == {"claimName": "claim", "readOnly": True}
    assert container["volumeMounts"] == [{"name": volume["name"], "mountPath": "/models", "readOnly": True}]
    assert "--model_base_path=/models/a/serving" in container["args"]


@pytest.mark.parametrize("kind", ["kserve", "tf-serving"])
def test_words_of_yaml_1_1_stay_strings(kind):
    texts = {"name": "on", "namespace": "no", "service_account": "y", "cpu": "1", "memory": "1"}
    for document in loaded(Serving(model_uri="gs://b/off", kind=kind, **texts)):
        assert document["metadata"] == {"name": "on", "namespace": "no", "labels": {"app": "on"}}
    assert Serving(model_uri="gs://b/off", kind=kind, **texts).yaml().count('"on"') >= 2


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"kind": "seldon"}, "--kind: expected kserve or tf-serving, got 'seldon'"),
        ({"model_uri": "/tmp"}, "--model-uri: kserve reads a folder at gs://, s3://, pvc://, hdfs://; got '/tmp'"),
        ({"model_uri": "gs://bucket"}, "--model-uri: kserve reads a folder"),
        ({"model_uri": "minio://bucket/m"}, "--model-uri: kserve reads a folder"),
        ({"model_uri": "s3://b/m", "kind": "tf-serving"}, "--model-uri: tf-serving reads a folder at gs://, pvc://"),
        ({"name": "Penguins"}, "--name: expected a Kubernetes name: .* got 'Penguins'"),
        ({"name": "1a"}, "--name: expected a Kubernetes name"),
        ({"name": "a" * 64}, "--name: expected a Kubernetes name"),
        ({"namespace": "a b"}, "--namespace: expected a Kubernetes name"),
        ({"cpu": "one"}, "--cpu: expected cores such as 1, 0.5 or 500m, got 'one'"),
        ({"memory": "2GB"}, "--memory: expected bytes such as 2Gi, got '2GB'"),
        ({"replicas": 0}, "--replicas: expected 1 to 1000, got 0"),
    ],
)
def test_mistakes(options, complaint):
    with pytest.raises(ConfigError, match=complaint):
        Serving(**{"model_uri": URI, "name": "penguins", **options})


def test_password_is_not_repeated():
    with pytest.raises(ConfigError) as caught:
        Serving(model_uri="gs://me:s3cret@bucket/m", name="p")
    assert "s3cret" not in str(caught.value)


def test_command(tmp_path, capsys):
    from tfx_automl.pipelines.commands import execute

    file = tmp_path / "new" / "serve.yaml"
    arguments = ["serve-manifest", "--model-uri", f"{URI}/12", "--name", "p", "--kind", "tf-serving", "-o", str(file)]
    assert execute([*arguments, "--replicas", "3", "--image", "mirror/serving:1"]) == 0
    assert f"p from {URI}, by tf-serving" in capsys.readouterr().out
    first = file.read_text(encoding="utf-8")
    assert first == Serving(model_uri=URI, name="p", kind="tf-serving", replicas=3, image="mirror/serving:1").yaml()
    assert execute([*arguments, "--replicas", "some"]) == 2
    assert "--replicas: expected a whole number, got 'some'" in capsys.readouterr().err
    assert file.read_text(encoding="utf-8") == first
