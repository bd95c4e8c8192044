"""A compiled pipeline: its parameters are checked before anything is sent."""

import pytest
import yaml

from tfx_automl.errors import ConfigError
from tfx_automl.kubeflow.client.package import Package, task_labels

EPOCHS = "epochs=9"


@pytest.mark.parametrize(
    ("given", "name", "value"),
    [
        ("epochs=12", "epochs", 12),
        ("rate=3", "rate", 3.0),
        ("rate=1e-3", "rate", 0.001),
        ("label=a=b", "label", "a=b"),
        ("label=", "label", ""),
        ("label=12", "label", "12"),
        ("fast=True", "fast", True),
        ("fast=false", "fast", False),
        ('columns=["a", 1]', "columns", ["a", 1]),
        ('options={"a": null}', "options", {"a": None}),
    ],
)
def test_value(pipeline, given, name, value):
    got = Package.read(str(pipeline)).values([given] if name == "epochs" else [EPOCHS, given])[name]
    assert (got, type(got)) == (value, type(value))


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        (["epochs=9.5"], "--param epochs: expected a whole number, got '9.5'"),
        (["epochs=true"], "--param epochs: expected a whole number, got 'true'"),
        ([EPOCHS, "rate=NaN"], "--param rate: expected a number, got 'NaN'"),
        ([EPOCHS, "rate=fast"], "--param rate: expected a number"),
        ([EPOCHS, "fast=1"], "--param fast: expected true or false"),
        ([EPOCHS, "columns=a"], "--param columns: expected a JSON list"),
        ([EPOCHS, "options=[]"], "--param options: expected a JSON object"),
        ([EPOCHS, "colums=[]"], "no parameter 'colums'. Did you mean 'columns'?"),
        ([EPOCHS, "x=1"], "no parameter 'x'. It has epochs, rate, label, fast, columns, options."),
        ([EPOCHS, "rate"], "--param: expected NAME=VALUE, got 'rate'"),
        ([EPOCHS, EPOCHS], "--param: epochs is given 2 times"),
        ([], "the pipeline needs epochs; give --param epochs=VALUE"),
    ],
)
def test_mistake(pipeline, given, complaint):
    with pytest.raises(ConfigError) as caught:
        Package.read(str(pipeline)).values(given)
    assert len(caught.value.problems) == 1
    assert complaint in caught.value.problems[0]


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        ("p.json", "{}", "expected a file that ends in .yaml"),
        ("p.yaml", "a: [", "is not YAML"),
        ("p.yaml", "", "is no compiled pipeline. `tfx-automl compile` writes one."),
        ("p.yaml", "- 1", "is no compiled pipeline"),
        ("p.yaml", "pipelineInfo: {name: p}", "is no compiled pipeline"),
    ],
)
def test_file_that_is_no_pipeline(tmp_path, name, text, complaint):
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=complaint):
        Package.read(str(tmp_path / name))


def test_file_that_is_not_there(tmp_path):
    with pytest.raises(ConfigError, match=r"cannot read .*p\.yaml: No such file"):
        Package.read(str(tmp_path / "p.yaml"))


def test_what_compile_writes(repository):
    path = repository / "tests" / "kubeflow" / "golden" / "everything.yaml"
    package = Package.read(str(path))
    assert package.platform
    labels = task_labels(package.spec)
    executed = [each for each in package.spec["components"].values() if "executorLabel" in each]
    assert len(labels) == len(executed)
    assert {"count": "Count", "write-it-first": "Write_it.first"}.items() <= labels.items()
    spec, platform = yaml.safe_load_all(path.read_text(encoding="utf-8"))
    assert task_labels({"pipeline_spec": spec, "platform_spec": platform}) == labels
    for name, about in package.spec["root"]["inputDefinitions"]["parameters"].items():
        assert "defaultValue" in about, name
    assert package.values([]) == {}


def test_tasks_stand_after_what_they_wait_for():
    tasks = {name: {"componentRef": {"name": "c"}} for name in ("b", "z", "a", "c")}
    tasks["a"]["dependentTasks"], tasks["b"]["dependentTasks"] = ["z"], ["a"]
    assert list(task_labels({"root": {"dag": {"tasks": tasks}}, "components": {"c": {}}})) == ["c", "z", "a", "b"]
