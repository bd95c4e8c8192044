"""Tuner with sensitive columns: rows of raw examples beside transformed ones, and searches that look at gaps."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from tuner_for_tests import mlp_search

from tfx_automl.components.groups import with_groups
from tfx_automl.components.sensitive import MISSING
from tfx_automl.errors import ConfigError, EvaluationError, ModelError
from tfx_automl.models.data import TrainingData
from tfx_automl.models.groups import GroupSpec
from tfx_automl.models.slice_codes import open_codes
from tfx_automl.models.task import TaskSpec

Rows = list[dict[str, Any]]
BINARY = TaskSpec("binary", "y", ("no", "yes"))
ROWS: Rows = [
    {"sex": "f", "age": 20, "weight": 0.5, "y": "no"},
    {"sex": "m", "age": 30, "y": "yes"},
    {"age": 20, "weight": 1.5, "y": "yes"},
    {"sex": "f", "age": 30, "weight": 0.5, "y": "no"},
    {"sex": MISSING, "weight": 0.5, "y": "yes"},
]


def write(folder: Path, files: list[Rows], split: str = "eval") -> list[Any]:
    """Writes rows as an Examples artifact."""
    import tensorflow as tf
    from tfx.types import standard_artifacts

    def feature(value: Any) -> Any:
        if isinstance(value, (str, bytes)):
            return {"bytes_list": {"value": [value if isinstance(value, bytes) else value.encode()]}}
        values = value if isinstance(value, list) else [value]
        kind = "int64_list" if isinstance(values[0], int) else "float_list"
        return {kind: {"value": values}}

    (folder / f"Split-{split}").mkdir(parents=True)
    for number, rows in enumerate(files):
        path = folder / f"Split-{split}" / f"data-{number:05d}.gz"
        with tf.io.TFRecordWriter(str(path), options="GZIP") as writer:
            for row in rows:
                features = {name: tf.train.Feature(**feature(value)) for name, value in row.items()}
                writer.write(tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString())
    artifact = standard_artifacts.Examples()
    artifact.uri, artifact.split_names = str(folder), json.dumps([split])
    return [artifact]


@pytest.fixture
def group(tmp_path: Path, grouped_data: Callable[..., Any]) -> Callable[..., TrainingData]:
    """A function from raw files, the transformed labels in their files, and groups to data with groups."""

    def run(
        raw: list[Rows], labels: list[list[Any]], groups: Any = (("sex",),), task: TaskSpec = BINARY, cuts: Any = None
    ) -> Any:
        label = np.concatenate(labels)
        data = grouped_data(task, label, {("other",): np.zeros(len(label))})
        after = write(tmp_path / "after", [[{"y_xf": value} for value in part] for part in labels])
        before = write(tmp_path / "before", raw)
        inputs = {"raw_examples": before, "examples": after}
        return with_groups(data, GroupSpec(tuple(groups), cuts=cuts or {}), inputs, data.folder)

    return run


def slices(codes: np.ndarray) -> list[int]:
    """Returns the slices numbered as they appear."""
    return [list(dict.fromkeys(codes)).index(code) for code in codes]


def test_slices_of_columns_and_crossings(group: Callable[..., TrainingData]) -> None:
    groups = (("sex",), ("age",), ("weight",), ("sex", "age"))
    data = group([ROWS[:2], ROWS[2:]], [[0, 1], [1, 0, 1]], groups)
    found = {names: slices(open_codes(data, names)) for names in groups}
    # A missing text is the same slice as the text that stands for it in the Evaluator's reports.
    assert found["sex",] == [0, 1, 2, 0, 2]
    assert found["age",] == [0, 1, 0, 1, 2]
    assert found["weight",] == [0, 1, 2, 0, 0]
    assert found["sex", "age"] == [0, 1, 2, 3, 4]
    assert data.groups.sensitive == groups


def test_numbers_are_cut(group: Callable[..., TrainingData]) -> None:
    cuts = {"weight": (1.0,), "age": (15, 25)}
    data = group([ROWS[:2], ROWS[2:]], [[0, 1], [1, 0, 1]], (("weight",), ("age", "sex")), cuts=cuts)
    assert slices(open_codes(data, ("weight",))) == [0, 1, 2, 0, 0]
    assert slices(open_codes(data, ("age", "sex"))) == [0, 1, 2, 3, 4]


def test_text_is_not_cut(group: Callable[..., TrainingData]) -> None:
    with pytest.raises(EvaluationError, match="'sex' holds text, which cannot be cut at 1; leave its cut points out"):
        group([ROWS[:2], ROWS[2:]], [[0, 1], [1, 0, 1]], cuts={"sex": (1,)})


def test_column_that_appears_only_in_a_later_batch(group: Callable[..., TrainingData]) -> None:
    raw = [[{"y": "no"}, {"y": "yes"}], [{"y": "no", "sex": "f"}]]
    assert slices(open_codes(group(raw, [[0, 1], [0]]), ("sex",))) == [0, 0, 1]


@pytest.mark.parametrize(
    ("task", "raw", "labels"),
    [
        (TaskSpec("binary", "y", ("0", "1")), [1, 0, 1], [1, 0, 1]),
        (TaskSpec("multiclass", "y", ("0.5", "1.5", "2")), [2.0, 0.5, 1.5], [2, 0, 1]),
        (TaskSpec("regression", "y"), [1, 2, 2**24 + 1], [1.0, 2.0, float(2**24)]),
        (TaskSpec("regression", "y"), [0.1, 2.0, -1.0], [0.1, 2.0, -1.0]),
    ],
)
def test_labels_of_every_type_are_compared(
    group: Callable[..., TrainingData], task: TaskSpec, raw: list[Any], labels: list[Any]
) -> None:
    rows = [{"sex": "f", "y": value} for value in raw]
    typed = np.array(labels, np.float32 if task.kind == "regression" else np.int32)
    assert group([rows], [typed.tolist()], task=task).groups.sensitive == (("sex",),)


@pytest.mark.parametrize(
    ("raw", "labels", "groups", "message"),
    [
        (
            [ROWS],
            [[1, 0, 1, 0, 1]],
            (("sex",),),
            r"^2 of 5 rows of the split 'eval' have another 'y' .* shuffles, does",
        ),
        ([[{"sex": "f"}] * 5], [[0, 1, 1, 0, 1]], (("sex",),), "^5 of 5 rows"),
        ([ROWS], [[0, 1], [1, 0, 1]], (("sex",),), "has 1 files in raw_examples, but 2 in examples. Sensitive columns"),
        ([ROWS[:3], ROWS[3:]], [[0, 1], [1, 0, 1]], (("sex",),), "File 1 .* has 3 rows in raw_examples, but 2 in"),
        ([ROWS], [[0, 1, 1, 0, 1]], (("sex", "race"),), r"feature 'race'; the features are age, sex, weight, y\. Name"),
    ],
)
def test_rows_that_do_not_stand_beside_each_other_are_refused(
    group: Callable[..., TrainingData], raw: Any, labels: Any, groups: Any, message: str
) -> None:
    with pytest.raises(ModelError, match=message):
        group(raw, labels, groups)


def test_several_values_in_a_row_are_refused(group: Callable[..., TrainingData]) -> None:
    with pytest.raises(EvaluationError, match="'age' has 2 values in one row"):
        group([[{"age": [1, 2], "y": "no"}]], [[0]], (("age",),))


def test_missing_split_is_named(tmp_path: Path, grouped_data: Callable[..., Any]) -> None:
    data = grouped_data(BINARY, np.zeros(5), {("other",): np.zeros(5)})
    raw = write(tmp_path / "raw", [ROWS], "test")
    with pytest.raises(ModelError, match="raw_examples have no split 'eval'; they have test"):
        with_groups(data, GroupSpec((("sex",),)), {"raw_examples": raw, "examples": raw}, data.folder)


@pytest.fixture(scope="module")
def channels() -> dict[str, Any]:
    from tfx.types import channel_utils, standard_artifacts

    examples = channel_utils.as_channel([standard_artifacts.Examples()])
    graph = channel_utils.as_channel([standard_artifacts.TransformGraph()])
    return {"examples": examples, "transform_graph": graph, "raw_examples": examples}


def test_construction(channels: dict[str, Any]) -> None:
    from tfx_automl.components import Tuner

    tuner = Tuner(**channels, task=BINARY, sensitive=[["sex"], ("sex", "race")], min_slice_size=7)
    assert GroupSpec.from_json(tuner.exec_properties["groups"]) == GroupSpec((("sex",), ("sex", "race")), 7)
    assert "raw_examples" in tuner.inputs
    plain = Tuner(channels["examples"], channels["transform_graph"], task=BINARY)
    assert "groups" not in plain.exec_properties and "raw_examples" not in plain.inputs


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"task": BINARY}, r"Fairness gaps need .* got sensitive=\(\) with raw_examples"),
        ({"task": BINARY, "sensitive": [["sex"]], "raw_examples": None}, "without raw_examples"),
        ({"tuner_fn": "a.b", "sensitive": [["sex"]]}, "are for a model family"),
        ({"task": BINARY, "sensitive": ["sex"]}, r"one or more different column names, such as \('sex',\); got 'sex'"),
        ({"task": BINARY, "sensitive": [["y"]]}, "The label 'y' cannot be a sensitive column"),
        ({"task": BINARY, "sensitive": [["sex"]], "min_slice_size": 0}, "min_slice_size must be 1 or more"),
        ({"task": BINARY, "raw_examples": None, "objective": "auc_difference"}, "no sensitive columns"),
        ({"task": BINARY, "sensitive": [["sex"]], "objective": "auc_difference[race]"}, "sensitive groups are sex;"),
    ],
)
def test_contradictions_are_refused(channels: dict[str, Any], arguments: dict[str, Any], message: str) -> None:
    from tfx_automl.components import Tuner
    from tfx_automl.components.tuner.options import SearchOptions

    search = SearchOptions(objective=arguments.pop("objective")) if "objective" in arguments else None
    with pytest.raises(ConfigError, match=message):
        Tuner(**{**channels, **arguments}, search=search)


@pytest.fixture
def execute(people: SimpleNamespace, tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """A function that searches with groups of raw columns of the small pipeline, and returns `trials.json`."""
    from tfx.dsl.components.base import base_beam_executor
    from tfx.types import standard_artifacts

    from tfx_automl.components.tuner.executor import Executor

    def artifact(kind: Any, path: Path) -> list[Any]:
        made = kind()
        made.uri = str(path)
        if kind is standard_artifacts.Examples:
            made.split_names = json.dumps(["train", "eval"])
        return [made]

    def run(groups: GroupSpec, raw: Path | None = None, **options: Any) -> dict[str, Any]:
        folder = tmp_path / "run"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        outputs = {
            "best_hyperparameters": artifact(standard_artifacts.HyperParameters, folder / "best"),
            "tuner_results": artifact(standard_artifacts.TunerResults, folder / "results"),
            "best_model": artifact(standard_artifacts.Model, folder / "model"),
        }
        inputs = {
            "examples": artifact(standard_artifacts.Examples, people.Transform.uris["transformed_examples"]),
            "raw_examples": artifact(standard_artifacts.Examples, raw or people.ExampleGen.uris["examples"]),
            "transform_graph": artifact(standard_artifacts.TransformGraph, people.Transform.uris["transform_graph"]),
        }
        search = mlp_search(algorithm="random", max_trials=5, max_epochs=2, workers=1, **options)
        properties = {"task": people.task.to_json(), "search": search.to_json(), "groups": groups.to_json()}
        Executor(base_beam_executor.BaseBeamExecutor.Context(tmp_dir=str(folder), unique_id="1")).Do(
            inputs, outputs, properties
        )
        return json.loads((folder / "results" / "trials.json").read_text())

    return run


@pytest.mark.slow
def test_gap_as_constraint(execute: Callable[..., dict[str, Any]]) -> None:
    groups = GroupSpec((("member",), ("city",)), 5)
    name = "val_demographic_parity_difference[member]"
    free = execute(groups, objective=f"val_auc,{name}")
    gaps = [trial["metrics"][name] for trial in free["trials"]]
    limit = sum(sorted(set(gaps))[:2]) / 2
    bound = f"{name}<={limit:.6f}"
    found = execute(groups, constraints=(bound,))
    assert found["constraints"] == [bound]
    assert [trial["metrics"][name] for trial in found["trials"]] == [t["metrics"][name] for t in free["trials"]]
    assert [trial["feasible"] for trial in found["trials"]] == [gap <= limit for gap in gaps]
    feasible = [trial for trial in found["trials"] if trial["feasible"]]
    assert all(trial["metrics"][name] <= gaps[1] for trial in feasible)
    best = found["trials"][found["best_trial_id"]]
    assert best["score"] == max(trial["score"] for trial in feasible)


@pytest.mark.slow
def test_gap_as_objective_gives_a_front(execute: Callable[..., dict[str, Any]]) -> None:
    name = "val_equalized_odds_difference"
    found = execute(GroupSpec((("member",), ("city",)), 5), objective=f"val_auc,{name}")
    assert [goal["direction"] for goal in found["objectives"]] == ["max", "min"]
    for trial in found["trials"]:
        assert trial["metrics"][name] == max(trial["metrics"][f"{name}[{group}]"] for group in ("member", "city"))
    points = {t["trial_id"]: (t["metrics"]["val_auc"], t["metrics"][name]) for t in found["trials"]}
    dominated = {
        number
        for number, (auc, gap) in points.items()
        if any(a >= auc and g <= gap and (a, g) != (auc, gap) for a, g in points.values())
    }
    assert found["pareto_front"] == [number for number in points if number not in dominated]


@pytest.mark.slow
def test_groups_that_are_too_small_end_the_search_before_it_begins(execute: Callable[..., dict[str, Any]]) -> None:
    with pytest.raises(ConfigError, match=r"between groups of city with at least 40 rows.*fewer than two"):
        execute(GroupSpec((("city",),), 40), constraints=("accuracy_difference<=0.1",))


@pytest.mark.slow
def test_rows_in_another_order_are_refused(
    execute: Callable[..., dict[str, Any]], people: SimpleNamespace, tmp_path: Path, examples_of: Any
) -> None:
    import tensorflow as tf

    raw = tmp_path / "shuffled"
    shutil.copytree(people.ExampleGen.uris["examples"], raw)
    records = [example.SerializeToString() for example in examples_of(raw, "eval")]
    (path,) = (raw / "Split-eval").iterdir()
    with tf.io.TFRecordWriter(str(path), options="GZIP") as writer:
        for number in np.random.default_rng(0).permutation(len(records)):
            writer.write(records[number])
    with pytest.raises(ModelError, match="rows of the split 'eval' have another 'label' in raw_examples than in exam"):
        execute(GroupSpec((("member",),), 5), raw=raw, constraints=("accuracy_difference<=0.1",))
