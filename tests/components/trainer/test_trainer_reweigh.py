"""Trainer and Tuner with weights of training rows: what is refused, what is trained, and what the card says."""

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from trainer_for_tests import run_trainer
from tuner_for_tests import run_tuner

from tfx_automl.components.trainer.options import TrainOptions
from tfx_automl.components.tuner.options import SearchOptions
from tfx_automl.errors import ConfigError, ModelError
from tfx_automl.models.groups import GroupSpec
from tfx_automl.models.task import TaskSpec

TASK = TaskSpec("binary", "y", ("no", "yes"))
MEMBER = GroupSpec((("member",), ("city",)), 5, ("member",))
PLAIN = GroupSpec(MEMBER.sensitive, 5)


def _channels(*names: str) -> dict[str, Any]:
    from tfx.types import channel_utils, standard_artifacts

    kinds = {
        "transform_graph": standard_artifacts.TransformGraph,
        "hyperparameters": standard_artifacts.HyperParameters,
        "base_model": standard_artifacts.Model,
    }
    return {
        name: channel_utils.as_channel([kinds.get(name, standard_artifacts.Examples)()])
        for name in ("examples", "raw_examples", *names)
    }


def trainer(**arguments: Any) -> Any:
    from tfx_automl.components import Trainer

    channels = _channels("transform_graph", "hyperparameters", "base_model")
    given = {**channels, "task": TASK, "sensitive": [["sex"], ["sex", "race"]], "reweigh": ["sex", "race"], **arguments}
    return Trainer(**{name: value for name, value in given.items() if value is not None})


def tuner(**arguments: Any) -> Any:
    from tfx_automl.components import Tuner

    channels = _channels("transform_graph")
    given = {**channels, "task": TASK, "sensitive": [["sex"], ["sex", "race"]], "reweigh": ["sex", "race"], **arguments}
    return Tuner(**{name: value for name, value in given.items() if value is not None})


@pytest.mark.parametrize("made", [trainer, tuner])
def test_construction(made: Callable[..., Any]) -> None:
    expected = GroupSpec((("sex",), ("sex", "race")), 30, ("sex", "race"))
    assert GroupSpec.from_json(made().exec_properties["groups"]) == expected
    assert "raw_examples" in made().inputs
    assert GroupSpec.from_json(made(reweigh=[]).exec_properties["groups"]).reweigh == ()


def test_every_mode_needs_the_rows() -> None:
    for mode in ("retrain", "retrain_all", "continue", "reuse"):
        made = trainer(mode=mode)
        assert GroupSpec.from_json(made.exec_properties["groups"]).reweigh == ("sex", "race")
        assert "raw_examples" in made.inputs


