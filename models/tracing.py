"""What there is to search in a hypermodel: its hyperparameters and metrics, found by building it a few times."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from tfx_automl import console
from tfx_automl.errors import ModelError
from tfx_automl.models.data import Arrays, TrainingData
from tfx_automl.models.hypermodel import HyperModel, hyperparameters_of
from tfx_automl.models.views import View, labels_of, view_of
from tfx_automl.search.parameters import Point, Value
from tfx_automl.search.space import Space

_MOST_BUILDS = 64
_ROWS = 32
_RESCALING = ("Rescaling", "Normalization", "BatchNormalization")


@dataclass(frozen=True)
class Traced:
    """What a hypermodel is.

    Attributes:
        space: Its hyperparameters.
        view: What the model of the default values sees.
        metrics: What its compiled metrics are called on the eval split, such as `val_accuracy`; None if it trains in a
            way of its own, so that nobody knows before.
    """

    space: Space
    view: View
    metrics: tuple[str, ...] | None


def trace(hypermodel: HyperModel, data: TrainingData) -> Traced:
    """Finds out what there is to search; trains nothing.

    Like KerasTuner, it builds until every conditional scope was active once. Beyond that it builds with all numbers at
    their largest and with every text and every boolean once, so that hyperparameters behind a plain `if` or in a loop
    are found, too; up to 64 builds. A `fit` of its own is called to the point where it uses the model.

    Args:
        hypermodel: The hypermodel.
        data: The training data; the model of the default values is evaluated on a few of its rows.

    Raises:
        ModelError: The model of the default values cannot be built or evaluated, or there is nothing to search.
    """
    rows = _few(data.split("eval"))
    explorer = _Explorer(hypermodel, data, rows)
    view, metrics = explorer.explore()
    space = Space.from_config(explorer.space.get_config())
    if not space.parameters:
        raise ModelError(f"{hypermodel.path} has no hyperparameters, so there is nothing to search.")
    return Traced(space, view, None if hypermodel.overrides_fit else metrics)


class _Explorer:
    """Builds with different values, and gathers what is asked for."""

    def __init__(self, hypermodel: HyperModel, data: TrainingData, rows: Arrays) -> None:
        self._hypermodel, self._data, self._rows = hypermodel, data, rows
        self.space = hyperparameters_of({})
        hypermodel.declare(self.space)
        self._active: list[Any] = []  # scopes that were active once
        self._inactive: list[Any] = []  # scopes that were not yet

    def explore(self) -> tuple[View, tuple[str, ...]]:
        """Builds until nothing new is wished for; returns what the model of the default values sees and measures."""
        model, view = self._visit({})
        _hint(model, view)
        metrics = _metrics(self._hypermodel, model, view, self._rows)
        visited = {"{}"}
        while len(visited) < _MOST_BUILDS:
            wish = next((w for w in self._wishes() if json.dumps(w, sort_keys=True) not in visited), None)
            if wish is None:
                break
            visited.add(json.dumps(wish, sort_keys=True))
            try:
                self._visit(wish)
            except ModelError as error:  # a trial that fails does not end a search either
                console.line(f"  {error}")
        return view, metrics

    def _wishes(self) -> Iterator[Point]:
        """Yields values to build with: of scopes that were never active, all numbers large, every text and boolean."""
        for scope in self._inactive:
            yield {condition.name: condition.values[0] for condition in scope}
        yield {p.name: largest for p in self.space.space if (largest := _largest(p)) is not None}
        for parameter in self.space.space:
            yield from ({parameter.name: value} for value in _kinds(parameter))

    def _visit(self, wish: Point) -> tuple[Any, View]:
        """Builds with these values and the default ones for the rest, and takes over what was asked for."""
        hyperparameters = self.space.copy()
        hyperparameters.values = {}
        for parameter in hyperparameters.space:  # parents come before what depends on them
            if hyperparameters.is_active(parameter) and parameter.name not in hyperparameters.values:
                hyperparameters.values[parameter.name] = wish.get(parameter.name, parameter.default)
        try:
            model = self._hypermodel.build(hyperparameters)
            view = view_of(model, self._data.inputs)
            if self._hypermodel.overrides_fit:
                self._trace_fit(hyperparameters, model, view)
        finally:
            self.space.merge(hyperparameters, overwrite=False)
            self._note_scopes(hyperparameters)
        return model, view

    def _trace_fit(self, hyperparameters: Any, model: Any, view: View) -> None:
        """Calls `fit` for the hyperparameters that it asks for before it uses the model."""
        x, y = view.of(self._rows), labels_of(self._rows, getattr(model, "output", None) if model.built else None)
        used = {name: getattr(model, name) for name in ("fit", "evaluate", "predict", "train_on_batch", "call")}
        for name in used:
            setattr(model, name, _use)
        arguments = {"validation_data": (x, y), "epochs": 1, "initial_epoch": 0, "verbose": 0, "callbacks": []}
        try:
            self._hypermodel.fit(hyperparameters, model, x, y, **arguments)
        except _ModelUsed:
            pass  # what comes after it is training
        finally:
            for name, method in used.items():
                setattr(model, name, method)

    def _note_scopes(self, hyperparameters: Any) -> None:
        self._active += [scope for scope in hyperparameters.active_scopes if scope not in self._active]
        known = [*self._inactive, *hyperparameters.inactive_scopes]
        self._inactive = [scope for n, scope in enumerate(known) if scope not in (*self._active, *known[:n])]


class _ModelUsed(BaseException):
    """Ends a `fit` that is only traced; no `Exception`, so that its own handlers let it through."""


def _use(*arguments: object, **named: object) -> None:
    del arguments, named
    raise _ModelUsed


def _largest(parameter: Any) -> Value | None:
    """Returns the largest number that a parameter can be; None if it is no number."""
    kind = type(parameter).__name__
    if kind in ("Int", "Float"):
        largest: Value = parameter.max_value if parameter.step is None else max(parameter.values)
        return largest
    return max(parameter.values) if kind == "Choice" and not isinstance(parameter.values[0], str) else None


def _kinds(parameter: Any) -> list[Value]:
    """Returns all values of a parameter that is likely to be asked about: texts and booleans."""
    if type(parameter).__name__ not in ("Choice", "Boolean"):
        return []
    values: list[Value] = list(parameter.values)
    # KerasTuner keeps a choice of booleans as 0 and 1.
    return values if isinstance(values[0], str) or set(values) <= {0, 1} else []


def _metrics(hypermodel: HyperModel, model: Any, view: View, rows: Arrays) -> tuple[str, ...]:
    """Evaluates on a few rows, which shows mistakes before a search begins."""
    if not model.compiled:
        return ()
    x = view.of(rows)
    try:
        names = model.evaluate(x, labels_of(rows, model(x)), verbose=0, return_dict=True)
    except Exception as error:
        raise ModelError(
            f"{hypermodel.path}: its model cannot be evaluated on the data: {error}. It sees {view}; labels are"
            " class indices or targets, so the loss has to be a sparse one for several classes."
        ) from error
    return tuple(f"val_{name}" for name in names)


def _hint(model: Any, view: View) -> None:
    """Tells of what many models for images expect to be done before."""
    image = any(column.block == "image" for column in view.columns.values())
    if image and not any(type(layer).__name__ in _RESCALING for layer in model.layers):
        console.line(
            "  pixels are 0 to 255, and no layer of the model rescales them; keras.layers.Rescaling(1 / 255) would"
        )


def _few(arrays: Arrays) -> Arrays:
    return arrays.with_each(lambda values: np.asarray(values[:_ROWS]))
