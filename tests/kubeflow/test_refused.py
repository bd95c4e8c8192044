"""What cannot be expressed, or not be imported in the image, is refused when the pipeline is compiled."""

import sys
import types
from typing import Any

import kubeflow_for_tests as pieces
import pytest
from tfx import types as tfx_types
from tfx import v1 as tfx
from tfx.dsl.components.base import base_component, base_executor, executor_spec
from tfx.dsl.control_flow.for_each import ForEach
from tfx.dsl.experimental.node_execution_options.utils import NodeExecutionOptions
from tfx.dsl.input_resolution.canned_resolver_functions import latest_created
from tfx.orchestration.data_types import RuntimeParameter
from tfx.proto.orchestration import pipeline_pb2

from tfx_automl.errors import ConfigError
from tfx_automl.kubeflow.classes import check_class
from tfx_automl.kubeflow.modules import module_path


def pipeline(*components: Any, name: str = "refused", **options: Any) -> Any:
    return tfx.dsl.Pipeline(pipeline_name=name, pipeline_root="unused", components=list(components), **options)


def with_executor(executor: type, name: str) -> Any:
    """A component without inputs and outputs that has an executor."""

    class Spec(tfx_types.ComponentSpec):
        INPUTS: dict[str, Any] = {}
        OUTPUTS: dict[str, Any] = {}
        PARAMETERS: dict[str, Any] = {}

    class Component(base_component.BaseComponent):
        SPEC_CLASS = Spec
        EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor)

        def __init__(self) -> None:
            super().__init__(Spec())

    return Component().with_id(name)


def make_executor(module: str, name: str = "Executor", qualified: str | None = None) -> type:
    made = type(name, (base_executor.BaseExecutor,), {"Do": lambda *_: None, "__module__": module})
    made.__qualname__ = qualified or name
    return made


def test_executor_of_the_script(compiled):
    with pytest.raises(ConfigError, match="Mine: its executor 'Executor' is defined in the script that is being run"):
        compiled(pipeline(with_executor(make_executor("__main__"), "Mine")))


def test_executor_within_a_function():
    with pytest.raises(ConfigError, match=r"Mine: its executor 'm.f.<locals>.E' is defined within a function"):
        check_class("Mine", "executor", "m.f.<locals>.E")


def test_executor_that_nothing_provides(compiled, monkeypatch):
    monkeypatch.setitem(sys.modules, "only_here", types.ModuleType("only_here"))
    with pytest.raises(ConfigError, match=r"'only_here.Executor' cannot be imported: only_here has no 'Executor'"):
        compiled(pipeline(with_executor(make_executor("only_here"), "Mine")))
    with pytest.raises(ConfigError, match=r"cannot be imported \(ModuleNotFoundError.*install the package"):
        compiled(pipeline(with_executor(make_executor("not_there"), "Mine")))


def test_several_components_are_named_at_once(compiled):
    nodes = [with_executor(make_executor("not_there"), name) for name in ("One", "Two")]
    with pytest.raises(ConfigError) as raised:
        compiled(pipeline(*nodes))
    assert [problem.partition(":")[0] for problem in raised.value.problems] == ["One", "Two"]


def test_pipeline_within_a_pipeline(compiled):
    inner = pipeline(pieces.Count(start=1), name="inner")
    with pytest.raises(ConfigError, match="inner: a pipeline within a pipeline cannot be expressed"):
        compiled(pipeline(inner))


def test_loops(compiled):
    train = pieces.Train()
    with ForEach(train.outputs["model"]) as model:
        compare = pieces.Compare(old=model)
    with pytest.raises(ConfigError, match="Compare: ForEach cannot be expressed"):
        compiled(pipeline(train, compare))


def test_resolver_functions(compiled):
    train = pieces.Train()
    compare = pieces.Compare(old=latest_created(train.outputs["model"]))
    with pytest.raises(ConfigError, match="Compare: its input 'old' is chosen by a resolver function"):
        compiled(pipeline(train, compare))


def test_producer_that_is_not_in_the_pipeline(compiled):
    train = pieces.Train()
    compare = pieces.Compare(old=train.outputs["model"])
    with pytest.raises(ConfigError, match="Train"):
        compiled(pipeline(compare))


def test_optional_input_of_a_component_that_a_condition_skips(compiled):
    count = pieces.Count(start=1)
    with tfx.dsl.Cond(count.outputs["total"].future()[0].value > 3):
        train = pieces.Train()
    compare = pieces.Compare(old=train.outputs["model"])
    with pytest.raises(ConfigError, match=r"Compare: it may run although Train, .* was skipped by a Cond .cond-1.;"):
        compiled(pipeline(count, train, compare))