@pytest.mark.parametrize("made", [trainer, tuner])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"reweigh": ["race"]}, r"reweigh must be one of the sensitive groups, which are \('sex',\), .*'race'\); got"),
        ({"reweigh": "sex"}, "got 'sex'"),
        ({"sensitive": [], "raw_examples": None}, "sensitive groups, which are none; got"),
        ({"raw_examples": None}, "without raw_examples"),
        (
            {"task": TaskSpec("regression", "y")},
            "^reweigh: rows are weighed by group and class, but a regression task has no classes; got 'sex,race'",
        ),
    ],
)
def test_contradictions_are_refused(made: Callable[..., Any], arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        made(**arguments)


def test_code_of_the_user_is_refused() -> None:
    nothing = {"sensitive": (), "raw_examples": None}
    with pytest.raises(ConfigError, match=r"^reweigh is for a model family .* code of their own, which"):
        tuner(hypermodel="my.module:build", **nothing)
    with pytest.raises(ConfigError, match=r"^reweigh is for a model family"):
        tuner(task=None, tuner_fn="my.module.tuner_fn", **nothing)
    with pytest.raises(ConfigError, match=r"^reweigh: for a model family \(task\); a run_fn takes"):
        trainer(task=None, run_fn="my.module.run_fn", **nothing)


_RUNS = ("weighed", "plain")


@pytest.fixture(scope="module")
def tuned(people: SimpleNamespace, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The outputs of three searches: with weights, without, and with weights on three folds."""
    folder = tmp_path_factory.mktemp("tuned")
    examples, graph = (str(people.Transform.uris[name]) for name in ("transformed_examples", "transform_graph"))
    raw = str(people.ExampleGen.uris["examples"])
    for name, groups, folds in (("weighed", MEMBER, 1), ("plain", PLAIN, 1), ("folds", MEMBER, 3)):
        search = SearchOptions(
            families=("mlp",), algorithm="random", max_trials=1, max_epochs=2, workers=1, seed=3, folds=folds
        )
        properties = {"task": people.task.to_json(), "search": search.to_json(), "groups": groups.to_json()}
        run_tuner(str(folder), name, examples, graph, properties, raw_examples=raw)
    return folder


@pytest.fixture
def execute(people: SimpleNamespace, inputs: dict[str, str], tmp_path: Path) -> Callable[..., SimpleNamespace]:
    """A function that calls `Do` with groups."""

    def run(name: str, groups: GroupSpec = MEMBER, base: Path | None = None, **options: Any) -> SimpleNamespace:
        properties = {"task": people.task.to_json(), **TrainOptions(**options).to_properties()}
        properties["groups"] = groups.to_json()
        given = {**inputs, "raw_examples": str(people.ExampleGen.uris["examples"])}
        if base is not None:
            given["base_model"] = str(base / "model")
        return run_trainer(str(tmp_path), name, given, properties)

    return run


@pytest.mark.slow
def test_search_trains_with_weights(tuned: Path) -> None:
    best = {name: json.loads((tuned / name / "best" / "best_hyperparameters.txt").read_text()) for name in _RUNS}
    trials = {name: json.loads((tuned / name / "results" / "trials.json").read_text())["trials"] for name in _RUNS}
    assert best["weighed"]["training"]["reweigh"] == "member"
    assert not {"reweigh", "seed"} & set(best["plain"]["training"])
    # The same hyperparameters and seeds, but other losses: on the rows trained on, and on those of eval.
    for weighed, plain in zip(trials["weighed"], trials["plain"], strict=True):
        assert weighed["values"] == plain["values"]
        for name in ("loss", "val_loss"):
            assert abs(weighed["metrics"][name] - plain["metrics"][name]) > 1e-5


@pytest.mark.slow
def test_card_has_weights_and_the_model_without(execute: Callable[..., Any], capsys: pytest.CaptureFixture) -> None:
    done, plain = execute("weighed", max_epochs=1), execute("plain", PLAIN, max_epochs=1)
    found = done.card["reweighing"]
    assert "reweighing" not in plain.card
    assert (found["group"], found["rows"], found["split"], found["epochs"]) == (["member"], ["train"], "eval", 1)
    cells = found["cells"]
    assert sum(cell["rows"] for cell in cells) == done.card["data"]["rows"]["train"]
    assert sum(cell["rows"] * cell["weight"] for cell in cells) == pytest.approx(done.card["data"]["rows"]["train"])
    members = {value: [cell for cell in cells if cell["values"] == [value]] for value in ("0", "1")}
    shares = [cell["rows"] * cell["weight"] for member in members.values() for cell in member if cell["label"] == "yes"]
    sizes = [sum(cell["rows"] for cell in member) for member in members.values()]
    assert shares[0] / sizes[0] == pytest.approx(shares[1] / sizes[1])
    # What is measured is not weighed: it is what the card says of each model by itself.
    for measured, card in ((found["with"], done.card), (found["without"], plain.card)):
        assert measured["metrics"] == pytest.approx(card["metrics"]["eval"], abs=1e-6)
        assert set(measured["gaps"]) == {"member", "city"}
    assert found["with"]["metrics"]["loss"] != found["without"]["metrics"]["loss"]
    before, after = (found[name]["gaps"]["member"]["demographic_parity_difference"] for name in ("without", "with"))
    line = f"reweighing member: demographic parity difference {before:.3f} → {after:.3f}, accuracy "
    assert line in capsys.readouterr().out


@pytest.mark.slow
def test_trained_on_all_rows_is_measured_before(execute: Callable[..., Any]) -> None:
    done = execute("all", mode="retrain_all", max_epochs=1)
    found, rows = done.card["reweighing"], done.card["data"]["rows"]
    assert found["rows"] == done.card["trained_on"] == ["train", "eval"]
    assert sum(cell["rows"] for cell in found["cells"]) == rows["train"] + rows["eval"]
    # The model that is compared was trained on the train split alone, as the other one was.
    assert found["with"]["metrics"] == pytest.approx(done.card["metrics"]["eval"], abs=1e-6)
    assert found["with"]["metrics"] == pytest.approx(execute("train", max_epochs=1).card["metrics"]["eval"], abs=1e-6)


@pytest.mark.slow
def test_reused_model_is_compared_with_the_same_trial(tuned: Path, execute: Callable[..., Any]) -> None:
    """From the same seed, for as many epochs: what a search without weights would have found for these values."""
    best = {name: json.loads((tuned / name / "model" / "hyperparameters.json").read_text())["values"] for name in _RUNS}
    assert best["weighed"] == best["plain"], "the test must compare the same trial"
    done = execute("reuse", base=tuned / "weighed", mode="reuse")
    plain = execute("plain", PLAIN, tuned / "plain", mode="reuse")
    found = done.card["reweighing"]
    assert found["epochs"] == done.card["epochs"] == plain.card["epochs"]
    assert found["with"]["metrics"] == pytest.approx(done.card["metrics"]["eval"], abs=1e-5)
    assert found["without"]["metrics"] == pytest.approx(plain.card["metrics"]["eval"], abs=1e-5)
    assert "reweighing" not in plain.card


@pytest.mark.slow
def test_model_of_folds_is_judged_on_rows_that_it_did_not_see(tuned: Path, execute: Callable[..., Any]) -> None:
    done = execute("folds", base=tuned / "folds", mode="continue", max_epochs=1)
    found, rows = done.card["reweighing"], done.card["data"]["rows"]
    assert found["epochs"] == done.card["epochs"]
    assert found["rows"] == ["train", "eval"]
    assert sum(cell["rows"] for cell in found["cells"]) == rows["train"] + rows["eval"]
    assert abs(found["with"]["metrics"]["loss"] - found["without"]["metrics"]["loss"]) > 1e-5


@pytest.mark.slow
def test_base_model_with_other_weights_is_refused(tuned: Path, execute: Callable[..., Any]) -> None:
    with pytest.raises(
        ModelError, match="was trained on rows without weights, but the Trainer is to train on rows wei"
    ):
        execute("wrong", base=tuned / "plain", mode="reuse")
    with pytest.raises(ModelError, match="on rows weighed by 'member', but the Trainer is to train on rows without"):
        execute("wrong", PLAIN, tuned / "weighed", mode="continue")
