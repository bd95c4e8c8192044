"""The options of Beam: what is refused, and which arguments reach which component."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfx_automl.errors import ConfigError
from tfx_automl.models.task import TaskSpec
from tfx_automl.pipelines.beam_config import ENVIRONMENTS, IN_PROCESS, RUNNERS
from tfx_automl.pipelines.build import build_pipeline
from tfx_automl.pipelines.config import RunConfig
from tfx_automl.pipelines.flink_jobs import job_name
from tfx_automl.pipelines.output import OutputFolder

MINIMAL = {"data": "people.csv", "label": "income", "output": "runs/people"}
FLINK = {"beam_runner": "flink", "beam_endpoint": "jobs:8099", "beam_environment": "loopback"}
EXTERNAL = {**FLINK, "beam_environment": "external", "beam_environment_config": "localhost:50000"}
DATAFLOW = {
    "beam_runner": "dataflow",
    "dataflow_project": "mine",
    "dataflow_region": "europe-west1",
    "dataflow_temp": "gs://bucket/temp",
    "dataflow_image": "image:1",
}


def _config(options: dict[str, Any]) -> RunConfig:
    return RunConfig.from_mapping(MINIMAL | options)


def _arguments(options: dict[str, Any]) -> list[str]:
    return _config(options).beam_arguments("a-run")


def test_without_options_everything_runs_in_this_process():
    assert _arguments({}) == list(IN_PROCESS)
    assert _arguments({"beam_runner": "direct", "beam_option": "direct_num_workers=2"}) == [
        *IN_PROCESS,
        "--direct_num_workers=2",
    ]


def test_arguments_for_flink():
    assert _arguments(EXTERNAL | {"beam_parallelism": "4", "beam_option": ["number_of_execution_retries=2"]}) == [
        "--runner=PortableRunner",
        "--job_endpoint=jobs:8099",
        "--job_name=a-run",
        "--environment_type=EXTERNAL",
        "--environment_config=localhost:50000",
        "--parallelism=4",
        "--sdk_container_image=none",
        "--number_of_execution_retries=2",
    ]


@pytest.mark.parametrize("runner", ["flink", "spark"])
def test_environments(runner):
    def found(kind: str, config: str | None) -> list[str]:
        options = FLINK | {"beam_runner": runner, "beam_environment": kind, "beam_environment_config": config}
        return [
            text
            for text in _arguments(options)
            if text.startswith(("--environment_type", "--environment_config", "--sdk"))
        ]

    assert found("loopback", None) == ["--environment_type=LOOPBACK", "--sdk_container_image=none"]
    # With the image named, TFX does not pack itself up for it.
    docker = ["--environment_type=DOCKER", "--environment_config=me/image:1", "--sdk_container_image=me/image:1"]
    assert found("docker", "me/image:1") == docker
    for written in ("boot --x", '{"command": "boot --x"}'):
        kind, config, _ = found("process", written)
        assert kind == "--environment_type=PROCESS"
        assert json.loads(config.partition("=")[2]) == {"command": "boot --x"}


def test_arguments_for_dataflow():
    options = DATAFLOW | {"beam_parallelism": 20, "beam_option": ["machine_type=n2-standard-4", "no_use_public_ips"]}
    assert _arguments(options) == [
        "--runner=DataflowRunner",
        "--project=mine",
        "--region=europe-west1",
        "--temp_location=gs://bucket/temp",
        "--sdk_container_image=image:1",
        "--sdk_location=container",
        "--max_num_workers=20",
        "--machine_type=n2-standard-4",
        "--no_use_public_ips",
    ]


def test_beam_understands_its_arguments():
    """Beam keeps silent about an argument that it does not know, so a misspelt one would change nothing."""
    from apache_beam.options.pipeline_options import GoogleCloudOptions, PipelineOptions, PortableOptions, WorkerOptions

    portable = PipelineOptions(_arguments(EXTERNAL | {"beam_parallelism": 4}))
    found = portable.view_as(PortableOptions)
    assert (found.job_endpoint, found.environment_type) == ("jobs:8099", "EXTERNAL")
    assert found.environment_config == "localhost:50000"
    assert portable.view_as(GoogleCloudOptions).job_name == "a-run"
    cloud = PipelineOptions(_arguments(DATAFLOW | {"beam_parallelism": 20, "beam_option": "machine_type=big"}))
    google, workers = cloud.view_as(GoogleCloudOptions), cloud.view_as(WorkerOptions)
    assert (google.project, google.region, google.temp_location) == ("mine", "europe-west1", "gs://bucket/temp")
    assert (workers.sdk_container_image, workers.max_num_workers, workers.machine_type) == ("image:1", 20, "big")


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"beam_runner": "prism"}, "--beam-runner: expected one of direct, flink, spark, dataflow, got 'prism'."),
        ({"beam_runner": "flink"}, "--beam-runner flink needs --beam-endpoint: the job server, as in localhost:8099."),
        ({"beam_runner": "spark"}, "--beam-runner spark needs --beam-environment: how Python workers are started"),
        ({"beam_runner": "dataflow"}, "--beam-runner dataflow needs --dataflow-image: an image with Beam's boot"),
        (
            {"beam_endpoint": "jobs:8099"},
            "--beam-endpoint is for --beam-runner flink or spark; got 'jobs:8099' with direct: leave it out, or name",
        ),
        (DATAFLOW | {"beam_environment": "docker"}, "--beam-environment is for --beam-runner flink or spark; got"),
        (FLINK | {"dataflow_region": "here"}, "--dataflow-region is for --beam-runner dataflow; got 'here' with flink"),
        (
            FLINK | {"beam_runner": "spark", "beam_parallelism": 2},
            "--beam-parallelism is for --beam-runner flink or dataflow; got 2 with spark: leave it out (the job",
        ),
        (FLINK | {"beam_runner": "spark", "flink_rest": "a:1"}, "--flink-rest is for --beam-runner flink; got 'a:1'"),
        (FLINK | {"beam_endpoint": "http://jobs:8099"}, "--beam-endpoint: expected HOST:PORT, as in localhost:8099"),
        (FLINK | {"beam_endpoint": "jobs"}, "--beam-endpoint: expected HOST:PORT, as in localhost:8099, got 'jobs'."),
        (FLINK | {"flink_rest": "rest:99999"}, "--flink-rest: expected HOST:PORT, as in localhost:8099, got 'rest:9"),
        (FLINK | {"beam_environment": "pool"}, "--beam-environment: expected one of loopback, docker, external, proc"),
        (FLINK | {"beam_environment": "external"}, "--beam-environment external needs --beam-environment-config: the"),
        (FLINK | {"beam_environment": "docker"}, "--beam-environment docker needs --beam-environment-config: an image"),
        (FLINK | {"beam_environment_config": "x"}, "--beam-environment-config: loopback takes none, as workers run in"),
        (EXTERNAL | {"beam_environment_config": "pool"}, "--beam-environment-config: expected HOST:PORT, as in local"),
        (FLINK | {"beam_parallelism": 0}, "--beam-parallelism: expected 1 or more, got 0."),
        (FLINK | {"beam_parallelism": "many"}, "--beam-parallelism: expected a whole number, got 'many'."),
        (DATAFLOW | {"dataflow_temp": "/tmp"}, "--dataflow-temp: expected a folder in a bucket, as in gs://bucket/te"),
        (DATAFLOW | {"runner": "beam"}, "--runner beam with --beam-runner dataflow: trials keep checkpoints in a fol"),
        ({"beam_option": "--machine_type=x"}, "--beam-option: expected NAME=VALUE, as in machine_type=n2-standard-4"),
        ({"beam_option": "runner=DirectRunner"}, "--beam-option: 'runner=DirectRunner' is what --beam-runner says alr"),
        ({"beam_option": "project=x"}, "--beam-option: 'project=x' is what --dataflow-project says already; leave it"),
    ],
)
def test_what_does_not_fit_is_refused(options, problem):
    with pytest.raises(ConfigError) as caught:
        _config(options)
    assert any(found.startswith(problem) for found in caught.value.problems), caught.value.problems


@given(
    runner=st.sampled_from(RUNNERS),
    endpoint=st.none() | st.just("jobs:8099"),
    environment=st.none() | st.sampled_from(ENVIRONMENTS),
    config=st.none() | st.sampled_from(["localhost:50000", "image", ""]),
    parallelism=st.none() | st.integers(-1, 3),
    trials=st.sampled_from(["processes", "beam"]),
)
def test_a_configuration_is_refused_in_sentences_or_beam_can_use_it(
    runner, endpoint, environment, config, parallelism, trials
):
    options = {"beam_endpoint": endpoint, "beam_environment": environment, "beam_environment_config": config}
    options |= {"beam_runner": runner, "beam_parallelism": parallelism, "runner": trials}
    options |= {name: value for name, value in DATAFLOW.items() if name.startswith("dataflow") and runner == "dataflow"}
    try:
        arguments = _arguments(options)
    except ConfigError as error:
        assert all(problem.startswith("--") and problem.endswith(".") for problem in error.problems)
        return
    given_names = [text.partition("=")[0] for text in arguments]
    assert len(set(given_names)) == len(given_names)
    assert "None" not in "".join(arguments)
    assert (environment is not None) == (runner in ("flink", "spark"))


def test_workers_on_spark_outlive_a_stage():
    from apache_beam.options.pipeline_options import PipelineOptions, PortableOptions

    on_spark = EXTERNAL | {"beam_runner": "spark"}
    cache = [text for text in _arguments(on_spark) if text.startswith("--environment_cache_millis=")]
    assert cache == ["--environment_cache_millis=300000"]
    assert not any("environment_cache" in text for text in _arguments(EXTERNAL))
    others = _arguments(on_spark | {"beam_option": "environment_cache_millis=1"})
    assert PipelineOptions(others).view_as(PortableOptions).environment_cache_millis == "1"


def _components(folder: Path, **options: Any) -> dict[str, Any]:
    (folder / "people.csv").write_text("age,sex,income\n20,f,no\n", encoding="utf-8")
    output = str(folder / "out")
    config = RunConfig.from_mapping({"data": str(folder / "people.csv"), "label": "income", "output": output} | options)
    pipeline = build_pipeline(config, TaskSpec("binary", "income", ("no", "yes")), OutputFolder.at(output))
    return {component.id: component for component in pipeline.components}


def test_arguments_reach_every_beam_component(tmp_path):
    """As compiled: where arguments of the pipeline and of a component have been put together."""
    made = _components(tmp_path, runner="beam", **EXTERNAL, beam_parallelism=4)
    expected = _config(EXTERNAL | {"beam_parallelism": 4}).beam_arguments(job_name(str(tmp_path / "out")))
    for name in ("ExampleGen", "StatisticsGen", "Transform", "Tuner", "Evaluator"):
        assert made[name].executor_spec.beam_pipeline_args == expected, name
    # A wave is as many jobs as run at once there; what this machine has is of no matter.
    assert json.loads(made["Tuner"].exec_properties["search"])["workers"] == 4
    more = _components(tmp_path, runner="beam", workers=8, **EXTERNAL, beam_parallelism=4)
    assert json.loads(more["Tuner"].exec_properties["search"])["workers"] == 8


def test_trials_in_this_process_have_threads(tmp_path):
    arguments = _components(tmp_path, runner="beam", workers=3)["Tuner"].executor_spec.beam_pipeline_args
    assert arguments == [*IN_PROCESS, "--direct_running_mode=multi_threading", "--direct_num_workers=3"]
