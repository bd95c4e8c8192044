"""The image itself, built and run by a Docker engine: `make test-docker`."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from docker_launcher_for_tests import DockerLauncher, docker_run
from s3_for_tests import KEYS, S3Files, s3_server

from tfx_automl.kubeflow.task.store import ENDPOINT
from tfx_automl.pipelines.cli import main

IMAGE = os.environ.get("TFX_AUTOML_IMAGE", "")

pytestmark = [
    pytest.mark.docker,
    pytest.mark.slow,
    pytest.mark.skipif(not IMAGE, reason="needs a Docker engine: make test-docker builds the image and runs this"),
]

TASKS = ["example-gen", "statistics-gen", "schema-gen", "trainer", "pusher"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: Any) -> Path:
    """The pipeline root, with data in it; any user may write there."""
    root: Path = tmp_path_factory.mktemp("docker") / "root"
    for path in (root, root / "data", root / "serving"):
        path.mkdir()
        path.chmod(0o777)
    lines = [f"{x / 10},{x / 5 + 1}" for x in range(200)]
    (root / "data/line.csv").write_text("\n".join(["x,y", *lines]) + "\n")
    return root


@pytest.fixture(scope="module")
def pipeline_file(compiled: Any, folder: Path) -> Path:
    """The compiled pipeline: the very same file for all runs."""
    import image_pipeline_for_tests

    pipeline = image_pipeline_for_tests.make(str(folder / "data"), str(folder / "serving"))
    path = folder.parent / "pipeline.yaml"
    path.write_text(compiled(pipeline, image=IMAGE).yaml())
    return path


@pytest.fixture(scope="module")
def server(kfp_python: Path, folder: Path) -> Iterator[str]:
    """The address of an S3 server."""
    with s3_server(kfp_python, folder.parent / "s3.log") as address:
        yield address


def predicted(model: Path) -> float:
    """What a pushed model says of x = 3."""
    import tensorflow as tf

    loaded = tf.saved_model.load(str(model))
    return float(loaded.signatures["serving_default"](x=tf.constant([3.0]))["y"][0])


def check_reports(reports: dict[str, Any]) -> None:
    """Every task must have said what it made: that a run as a whole succeeded means little."""
    assert list(reports) == TASKS
    for task, report in reports.items():
        assert report, task
        for key, metadata in report.items():
            [entry] = json.loads(metadata["tfx_automl"])
            assert entry["class"].startswith("tfx.types.standard_artifacts."), (task, key)
    assert reports["example-gen"]["examples"]["span"] == 0
    assert reports["example-gen"]["examples"]["input_fingerprint"]  # the driver ran
    assert reports["pusher"]["pushed_model"]["pushed"] == 1


def test_the_image_is_fit_for_the_pipeline(pipeline_file: Path, capsys: Any) -> None:
    # What the imports take is shown; a test holds no machine to a time.
    status = main(["image", "check", IMAGE, "--pipeline", str(pipeline_file), "--import-seconds", "60"])
    said = capsys.readouterr()
    assert (status, said.err) == (0, ""), said.out
    assert "runs as user 10001" in said.out
    assert "fit for its tasks" in said.out
    with capsys.disabled():
        print(f"\n{said.out}")


def test_classes_that_the_image_lacks_are_found(pipeline_file: Path, capsys: Any) -> None:
    text = pipeline_file.read_text().replace("tfx.components.pusher.executor.Executor", "no_such_package.Executor")
    other = pipeline_file.with_name("other.yaml")
    other.write_text(text)
    assert main(["image", "check", IMAGE, "--pipeline", str(other), "--import-seconds", "60"]) == 1
    assert (
        "no_such_package.Executor (needed by pusher) cannot be imported: ModuleNotFoundError" in capsys.readouterr().err
    )


def test_nothing_of_the_installation_is_left(folder: Path) -> None:
    history = subprocess.run(
        ["docker", "history", "--no-trunc", IMAGE], capture_output=True, text=True, check=True
    ).stdout
    assert "UV_DEFAULT_INDEX" not in history and "/run/secrets" not in history and "pip sync" not in history
    [image] = json.loads(subprocess.run(["docker", "image", "inspect", IMAGE], capture_output=True, check=True).stdout)
    names = {entry.partition("=")[0] for entry in image["Config"]["Env"]}
    assert not {name for name in names if "INDEX" in name or "CERT" in name}
    assert image["Config"]["User"] == "10001:0"
    assert not image["Config"]["Entrypoint"]
    assert image["Config"]["Labels"]["tfx-automl.tfx"] in ("1.16.0", "1.21.0")
    found = docker_run(IMAGE, ["sh", "-c", "ls /opt /run/secrets /source /var/cache/tfx-automl; command -v uv; true"])
    assert set(found.stdout.split()) == {"/opt:", "modules", "tfx-automl", "user"}


def test_containers_run_the_pipeline_from_a_mounted_folder(pipeline_file: Path, folder: Path, kfp_python: Path) -> None:
    script = Path(__file__).parents[1] / "kfp_docker_run.py"
    command = [str(kfp_python), str(script), str(pipeline_file), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    said = done.stdout[-5000:] + done.stderr[-5000:]
    assert done.returncode == 0, said
    [run] = [path for path in folder.iterdir() if path.name not in ("data", "serving")]
    reports = {}
    for task in TASKS:
        report = json.loads((run / task / "executor_output.json").read_text())
        reports[task] = {key: made["artifacts"][0]["metadata"] for key, made in report["artifacts"].items()}
    check_reports(reports)
    [version] = (folder / "serving").iterdir()
    assert predicted(version) == pytest.approx(7, abs=1e-3)


def test_a_launcher_runs_the_pipeline_with_a_bucket(pipeline_file: Path, folder: Path, server: str) -> None:
    files = S3Files(server, "run-1")
    spec = next(yaml.safe_load_all(pipeline_file.read_text()))
    serving = folder.parent / "bucket-serving"
    serving.mkdir(mode=0o777)
    serving.chmod(0o777)
    volumes = [f"{folder}/data:{folder}/data:ro", f"{serving}:{folder}/serving"]
    work = folder.parent / "launcher"
    run = DockerLauncher(spec, work, files, volumes, "run-1").start()
    assert run.failed == [], run.said[-1][-5000:]
    check_reports({task: {key: entry["metadata"] for key, entry in made.items()} for task, made in run.outputs.items()})
    model = work / "pushed"
    files.download("run-1/pusher/7/pushed_model", model)
    assert predicted(model) == pytest.approx(7, abs=1e-3)
    [version] = serving.iterdir()
    assert predicted(version) == pytest.approx(7, abs=1e-3)


def test_a_task_that_fails_says_why_and_the_rest_does_not_run(pipeline_file: Path, folder: Path, server: str) -> None:
    spec = next(yaml.safe_load_all(pipeline_file.read_text()))
    run = DockerLauncher(
        spec, folder.parent / "failing", S3Files(server, "run-2"), [], "run-2"
    ).start()  # no data is mounted
    assert run.failed == TASKS
    assert len(run.said) == 1
    assert f"tfx-automl: ExampleGen failed: DataError: {folder}/data/*: no file matches" in run.said[0]


def test_notes_and_data_in_a_bucket_are_reached_from_a_container(server: str, folder: Path) -> None:
    files = S3Files(server, "notes")
    files.upload(folder / "data/line.csv", "notes/data/line.csv")
    code = (
        "import fsspec; from tfx_automl.kubeflow.task.store import Store; place = Store('minio://notes/history');"
        "place.write('pipeline/Trainer/1.json', 'a note'); print(list(place.read_all('pipeline').values()));"
        "print(fsspec.open('s3://notes/data/line.csv', 'rt').open().readline())"
    )
    variables = {**KEYS, ENDPOINT: server, "FSSPEC_S3_ENDPOINT_URL": server}
    options = [
        "--network",
        "host",
        *(word for name, value in variables.items() for word in ("--env", f"{name}={value}")),
    ]
    done = docker_run(IMAGE, ["python", "-c", code], options=options)
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.split("\n")[:2] == ["['a note']", "x,y"]
    assert files.read("notes/history/pipeline/Trainer/1.json") == b"a note"