def test_runtime_parameters_that_contradict_each_other(compiled):
    first = pieces.Count(start=RuntimeParameter("n", int, 1)).with_id("First")
    second = pieces.Count(start=RuntimeParameter("n", int, 2)).with_id("Second")
    with pytest.raises(ConfigError, match="Second: there are two different RuntimeParameters with the name 'n'"):
        compiled(pipeline(first, second))


def test_runtime_parameter_within_a_value(compiled):
    say = pieces.Say(text=f"[{RuntimeParameter('n', int, 1)}]", path="/x")
    with pytest.raises(ConfigError, match="Say: a RuntimeParameter stands within the value of 'text'"):
        compiled(pipeline(say))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"success_optional": True}, "Count: the execution options node_success_optional cannot be expressed"),
        ({"execution_timeout_sec": 5}, "Count: the execution options execution_timeout_sec cannot be expressed"),
        (
            {"trigger_strategy": pipeline_pb2.NodeExecutionOptions.LAZILY_ALL_UPSTREAM_NODES_SUCCEEDED},
            "Count: the trigger strategy LAZILY_ALL_UPSTREAM_NODES_SUCCEEDED cannot be expressed",
        ),
    ],
)
def test_execution_options(compiled, options, message):
    count = pieces.Count(start=1)
    count.node_execution_options = NodeExecutionOptions(**options)
    with pytest.raises(ConfigError, match=message):
        compiled(pipeline(count))


def test_retries_and_trigger_of_tfx(compiled):
    count = pieces.Count(start=1)
    after = pieces.Count(start=1).with_id("After")
    after.add_upstream_node(count)
    strategy = pipeline_pb2.NodeExecutionOptions.ALL_UPSTREAM_NODES_COMPLETED
    after.node_execution_options = NodeExecutionOptions(max_execution_retries=4, trigger_strategy=strategy)
    task = compiled(pipeline(count, after)).spec["root"]["dag"]["tasks"]["after"]
    assert task["retryPolicy"]["maxRetryCount"] == 4
    assert task["triggerPolicy"] == {"strategy": "ALL_UPSTREAM_TASKS_COMPLETED"}
    assert task["dependentTasks"] == ["count"]


def test_exit_handler_with_inputs_or_within_the_pipeline(compiled):
    count = pieces.Count(start=1)
    with pytest.raises(ConfigError, match="Count: the exit handler is one of the pipeline's components"):
        compiled(pipeline(count), count)
    fail = pieces.Fail(total=pieces.Count(start=1).outputs["total"])
    with pytest.raises(ConfigError, match="Fail: an exit handler has no inputs"):
        compiled(pipeline(pieces.Train()), fail)


def test_container_without_command(compiled):
    from tfx.dsl.component.experimental import container_component

    bare = container_component.create_container_component(name="Bare", image="image", command=[])
    with pytest.raises(ConfigError, match="Bare: the container has no command"):
        compiled(pipeline(bare()))


def test_no_pipeline_at_all(compiled):
    with pytest.raises(ConfigError, match=r"Expected a tfx\.dsl\.Pipeline, got str"):
        compiled("pipeline")


class TestModuleFiles:
    """The files of stock Trainer, Transform, Tuner: baked into the image, so importable here, too."""

    def test_name_of_a_module_on_the_path(self, tmp_path, monkeypatch):
        (tmp_path / "package").mkdir()
        (tmp_path / "package" / "__init__.py").touch()
        file = tmp_path / "package" / "code.py"
        file.touch()
        monkeypatch.syspath_prepend(str(tmp_path))
        assert module_path("Trainer", str(file)) == "package.code"

    def test_file_that_nothing_leads_to(self, tmp_path):
        (tmp_path / "code.py").touch()
        with pytest.raises(ConfigError, match=r"Trainer: module_file '.*code.py' is not on Python's path"):
            module_path("Trainer", str(tmp_path / "code.py"))

    def test_file_that_is_not_there(self):
        with pytest.raises(ConfigError, match=r"Trainer: module_file '/nowhere.py' does not exist"):
            module_path("Trainer", "/nowhere.py")

    def test_stock_trainer_gets_the_name_instead_of_the_file(self, compiled, tmp_path, monkeypatch):
        file = tmp_path / "my_training_code.py"
        file.write_text("def run_fn(arguments): pass\n")
        monkeypatch.syspath_prepend(str(tmp_path))
        shards = pieces.Shards()
        trainer = tfx.components.Trainer(
            module_file=str(file),
            examples=shards.outputs["examples"],
            train_args=tfx.proto.TrainArgs(num_steps=1),
            eval_args=tfx.proto.EvalArgs(num_steps=1),
        )
        result = compiled(pipeline(shards, trainer))
        parameters = result.spec["root"]["dag"]["tasks"]["trainer"]["inputs"]["parameters"]
        assert parameters["module_path"] == {"runtimeValue": {"constant": "my_training_code"}}
        assert "module_file" not in parameters
        assert "my_training_code" in result.modules
