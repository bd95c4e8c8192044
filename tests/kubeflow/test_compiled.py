"""Compiled pipelines: as they were before, sound, and readable for the SDKs of Kubeflow and Vertex."""

import os
from pathlib import Path
from typing import Any

import pytest
import yaml
from lint_for_tests import problems

from tfx_automl.kubeflow.settings import TaskSettings

GOLDEN = Path(__file__).parent / "golden"
SETTINGS = {
    "Count": TaskSettings(cpu="2", memory="4Gi", retries=2, env={"ON": "yes"}, secret_env={"TOKEN": ("hub", "n")}),
    "Read": TaskSettings(
        accelerator="nvidia.com/gpu", node_selector={"pool": "1"}, volumes={"/data": "on"}, cache=False
    ),
}
OF_VERTEX = {"Count": TaskSettings(cpu="2", memory="4Gi"), "Read": TaskSettings(accelerator="NVIDIA_TESLA_T4")}


def everything(compiled: Any, target: str = "kubeflow", exit_handler: bool = True) -> Any:
    import kubeflow_for_tests
    from tfx.orchestration.kubeflow.decorators import FinalStatusStr

    handler = kubeflow_for_tests.Say(text=FinalStatusStr(), path="/ended").with_id("Last") if exit_handler else None
    options = {"settings": SETTINGS} if target == "kubeflow" else {"settings": OF_VERTEX, "pipeline_root": "gs://b/run"}
    return compiled(kubeflow_for_tests.make(), handler, target=target, image="registry/image:1", **options)


@pytest.fixture(scope="module")
def files(compiled: Any, tmp_path_factory: Any) -> dict[str, Path]:
    """Compiled pipelines by name."""
    folder = tmp_path_factory.mktemp("compiled")
    made = {
        "everything": everything(compiled),
        "everything-vertex": everything(compiled, "vertex"),
        "plain": everything(compiled, exit_handler=False),
    }
    for name, result in made.items():
        (folder / f"{name}.yaml").write_text(result.yaml())
    return {name: folder / f"{name}.yaml" for name in made}


@pytest.mark.parametrize("name", ["everything", "everything-vertex"])
def test_golden(files, name):
    """Differences are shown line by line; if they are meant, UPDATE_GOLDEN=1 takes them over."""
    golden = GOLDEN / f"{name}.yaml"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(files[name].read_text())
    assert files[name].read_text().splitlines() == golden.read_text().splitlines()


def test_the_same_again_is_the_same_text(compiled, files):
    assert everything(compiled).yaml() == files["everything"].read_text()


@pytest.mark.parametrize("name", ["everything", "everything-vertex", "plain"])
def test_sound(files, name):
    spec = next(yaml.safe_load_all(files[name].read_text()))
    assert problems(spec) == []


def test_the_lint_finds_what_is_wrong(files):
    spec = next(yaml.safe_load_all(files["plain"].read_text()))
    tasks = spec["root"]["dag"]["tasks"]
    tasks["read"]["inputs"]["artifacts"]["note"]["taskOutputArtifact"]["outputArtifactKey"] = "gone"
    tasks["a_b"] = tasks.pop("say-yes")
    assert sorted(problems(spec)) == ["read needs gone of write-it-first, which it does not have", "task 'a_b'"]


def test_kubeflow_sdk_loads_it(files, kfp_run):
    done = kfp_run("load", *(str(path) for path in files.values()))
    assert done.returncode == 0, done.stderr


def test_vertex_sdk_loads_it(files):
    aiplatform = pytest.importorskip("google.cloud.aiplatform")
    from google.auth.credentials import AnonymousCredentials

    job = aiplatform.PipelineJob(
        display_name="everything",
        template_path=str(files["everything-vertex"]),
        parameter_values={"start": 7},
        project="project",
        location="europe-west4",
        credentials=AnonymousCredentials(),
    )
    assert job._gca_resource.runtime_config.gcs_output_directory == "gs://b/run"
    assert dict(job._gca_resource.runtime_config.parameter_values) == {"start": 7}
    assert "platforms" not in job._gca_resource.pipeline_spec


def test_an_artifact_and_a_value_of_one_name(compiled):
    """TFX's own compiler gives both the same key, so that one shadows the other."""
    import kubeflow_for_tests
    from tfx import v1 as tfx

    first = kubeflow_for_tests.Count(start=1)
    second = kubeflow_for_tests.Count(start=first.outputs["total"].future()[0].value).with_id("Second")
    result = compiled(tfx.dsl.Pipeline(pipeline_name="p", pipeline_root="unused", components=[first, second]))
    inputs = result.spec["root"]["dag"]["tasks"]["second"]["inputs"]
    assert problems(result.spec) == []
    assert [entry["taskOutputArtifact"]["producerTask"] for entry in inputs["artifacts"].values()] == ["count"]


def test_names_that_differ_only_in_what_argo_lacks(compiled):
    import kubeflow_for_tests
    from tfx import v1 as tfx

    counts = [kubeflow_for_tests.Count(start=1).with_id(name) for name in ("a.b", "a_b", "A.B", "exit-handler-1")]
    result = compiled(tfx.dsl.Pipeline(pipeline_name="p", pipeline_root="unused", components=counts))
    assert sorted(result.spec["root"]["dag"]["tasks"]) == ["a-b", "a-b-2", "a-b-3", "exit-handler-1-2"]


def test_whole_numbers_that_floating_point_cannot_hold(launch):
    import kubeflow_for_tests
    from tfx import v1 as tfx

    count = kubeflow_for_tests.Count(start=2**60)
    run = launch(tfx.dsl.Pipeline(pipeline_name="p", pipeline_root="unused", components=[count]))
    uri = run.outputs["count"]["total"]["uri"].removeprefix("minio://")
    assert (run.bucket / uri).read_text() == str(2**60 + 1)
