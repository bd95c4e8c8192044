"""Which earlier model a new one is compared with."""

from typing import Any

from tfx.types import standard_artifacts

from tfx_automl.components.evaluator.last_blessed import EarlierBlessedModelStrategy


def _artifact(kind: Any, number: int, **properties: int) -> Any:
    found = kind()
    found.id = number
    for name, value in properties.items():
        found.set_int_custom_property(name, value)
    return found


def _resolve(models: list[int], blessed: dict[int, int]) -> list[int]:
    """Returns the ids of what is resolved, from the ids of all models and which of them were blessed (1) or not (0)."""
    inputs = {
        "model": [_artifact(standard_artifacts.Model, number) for number in models],
        "model_blessing": [
            _artifact(standard_artifacts.ModelBlessing, 100 + number, current_model_id=number, blessed=value)
            for number, value in blessed.items()
        ],
    }
    found = EarlierBlessedModelStrategy().resolve_artifacts(None, inputs)
    assert found is not None
    return [model.id for model in found["model"]]


def test_first_model_is_compared_with_none() -> None:
    assert _resolve([1], {}) == []


def test_latest_blessed_one_before_the_newest() -> None:
    assert _resolve([1, 2, 3, 4], {1: 1, 2: 1, 3: 0}) == [2]


def test_newest_one_is_not_compared_with_itself_when_an_unchanged_pipeline_runs_again() -> None:
    assert _resolve([1], {1: 1}) == []
    assert _resolve([1, 2], {1: 1, 2: 1}) == [1]
