"""`tfx-automl compile`, and the runner for Python code."""

from pathlib import Path

import pytest
import yaml
from lint_for_tests import problems

from tfx_automl.errors import ConfigError
from tfx_automl.kubeflow.runner import KubeflowRunner
from tfx_automl.kubeflow.settings import KubeflowConfig
from tfx_automl.kubeflow.source import load_pipeline
from tfx_automl.pipelines.cli import main

CODE = """
import kubeflow_for_tests

def my_pipeline():
    return kubeflow_for_tests.make(limit={limit})

def ended():
    from tfx.orchestration.kubeflow.decorators import FinalStatusStr
    return kubeflow_for_tests.Say(text=FinalStatusStr(), path="/ended")

broken = lambda: 1 / 0
"""


@pytest.fixture
def code(tmp_path, monkeypatch):
    """A file with a pipeline, in a package of its own name."""
    package = tmp_path / f"package_{tmp_path.name.replace('-', '_')}"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "flow.py").write_text(CODE.format(limit=3))
    monkeypatch.syspath_prepend(str(tmp_path))
    return package / "flow.py"


def compile_(*arguments: str) -> int:
    return main(["compile", *arguments, "--image", "image", "--pipeline-root", "gs://bucket/root"])


def test_code_with_exit_handler_and_settings(code, tmp_path, capsys):
    (tmp_path / "settings.yaml").write_text("default: {cpu: 2}\nCount: {memory: 1Gi, env: {'ON': 'yes'}}\n")
    options = ["--settings", str(tmp_path / "settings.yaml"), "--exit-handler", "ended"]
    target = tmp_path / "new" / "pipeline.yaml"
    assert compile_(f"{code}:my_pipeline", *options, "-o", str(target)) == 0
    spec = yaml.safe_load(target.read_text())
    assert problems(spec) == []
    assert {"exit-handler-1", "say"} == set(spec["root"]["dag"]["tasks"])
    executors = spec["deploymentSpec"]["executors"]
    assert executors["exec-read"]["container"]["resources"]["resourceCpuLimit"] == "2"
    assert executors["exec-count"]["container"]["resources"]["resourceMemoryLimit"] == "1Gi"
    assert executors["exec-count"]["container"]["env"] == [{"name": "ON", "value": "yes"}]
    assert spec["defaultPipelineRoot"] == "gs://bucket/root"
    said = capsys.readouterr()
    assert f"{target}: every-thing for kubeflow, 14 tasks" in said.out
    assert "needs the modules kubeflow_for_tests, tfx.types.standard_artifacts." in said.out
    assert said.err == ""


def test_module_and_vertex(code, tmp_path):
    target = tmp_path / "pipeline.yaml"
    assert compile_(f"{code.parent.name}.flow:my_pipeline", "--target", "vertex", "-o", str(target)) == 0
    assert problems(yaml.safe_load(target.read_text())) == []


def test_configuration_of_a_run(tmp_path):
    rows = "".join(f"{number},{number % 3},{'yes' if number % 2 else 'no'}\n" for number in range(200))
    (tmp_path / "rows.csv").write_text("a,b,label\n" + rows)
    (tmp_path / "run.yaml").write_text(f"data: {tmp_path / 'rows.csv'}\nlabel: label\nmax-epochs: 3\nsensitive: b\n")
    assert compile_(str(tmp_path / "run.yaml"), "-o", str(tmp_path / "pipeline.yaml")) == 0
    spec = yaml.safe_load((tmp_path / "pipeline.yaml").read_text())
    assert problems(spec) == []
    parameters = spec["root"]["dag"]["tasks"]["pusher"]["inputs"]["parameters"]
    assert '"base_directory": "gs://bucket/root/serving"' in parameters["push_destination"]["runtimeValue"]["constant"]
    assert spec["root"]["dag"]["tasks"]["tuner"]["cachingOptions"] == {"enableCache": True}
    assert spec["root"]["dag"]["tasks"]["example-gen"]["cachingOptions"] == {}  # it must look at the files


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["no.py"], "There is no file no.py."),
        (["no_such_module"], "no_such_module cannot be imported: ModuleNotFoundError"),
        (["kubeflow_for_tests:nothing"], "kubeflow_for_tests: there is no 'nothing' at its top level"),
        (["kubeflow_for_tests"], "there is none of pipeline, create_pipeline, build_pipeline, make_pipeline"),
        (["kubeflow_for_tests:Parameter"], "Parameter() failed"),
        (["no.yaml"], "PIPELINE_OR_CONFIG: cannot read no.yaml"),
        (["x.yaml", "--exit-handler", "h"], "--exit-handler needs Python code"),
        (["x.py", "--settings", "no.yaml"], "--settings: cannot read no.yaml"),
        (["x.py", "--target", "argo"], "--target: expected kubeflow or vertex, got 'argo'"),
    ],
)
def test_mistakes_are_one_line(arguments, message, capsys):
    assert compile_(*arguments, "-o", "never.yaml") == 2
    said = capsys.readouterr()
    assert message in said.err
    assert said.err.count("\n") == 1
    assert not Path("never.yaml").exists()


def test_function_that_fails(code):
    with pytest.raises(ConfigError, match=r"broken\(\) failed: ZeroDivisionError: division by zero"):
        load_pipeline(str(code), "broken")


def test_runner_writes_and_returns(tmp_path, monkeypatch):
    import kubeflow_for_tests

    monkeypatch.chdir(tmp_path)
    runner = KubeflowRunner(KubeflowConfig(image="image", pipeline_root="s3://bucket"))
    runner.set_exit_handler(kubeflow_for_tests.Say(text="over", path="/over").with_id("Over"))
    compiled = runner.run(kubeflow_for_tests.make())
    assert (tmp_path / "every-thing.yaml").read_text() == compiled.yaml()
    assert set(compiled.spec["root"]["dag"]["tasks"]) == {"exit-handler-1", "over"}
