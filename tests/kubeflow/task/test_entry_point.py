"""The entry point: what it accepts, what it leaves alone, how it fails."""

import json
import subprocess
import sys

import pytest

from tfx_automl.kubeflow.task.description import Description, Input, Lookup, Output, Parameter
from tfx_automl.kubeflow.task.main import main
from tfx_automl.kubeflow.task.platform_io import PlatformIO

DESCRIPTION = Description(
    kind="component",
    pipeline="p",
    node="N",
    task="n",
    inputs={"a": Input("m.A", ("a", "a-2"), True)},
    outputs={"b": Output("m.B", {"x": 1}, {"y": "n"}, True)},
    parameters={"c": Parameter("c", "int"), "d": Parameter("d", "text", {"valueType": {"listType": {}}})},
    placeholders={"e": {"value": {"intValue": "1"}}},
    executor="m.E",
    flags=("--f",),
    beam=("--g", {"placeholder": {}}),
    lookups={"h": (Lookup("m.A", "N", "b", "p"),)},
    results={"i": ("graph", "i")},
    history="gs://b/history",
)


def test_description_comes_back():
    found = Description.from_json(DESCRIPTION.to_json())
    assert found.inputs == {"a": Input("m.A", ["a", "a-2"], True)}
    assert found.outputs == DESCRIPTION.outputs
    assert found.parameters == DESCRIPTION.parameters
    assert found.lookups == DESCRIPTION.lookups
    assert found.to_json() == DESCRIPTION.to_json()


def test_beam_without_arguments_is_not_no_beam():
    assert Description.from_json(Description("component", "p", "N", "n", beam=()).to_json()).beam is not None
    assert Description.from_json(Description("component", "p", "N", "n").to_json()).beam is None


def test_other_protocols_are_refused(capsys):
    with pytest.raises(SystemExit):
        main(["--protocol", "other", "--task", "{}", "--executor_input", "{}"])
    assert "kfp.dsl.executor_main" in capsys.readouterr().err


def test_failure_is_the_last_line(capsys):
    description = Description("component", "p", "Trainer", "n", executor="no_such.Executor")
    message = {"outputs": {"outputFile": "/nowhere"}}
    arguments = ["--protocol", "kfp.dsl.executor_main", "--task", description.to_json()]
    assert main([*arguments, "--executor_input", json.dumps(message)]) == 1
    last = capsys.readouterr().err.splitlines()[-1]
    assert last == "tfx-automl: Trainer failed: ImportError: Could not import no_such.Executor"


def test_the_value_also_goes_to_its_file(tmp_path):
    """The launcher of the cluster reads files, local runs the report."""
    place = {"outputFile": str(tmp_path / "deep" / "Output")}
    outputs = {"parameters": {"Output": place}, "outputFile": str(tmp_path / "report.json")}
    platform = PlatformIO({"outputs": outputs})
    platform.report_parameter("Output", "true")
    platform.finish()
    assert (tmp_path / "deep" / "Output").read_text() == "true"
    assert json.loads((tmp_path / "report.json").read_text())["parameterValues"] == {"Output": "true"}


def test_input_that_was_left_out():
    platform = PlatformIO({"inputs": {}, "outputs": {}})
    assert platform.inputs("model") == []
    assert platform.parameter("seed") is None


def test_loading_the_entry_point_loads_no_framework():
    """What each kind of task needs it loads itself; a condition without TensorFlow, which takes most of the time."""
    code = "import sys, tfx_automl.kubeflow.task.main as m\n"
    code += "assert not {'tfx', 'tensorflow', 'apache_beam', 'yaml'} & set(sys.modules), sorted(sys.modules)\n"
    code += "with m.without_tensorflow(): import tfx_automl.kubeflow.task.condition, tfx_automl.kubeflow.task.resolve\n"
    code += "assert not {'tensorflow', 'apache_beam', 'keras'} & set(sys.modules)\n"
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True)
