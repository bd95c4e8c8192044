"""The examples for runners of Beam: that they can be read, and that what names each other fits together."""

import importlib.resources
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tfx_automl.pipelines.config import RunConfig

FOLDER = importlib.resources.files("tfx_automl.kubeflow.beam")
MINIMAL = {"data": "people.csv", "label": "income", "output": "runs/people"}


def _objects() -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((FOLDER / "flink.yaml").read_text(encoding="utf-8")))


def _named(kind: str, name: str) -> dict[str, Any]:
    (found,) = [each for each in _objects() if (each["kind"], each["metadata"]["name"]) == (kind, name)]
    return found


def _options(name: str) -> dict[str, Any]:
    options: dict[str, Any] = yaml.safe_load((FOLDER / name).read_text(encoding="utf-8"))
    return options


def _pods() -> Iterator[tuple[str, dict[str, Any]]]:
    for each in _objects():
        if each["kind"] == "Deployment":
            yield each["metadata"]["name"], each["spec"]["template"]["spec"]


def _containers(pod: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {container["name"]: container for container in pod["containers"]}


def _port(service: str, name: str) -> int:
    """The port of a service, after making sure that a container behind it listens there."""
    spec = _named("Service", service)["spec"]
    entry = next(port for port in spec["ports"] if port["name"] == name)
    deployments = [
        each
        for each in _objects()
        if each["kind"] == "Deployment"
        and spec["selector"].items() <= each["spec"]["template"]["metadata"]["labels"].items()
    ]
    assert len(deployments) == 1, service
    ports = [port for c in deployments[0]["spec"]["template"]["spec"]["containers"] for port in c["ports"]]
    assert entry["port"] == next(port["containerPort"] for port in ports if port["name"] == entry["targetPort"])
    port: int = entry["port"]
    return port


def test_every_object_has_a_name_and_is_there_once():
    keys = [(each["kind"], each["metadata"]["name"]) for each in _objects()]
    assert len(set(keys)) == len(keys) == 8
    assert all(("apiVersion" in each and "spec" in each) or each["kind"] == "ConfigMap" for each in _objects())


def test_selectors_match_the_labels_of_their_pods():
    policy = _named("NetworkPolicy", "tfx-automl-flink")["spec"]["podSelector"]["matchLabels"]
    for each in _objects():
        if each["kind"] == "Deployment":
            labels = each["spec"]["template"]["metadata"]["labels"]
            assert each["spec"]["selector"]["matchLabels"].items() <= labels.items()
            assert policy.items() <= labels.items(), "nobody else may reach what runs whatever it is sent"


@pytest.mark.parametrize("name", ["flink-run.yaml", "spark-run.yaml", "dataflow.yaml"])
def test_options_are_accepted(name):
    config = RunConfig.from_mapping(MINIMAL | _options(name))
    assert config.beam_runner == name.partition("-")[0].removesuffix(".yaml")


def test_options_reach_the_services():
    options = _options("flink-run.yaml")
    assert options["beam_endpoint"] == f"beam-job-server:{_port('beam-job-server', 'jobs')}"
    assert options["flink_rest"] == f"flink-jobmanager:{_port('flink-jobmanager', 'rest')}"


def test_job_server_tells_clients_where_it_is():
    (server,) = [pod for name, pod in _pods() if name == "beam-job-server"]
    arguments = dict(text.lstrip("-").split("=") for text in _containers(server)["job-server"]["args"])
    assert arguments["flink-master"] == f"flink-jobmanager:{_port('flink-jobmanager', 'rest')}"
    assert arguments["job-host"] == "beam-job-server"
    assert arguments["job-port"] == str(_port("beam-job-server", "jobs"))
    assert arguments["artifact-port"] == str(_port("beam-job-server", "artifacts"))


def test_every_task_manager_has_a_pool_of_its_own():
    (pod,) = [pod for name, pod in _pods() if name == "flink-taskmanager"]
    pool = _containers(pod)["worker-pool"]
    port = pool["ports"][0]["containerPort"]
    assert _options("flink-run.yaml")["beam_environment_config"] == f"localhost:{port}"
    assert pool["command"][-1] == f"--service_port={port}"
    importlib.import_module(pool["command"][2])


def test_parallelism_is_the_number_of_slots():
    properties = yaml.safe_load(_named("ConfigMap", "flink-properties")["data"]["FLINK_PROPERTIES"])
    slots = _named("Deployment", "flink-taskmanager")["spec"]["replicas"] * properties["taskmanager.numberOfTaskSlots"]
    assert _options("flink-run.yaml")["beam_parallelism"] == slots
    assert properties["jobmanager.rpc.address"] == "flink-jobmanager"


def test_all_that_read_or_write_artifacts_mount_the_same_folder():
    claim = _named("PersistentVolumeClaim", "tfx-automl-runs")
    assert claim["spec"]["accessModes"] == ["ReadWriteMany"]
    mounts = []
    for _, pod in _pods():
        claims = {volume["name"]: volume["persistentVolumeClaim"]["claimName"] for volume in pod.get("volumes", [])}
        for name, container in _containers(pod).items():
            mounts += [(name, claims[m["name"]], m["mountPath"]) for m in container.get("volumeMounts", [])]
    assert {name for name, _, _ in mounts} == {"taskmanager", "worker-pool", "job-server"}
    assert {mount[1:] for mount in mounts} == {("tfx-automl-runs", "/mnt/runs")}
    options = _options("flink-run.yaml")
    assert all(str(options[key]).startswith("/mnt/runs/") for key in ("data", "output"))


def test_flink_has_one_version_everywhere():
    images = {name: c["image"] for _, pod in _pods() for name, c in _containers(pod).items()}
    assert images["jobmanager"] == images["taskmanager"] == "flink:1.19-java11"
    assert images["job-server"].startswith("apache/beam_flink1.19_job_server:")
